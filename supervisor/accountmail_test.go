package supervisor_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"ticketfrei/db/dbtest"
	"ticketfrei/internal/config"
	"ticketfrei/internal/mailer"
	"ticketfrei/internal/mailer/mailertest"
	"ticketfrei/internal/secret"
	"ticketfrei/supervisor"
)

// TestAccountMailsWaitForASlowRelay has more account mails than are sent at once
// wait for a relay that hangs: each comes once.
func TestAccountMailsWaitForASlowRelay(t *testing.T) {
	const mails = 12
	relay := mailertest.Start(t)
	letGo := make(chan struct{})
	relay.Answer(func(stage, _ string) error {
		if stage == "data" {
			<-letGo
		}
		return nil
	})

	d := dbtest.MustOpen(t, time.Now, nil)
	box, err := secret.New(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	m := mailer.New(&config.Config{Mail: config.Mail{Domain: "mail.example", Relay: "smtp://" + relay.Addr, Connections: 4}}, log, time.Now)
	defer m.Close()
	accounts := supervisor.NewAccountMails(d, box, m, log, time.Now)
	publish := func(to string) {
		t.Helper()
		if err := accounts.StoreMail(t.Context(), mailer.Mail{From: "t@mail.example", To: to, Data: []byte("Subject: x\r\n\r\n")}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range mails {
		publish(fmt.Sprintf("m%d@example.org", i))
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := make(chan error, 1)
	go func() { done <- accounts.Run(ctx) }()
	time.AfterFunc(300*time.Millisecond, func() { close(letGo) })
	got := make(map[string]int) // mails by recipient
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
