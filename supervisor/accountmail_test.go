package supervisor_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/prometheus/client_golang/prometheus"

	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/config"
	"ticketfrei/internal/mailer"
	"ticketfrei/internal/mailer/mailertest"
	"ticketfrei/internal/secret"
	"ticketfrei/internal/slow"
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

	accounts, publish := startAccounts(t, relay, time.Now)
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

// startAccounts returns the account mails of a new database that go by a relay, and
// what stores one.
func startAccounts(t *testing.T, relay *mailertest.Server, now func() time.Time) (accounts *supervisor.AccountMails, publish func(to string)) {
	t.Helper()
	return startAccountsOn(t, dbtest.MustOpen(t, now, nil), relay, now)
}

func startAccountsOn(t *testing.T, d *db.DB, relay *mailertest.Server, now func() time.Time) (accounts *supervisor.AccountMails, publish func(to string)) {
	t.Helper()
	box, err := secret.New(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	m := mailer.New(&config.Config{Mail: config.Mail{Domain: "mail.example", Relay: "smtp://" + relay.Addr, Connections: 4}}, log, now)
	t.Cleanup(func() { m.Close() })
	accounts = supervisor.NewAccountMails(d, box, m, log, now)
	return accounts, func(to string) {
		t.Helper()
		if err := accounts.StoreMail(t.Context(), mailer.Mail{From: "t@mail.example", To: to, Account: true, Data: []byte("Subject: x\r\n\r\n")}); err != nil {
			t.Fatal(err)
		}
	}
}

// runAccounts sends until the test ends, or stop is called.
func runAccounts(t *testing.T, accounts *supervisor.AccountMails) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- accounts.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// figure waits until a metric of the account mails has a value.
func figure(t *testing.T, accounts *supervisor.AccountMails, name, label string, want float64) {
	t.Helper()
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(accounts)
	got := -1.0
	for deadline := time.Now().Add(patience); got != want; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s of %s is %v, want %v", name, label, got, want)
		}
		families, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			for _, m := range f.GetMetric() {
				if f.GetName() == name && m.GetLabel()[0].GetValue() == label {
					got = m.GetGauge().GetValue() + m.GetCounter().GetValue()
				}
			}
		}
	}
}

// waitForDelay waits until no mail leaves.
func waitForDelay(t *testing.T, accounts *supervisor.AccountMails) {
	t.Helper()
	for deadline := time.Now().Add(patience); !accounts.Delayed(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("mails are not delayed")
		}
	}
}

// TestAccountMailsAreNotDroppedForUs has a relay refuse account mails for good and for
// reasons that are not the recipients': they wait, tried by one at a time, and go when
// it takes mails again. One whose mailbox is gone is given up.
func TestAccountMailsAreNotDroppedForUs(t *testing.T) {
	slow.Test(t, "waits for a trial")
	const mails = 200
	relay := mailertest.Start(t)
	var tried atomic.Int32
	relay.Answer(func(stage, to string) error {
		switch {
		case stage != "rcpt":
			return nil
		case to == "gone@example.org":
			return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "unknown"}
		}
		tried.Add(1)
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "no"}
	})
	accounts, publish := startAccounts(t, relay, time.Now)
	publish("gone@example.org")
	for i := range mails {
		publish(fmt.Sprintf("m@d%d.example.org", i))
	}
	runAccounts(t, accounts)
	figure(t, accounts, "ticketfrei_account_mails_total", "given_up", 1)
	figure(t, accounts, "ticketfrei_account_mails", "waiting", mails)
	waitForDelay(t, accounts)
	time.Sleep(time.Second) // so that what would hammer the relay does
	if n := tried.Load(); n > 10 {
		t.Errorf("%d of %d mails tried", n, mails)
	}
	relay.Answer(nil)
	began := time.Now()
	figure(t, accounts, "ticketfrei_account_mails", "waiting", 0)
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("took %s", took)
	}
	if got := relay.Take(); len(got) != mails {
		t.Errorf("%d of %d mails came", len(got), mails)
	}
	figure(t, accounts, "ticketfrei_account_mails_total", "sent", mails)
}

// TestNewAccountMailIsATrial has the relay be mended without anybody knowing: a mail
// that is stored then goes at once, and the others with it.
func TestNewAccountMailIsATrial(t *testing.T) {
	relay := mailertest.Start(t)
	relay.Greet("554 no")
	accounts, publish := startAccounts(t, relay, time.Now)
	runAccounts(t, accounts)
	publish("one@example.org")
	waitForDelay(t, accounts)
	relay.Greet("")
	began := time.Now()
	publish("two@example.org")
	for len(relay.Take()) == 0 && time.Since(began) < patience {
		time.Sleep(time.Millisecond)
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("took %s", took)
	}
}

// TestOldAccountMailsAreGivenUp has a mail wait until its link is too old.
func TestOldAccountMailsAreGivenUp(t *testing.T) {
	relay := mailertest.Start(t)
	relay.Greet("421 later")
	var ahead atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	accounts, publish := startAccounts(t, relay, now)
	publish("one@example.org")
	stop := runAccounts(t, accounts)
	waitForDelay(t, accounts)
	figure(t, accounts, "ticketfrei_account_mails", "waiting", 1)
	stop()
	ahead.Store(int64(49 * time.Hour))
	runAccounts(t, accounts)
	figure(t, accounts, "ticketfrei_account_mails_total", "given_up", 1)
	figure(t, accounts, "ticketfrei_account_mails", "waiting", 0)
}

// TestDomainThatTheDNSDoesNotKnow has it be the DNS that is at fault: the mail goes
// later. After an hour it is given up.
func TestDomainThatTheDNSDoesNotKnow(t *testing.T) {
	slow.Test(t, "asks name servers")
	relay := mailertest.Start(t)
	var tried atomic.Int32
	unknown := func(stage, _ string) error {
		if stage != "rcpt" {
			return nil
		}
		tried.Add(1)
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 2}, Message: "no such domain"}
	}
	relay.Answer(unknown)
	var ahead atomic.Int64
	accounts, publish := startAccounts(t, relay, func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) })
	publish("one@example.org")
	stop := runAccounts(t, accounts)
	for deadline := time.Now().Add(patience); tried.Load() == 0 && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
	}
	relay.Answer(nil)
	figure(t, accounts, "ticketfrei_account_mails_total", "sent", 1)
	relay.Answer(unknown)
	publish("two@example.org")
	stop()
	ahead.Store(int64(61 * time.Minute))
	runAccounts(t, accounts)
	figure(t, accounts, "ticketfrei_account_mails_total", "given_up", 1)
	figure(t, accounts, "ticketfrei_account_mails", "waiting", 0)
}

// TestRefusedAccountMailIsTriedRarely has a relay refuse one account mail: the longer it
// is tried, the longer it waits, and others go.
func TestRefusedAccountMailIsTriedRarely(t *testing.T) {
	slow.Test(t, "waits for what is not tried")
	relay := mailertest.Start(t)
	var tried atomic.Int32
	relay.Answer(func(stage, to string) error {
		if stage != "rcpt" || to != "refused@example.org" {
			return nil
		}
		tried.Add(1)
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "no"}
	})
	var ahead atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	d := dbtest.MustOpen(t, now, nil)
	accounts, publish := startAccountsOn(t, d, relay, now)
	runAccounts(t, accounts)
	wait := func(n int32) { // until it was tried so often, and put off
		t.Helper()
		for deadline := time.Now().Add(patience); tried.Load() < n || attempts(t, d) < int(n); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("tried %d times", tried.Load())
			}
		}
	}
	publish("refused@example.org")
	wait(1)
	ahead.Store(int64(30 * time.Minute))
	wait(2)
	time.Sleep(6 * time.Second)
	if n := tried.Load(); n != 2 || accounts.Delayed() {
		t.Errorf("tried %d times", n)
	}
	publish("fine@example.org")
	figure(t, accounts, "ticketfrei_account_mails_total", "sent", 1)
	ahead.Store(int64(50 * time.Minute))
	publish("another@example.org")
	wait(3)
}

// attempts returns how often an account mail that waits has been put off.
func attempts(t *testing.T, d *db.DB) int {
	t.Helper()
	list, _, err := d.Mails(t.Context(), time.Now().Add(24*time.Hour), 2, func(int64) bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range list {
		if m.Attempts > 0 {
			return m.Attempts
		}
	}
	return 0
}
