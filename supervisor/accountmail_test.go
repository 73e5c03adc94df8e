package supervisor

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"ticketfrei/config"
	"ticketfrei/mailer"
	"ticketfrei/queue"
)

// slowRelay is a mail server that answers to no mail until it is let go.
type slowRelay struct {
	letGo chan struct{}

	mu   sync.Mutex
	got  map[string]int // mails by recipient
	came chan struct{}  // one for each of them
}

type slowSession struct {
	relay *slowRelay
	to    string
}

func (s *slowSession) Mail(string, *smtp.MailOptions) error      { return nil }
func (s *slowSession) Rcpt(to string, _ *smtp.RcptOptions) error { s.to = to; return nil }
func (s *slowSession) Reset()                                    {}
func (s *slowSession) Logout() error                             { return nil }
func (s *slowSession) Data(r io.Reader) error {
	if _, err := io.Copy(io.Discard, r); err != nil {
		return err
	}
	<-s.relay.letGo
	s.relay.mu.Lock()
	defer s.relay.mu.Unlock()
	s.relay.got[s.to]++
	s.relay.came <- struct{}{}
	return nil
}

// TestAccountMailsWaitForASlowRelay has more account mails than are sent at once
// wait longer than the queue waits for a sign of life.
func TestAccountMailsWaitForASlowRelay(t *testing.T) {
	const mails = 12
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	relay := &slowRelay{letGo: make(chan struct{}), got: make(map[string]int), came: make(chan struct{}, 10*mails)}
	srv := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &slowSession{relay: relay}, nil }))
	srv.Domain = "mx.example"
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l) }()
	defer func() { srv.Close(); <-ended }()

	q, err := queue.Open(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	log := slog.New(slog.DiscardHandler)
	m := mailer.New(&config.Config{Mail: config.Mail{Domain: "mail.example", Relay: "smtp://" + l.Addr().String(), Connections: 4}}, log, time.Now)
	defer m.Close()
	publish := func(to string) {
		t.Helper()
		if err := q.PublishMail(t.Context(), mailer.Mail{From: "t@mail.example", To: to, Data: []byte("Subject: x\r\n\r\n")}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range mails {
		publish(fmt.Sprintf("m%d@example.org", i))
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := make(chan error, 1)
	go func() { done <- (&AccountMails{Queue: q, Mailer: m, Log: log}).Run(ctx) }()
	time.AfterFunc(7*time.Second, func() { close(relay.letGo) }) // the queue waits 5 s
	wait := func(n int) {
		t.Helper()
		for i := range n {
			select {
			case <-relay.came:
			case <-time.After(30 * time.Second):
				t.Fatalf("%d of %d mails came", i, n)
			}
		}
	}
	wait(mails)
	publish("last@example.org") // after what came twice
	wait(1)
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	relay.mu.Lock()
	defer relay.mu.Unlock()
	for to, n := range relay.got {
		if n != 1 {
			t.Errorf("%s got %d mails", to, n)
		}
	}
}
