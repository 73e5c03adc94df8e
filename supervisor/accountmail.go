package supervisor

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"mime/quotedprintable"
	"net/textproto"
	"regexp"
	"sync"
	"time"

	"ticketfrei/internal/backoff"
	"ticketfrei/internal/mailer"
	"ticketfrei/internal/queue"
)

// accountMailSenders is how many account mails are sent at the same time.
const accountMailSenders = 4

// accountMailsWaiting is how many account mails wait for a sender. More of them
// wait in the queue.
const accountMailsWaiting = 1024

// accountMailTries is how often an account mail is tried; with doubling waits
// up to an hour that is about a day, and the links in them are good for two.
const accountMailTries = 32

// queuedMail is an account mail from the queue, which hears what became of it by
// Done or Later.
type queuedMail = *queue.Message[mailer.Mail]

// AccountMails sends the mails that are no reports: confirmations, password
// resets, invitations, notices.
type AccountMails struct {
	Queue  *queue.Queue
	Mailer *mailer.Mailer
	// LogLinks writes the link of a mail that could not be sent to the log:
	// for a server that has no way to send mail yet.
	LogLinks bool
	Log      *slog.Logger
}

// Run sends account mails until ctx ends.
func (a *AccountMails) Run(ctx context.Context) error {
	work := make(chan queuedMail, accountMailsWaiting)
	var group sync.WaitGroup
	for range accountMailSenders {
		group.Go(func() {
			for q := range work {
				a.send(ctx, q) // puts it back where the program stops
			}
		})
	}
	err := a.Queue.ConsumeMails(ctx, func(q queuedMail) {
		// It must not wait for a mail server that hangs: what the queue has fetched
		// and nobody has taken is handed out again.
		select {
		case work <- q:
		default:
			q.Later(accountMailWait(q.Attempt))
		}
	})
	close(work)
	group.Wait()
	return err
}

func (a *AccountMails) send(ctx context.Context, q queuedMail) {
	err := a.Mailer.Send(ctx, q.Body)
	switch {
	case err == nil:
		q.Done()
	case ctx.Err() != nil:
		q.Later(0)
	default:
		a.failed(q, err)
	}
}

// failed drops an account mail that could not be sent, or puts it back.
func (a *AccountMails) failed(q queuedMail, err error) {
	log := a.Log.With("err", err)
	if link := firstLink(q.Body.Data); a.LogLinks && link != "" {
		log = log.With("link", link)
	}
	answer, ok := errors.AsType[*mailer.Error](err)
	if ok && answer.Permanent() || q.Attempt >= accountMailTries {
		log.Error("an account mail could not be sent and is dropped")
		q.Done()
		return
	}
	wait := accountMailWait(q.Attempt)
	log.Warn("an account mail could not be sent, trying again", "in", wait.Round(time.Second))
	q.Later(wait)
}

// accountMailWait is how long an account mail waits for its next try.
func accountMailWait(attempt int) time.Duration {
	return backoff.Wait(5*time.Second, attempt, time.Hour)
}

var linkPattern = regexp.MustCompile(`https?://[^\s<>"]+/(confirm|password|invitation)/[^\s<>"]+`)

// firstLink returns the link of an account mail; empty where it has none.
func firstLink(mail []byte) string {
	r := textproto.NewReader(bufio.NewReader(bytes.NewReader(mail)))
	if _, err := r.ReadMIMEHeader(); err != nil {
		return ""
	}
	text, err := io.ReadAll(quotedprintable.NewReader(r.R))
	if err != nil {
		return ""
	}
	return string(linkPattern.Find(text))
}
