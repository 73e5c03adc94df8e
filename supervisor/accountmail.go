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
	work := make(chan *queue.Message[mailer.Mail], accountMailsWaiting)
	var group sync.WaitGroup
	for range accountMailSenders {
		group.Go(func() {
			for m := range work {
				a.send(ctx, m) // puts it back where the program stops
			}
		})
	}
	err := a.Queue.ConsumeMails(ctx, func(m *queue.Message[mailer.Mail]) {
		// It must not wait for a relay that hangs: what the queue has fetched and
		// nobody has taken is handed out again.
		select {
		case work <- m:
		default:
			m.Later(accountMailWait(m.Attempt))
		}
	})
	close(work)
	group.Wait()
	return err
}

func (a *AccountMails) send(ctx context.Context, m *queue.Message[mailer.Mail]) {
	err := a.Mailer.Send(ctx, m.Body)
	if err == nil {
		m.Done()
		return
	}
	if ctx.Err() != nil {
		m.Later(0)
		return
	}
	log := a.Log.With("err", err)
	if link := firstLink(m.Body.Data); a.LogLinks && link != "" {
		log = log.With("link", link)
	}
	refused, ok := errors.AsType[*mailer.Error](err)
	if ok && refused.Permanent() || m.Attempt >= accountMailTries {
		log.Error("an account mail could not be sent and is dropped")
		m.Done()
		return
	}
	wait := accountMailWait(m.Attempt)
	log.Warn("an account mail could not be sent, trying again", "in", wait.Round(time.Second))
	m.Later(wait)
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
