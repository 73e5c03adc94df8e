package supervisor

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"ticketfrei/internal/config"
	"ticketfrei/internal/mailer"
	"ticketfrei/internal/mailer/mailertest"
	"ticketfrei/internal/queue"
	"ticketfrei/internal/slow"
)

// TestAccountMailsWaitForASlowRelay has more account mails than are sent at once
// wait longer than the queue waits for a sign of life.
func TestAccountMailsWaitForASlowRelay(t *testing.T) {
	slow.Test(t, "waits longer than the queue does")
	const mails = 12
	relay := mailertest.Start(t)
	letGo := make(chan struct{})
	relay.Answer(func(stage, _ string) error {
		if stage == "data" {
			<-letGo
		}
		return nil
	})

	q, err := queue.Open(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	log := slog.New(slog.DiscardHandler)
	m := mailer.New(&config.Config{Mail: config.Mail{Domain: "mail.example", Relay: "smtp://" + relay.Addr, Connections: 4}}, log, time.Now)
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
	time.AfterFunc(7*time.Second, func() { close(letGo) }) // the queue waits 5 s
	got := make(map[string]int)                            // mails by recipient
	wait := func(n int) {
		t.Helper()
		for deadline := time.Now().Add(30 * time.Second); len(got) < n; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%d of %d mails came", len(got), n)
			}
			for _, m := range relay.Take() {
				got[m.To]++
			}
		}
	}
	wait(mails)
	publish("last@example.org") // after what came twice
	wait(mails + 1)
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	for to, n := range got {
		if n != 1 {
			t.Errorf("%s got %d mails", to, n)
		}
	}
}
