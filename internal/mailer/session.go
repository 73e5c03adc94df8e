package mailer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/emersion/go-smtp"
)

// errDead marks a connection that failed before the server accepted the sender:
// the mail may be sent over another one.
var errDead = errors.New("the connection is dead")

// session is one connection to a server, past greeting and login.
type session struct {
	conn   net.Conn
	client *smtp.Client
	sent   int  // mails tried over it
	dirty  bool // a transaction was left half done
}

// send sends one mail. The connection is closed when ctx ends.
func (s *session) send(ctx context.Context, mail Mail, signing *signing) error {
	stop := context.AfterFunc(ctx, func() { s.conn.Close() })
	defer stop()
	s.sent++
	err := s.transaction(ctx, mail, signing)
	if ctx.Err() != nil && err != nil {
		return fmt.Errorf("smtp: %w", ctx.Err())
	}
	return err
}

func (s *session) transaction(ctx context.Context, mail Mail, signing *signing) error {
	if err := s.begin(mail, signing.size(mail)); err != nil {
		return err
	}
	if err := s.client.Rcpt(mail.To, nil); err != nil {
		return staged(StageRcpt, err)
	}
	data, err := signing.sign(ctx, mail)
	if err != nil {
		return err
	}
	w, err := s.client.Data()
	if err != nil {
		return staged(StageData, err)
	}
	if _, err := w.Write(data); err != nil {
		return staged(StageData, err)
	}
	if err := w.Close(); err != nil {
		return staged(StageData, err)
	}
	s.dirty = false
	return nil
}

// begin names the sender, after clearing what a refused mail has left behind.
func (s *session) begin(mail Mail, size int64) error {
	reused := s.sent > 1
	if s.dirty {
		if err := s.client.Reset(); err != nil {
			return dead(reused, staged(StageMail, err))
		}
	}
	opts := &smtp.MailOptions{Size: size, UTF8: !ascii(mail.From) || !ascii(mail.To)}
	if ok, _ := s.client.Extension("SMTPUTF8"); opts.UTF8 && !ok {
		return &Error{Code: 553, Enhanced: noUTF8, Stage: StageRcpt} // it would say so itself, and takes others
	}
	s.dirty = true
	if err := s.client.Mail(mail.From, opts); err != nil {
		return dead(reused, staged(StageMail, err))
	}
	return nil
}

// dead adds errDead if a reused connection broke or the server said that it was
// closing it (421).
func dead(reused bool, err error) error {
	answer, ok := errors.AsType[*Error](err)
	if reused && (!ok || answer.Code == 421) {
		return fmt.Errorf("%w: %w", errDead, err)
	}
	return err
}

// usable reports whether another mail may go over the connection after err: it
// may if the server answered and did not say that it was hanging up.
func (s *session) usable(err error) bool {
	if err == nil {
		return true
	}
	answer, ok := errors.AsType[*Error](err)
	return ok && answer.Code != 421
}

// quit says goodbye without waiting for the answer. The server must be
// expecting a command.
func (s *session) quit() {
	_ = s.conn.SetWriteDeadline(time.Now().Add(time.Second))
	_, _ = io.WriteString(s.conn, "QUIT\r\n")
	s.close()
}

func (s *session) close() { _ = s.conn.Close() }

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] > 127 {
			return false
		}
	}
	return true
}
