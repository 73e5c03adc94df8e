package mail

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"
)

// outbox is a mail server on loopback that catches what is sent to it.
type outbox struct {
	addr string
	mu   sync.Mutex
	// refuse, where set, answers a stage ("mail", "rcpt", "data").
	refuse func(stage, address string) *smtp.SMTPError
	mails  []caughtMail
}

func startOutbox(t *testing.T) *outbox {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o := &outbox{addr: l.Addr().String()}
	srv := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &outSession{box: o}, nil }))
	srv.Domain, srv.ErrorLog = "relay.example", smtpLog{slog.New(slog.DiscardHandler)}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l) }()
	t.Cleanup(func() {
		srv.Close()
		l.Close() // where the library has not begun to accept yet
		if err := <-ended; err != nil && !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
	return o
}

func (o *outbox) answer(stage, address string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.refuse != nil {
		if e := o.refuse(stage, address); e != nil {
			return e
		}
	}
	return nil
}

func (o *outbox) set(refuse func(stage, address string) *smtp.SMTPError) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.refuse = refuse
}

func (o *outbox) take() []caughtMail {
	o.mu.Lock()
	defer o.mu.Unlock()
	list := o.mails
	o.mails = nil
	return list
}

type outSession struct {
	box      *outbox
	from, to string
}

func (s *outSession) Mail(from string, _ *smtp.MailOptions) error {
	s.from = from
	return s.box.answer("mail", from)
}

func (s *outSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = to
	return s.box.answer("rcpt", to)
}

func (s *outSession) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if err := s.box.answer("data", s.to); err != nil {
		return err
	}
	s.box.mu.Lock()
	defer s.box.mu.Unlock()
	s.box.mails = append(s.box.mails, caughtMail{from: s.from, to: s.to, raw: raw})
	return nil
}

func (s *outSession) Reset()        {}
func (s *outSession) Logout() error { return nil }
