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

	"ticketfrei/mailer"
	"ticketfrei/queue"
)

// accountMailSenders is how many account mails are sent at the same time.
const accountMailSenders = 4

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
	work := make(chan *queue.Message[mailer.Mail])
	var group sync.WaitGroup
	for range accountMailSenders {
		group.Go(func() {
			for m := range work {
				a.send(ctx, m)
			}
		})
	}
	err := a.Queue.ConsumeMails(ctx, func(m *queue.Message[mailer.Mail]) {
		select {
		case work <- m:
		case <-ctx.Done():
			m.Later(0)
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
	wait := min(5*time.Second<<min(m.Attempt, 12), time.Hour)
	log.Warn("an account mail could not be sent, trying again", "in", wait)
	m.Later(jitter(wait))
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
