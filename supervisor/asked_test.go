package supervisor_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/config"
	"ticketfrei/internal/mailer"
	"ticketfrei/internal/mailer/mailertest"
	"ticketfrei/internal/secret"
	"ticketfrei/supervisor"
)

// office is the account mails of a database, with a clock and a relay.
type office struct {
	*testing.T
	db    *db.DB
	relay *mailertest.Server
	log   bytes.Buffer
	now   time.Time
	mails *supervisor.AccountMails
}

func openOffice(t *testing.T) *office {
	t.Helper()
	o := &office{T: t, relay: mailertest.Start(t), now: time.Now()}
	o.db = dbtest.MustOpen(t, func() time.Time { return o.now }, nil)
	o.restart()
	return o
}

// restart takes the account mails of the database as a new process does.
func (o *office) restart() {
	o.Helper()
	box, err := secret.New(make([]byte, 32))
	if err != nil {
		o.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(&o.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	m := mailer.New(&config.Config{Mail: config.Mail{Domain: "mail.example", Relay: "smtp://" + o.relay.Addr, Connections: 4}}, log, time.Now)
	o.Cleanup(func() { m.Close() })
	o.mails = supervisor.NewAccountMails(o.db, box, m, log, func() time.Time { return o.now })
}

// ask stores a mail as somebody causes it who is not logged in.
func (o *office) ask(to string, a bots.Asked) error {
	return o.mails.StoreAsked(o.Context(), mailer.Mail{From: "t@mail.example", To: to, Data: []byte("Subject: x\r\n\r\n")}, a)
}

func (o *office) mustAsk(to string, a bots.Asked) {
	o.Helper()
	if err := o.ask(to, a); err != nil {
		o.Fatal(err)
	}
}

// stored is how many mails wait.
func (o *office) stored() int {
	o.Helper()
	list, _, err := o.db.Mails(o.Context(), o.now.Add(time.Hour), 1000, func(int64) bool { return false })
	if err != nil {
		o.Fatal(err)
	}
	return len(list)
}

// sent sends what waits, and returns to whom.
func (o *office) sent() (to []string) {
	o.Helper()
	ctx, stop := context.WithCancel(o.Context())
	done := make(chan error, 1)
	go func() { done <- o.mails.Run(ctx) }()
	for deadline := time.Now().Add(30 * time.Second); o.stored() > 0 && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond)
	}
	stop()
	if err := <-done; err != nil {
		o.Error(err)
	}
	for _, m := range o.relay.Take() {
		to = append(to, m.To)
	}
	return to
}

// TestFewMailsToAnAddress has strangers enter somebody's address again and again.
func TestFewMailsToAnAddress(t *testing.T) {
	o := openOffice(t)
	for i := range 10 {
		o.mustAsk("victim@example.org", bots.Asked{Client: fmt.Sprintf("192.0.2.%d", i)})
		o.mustAsk("Victim@example.org", bots.Asked{Client: fmt.Sprintf("198.51.100.%d", i), WayIn: true})
		if i == 5 {
			o.restart()
		}
	}
	o.mustAsk("other@example.org", bots.Asked{Client: "192.0.2.1"})
	to := o.sent()
	slices.Sort(to)
	if got := strings.Join(to, " "); strings.Count(strings.ToLower(got), "victim@") != 3 || strings.Count(got, "other@") != 1 {
		t.Errorf("mails went to %s", got)
	}
	o.now = o.now.Add(23 * time.Hour)
	o.mustAsk("victim@example.org", bots.Asked{})
	if got := o.sent(); len(got) != 0 {
		t.Errorf("on the same day: %s", got)
	}
	o.now = o.now.Add(time.Hour + time.Minute)
	o.mustAsk("victim@example.org", bots.Asked{})
	if got := o.sent(); len(got) != 1 {
		t.Errorf("the next day: %s", got)
	}
}

// TestTheWayInIsKept has strangers use up the mails of somebody who has an account
// and is locked out.
func TestTheWayInIsKept(t *testing.T) {
	o := openOffice(t)
	if _, err := o.db.CreateModerator(t.Context(), "owner@example.org", "hash"); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		o.mustAsk("owner@example.org", bots.Asked{})
	}
	strangers := len(o.sent())
	o.mustAsk("owner@example.org", bots.Asked{WayIn: true})
	if owners := len(o.sent()); strangers != 2 || owners != 1 {
		t.Errorf("%d mails of strangers, and %d of the owner", strangers, owners)
	}
}

func TestFewMailsOfAClient(t *testing.T) {
	o := openOffice(t)
	ask := func(client string) (mails int) {
		t.Helper()
		for i := range 25 {
			err := o.ask(fmt.Sprintf("rider%d@%s.example", i, strings.Map(func(r rune) rune {
				if r == '.' || r == ':' {
					return '-'
				}
				return r
			}, client)), bots.Asked{Client: client})
			switch {
			case err == nil:
				mails++
			case !errors.Is(err, bots.ErrTooManyMails):
				t.Fatal(err)
			}
		}
		return mails
	}
	for client, want := range map[string]int{"192.0.2.7": 20, "2001:db8:1:2::": 20, "127.0.0.1": 25, "::1": 25} {
		if got := ask(client); got != want {
			t.Errorf("%s caused %d mails, want %d", client, got, want)
		}
	}
	if err := o.ask("victim@example.org", bots.Asked{Client: "192.0.2.7"}); !errors.Is(err, bots.ErrTooManyMails) {
		t.Errorf("one more: %v", err)
	}
	o.now = o.now.Add(time.Hour + time.Second)
	if err := o.ask("victim@example.org", bots.Asked{Client: "192.0.2.7"}); err != nil {
		t.Errorf("an hour later: %v", err)
	}
}

// TestAMailToNobody is stored as others are, and not sent; so are those to somebody who
// has had enough.
func TestAMailToNobody(t *testing.T) {
	o := openOffice(t)
	for i := range 10 {
		o.mustAsk("nobody@example.org", bots.Asked{Nobody: true})
		o.mustAsk("somebody@example.org", bots.Asked{})
		if want := 2 * (i + 1); o.stored() != want {
			t.Errorf("%d mails are stored, want %d", o.stored(), want)
		}
	}
	if to := o.sent(); strings.Join(to, " ") != strings.Repeat("somebody@example.org ", 2)+"somebody@example.org" {
		t.Errorf("mails went to %q", to)
	}
	for range 10 {
		o.mustAsk("nobody@example.org", bots.Asked{Nobody: true})
	}
	if to := o.sent(); len(to) != 0 {
		t.Errorf("mails went to %q", to)
	}
}

// TestTheLogHasNoAddress has the relay name the address in its answer.
func TestTheLogHasNoAddress(t *testing.T) {
	o := openOffice(t)
	o.relay.Answer(func(stage, _ string) error {
		if stage == "rcpt" {
			return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "mailbox anna@example.org disabled"}
		}
		return nil
	})
	o.mustAsk("anna@example.org", bots.Asked{})
	o.sent()
	if log := o.log.String(); !strings.Contains(log, "5.1.1") || strings.Contains(log, "anna") {
		t.Errorf("the log says:\n%s", log)
	}
}

// TestLimitsDoNotTellWhoHasAnAccount has a client ask for more mails to an address than
// it gets, and look when it may ask for no more: that is after as many whether there is
// an account or not.
func TestLimitsDoNotTellWhoHasAnAccount(t *testing.T) {
	o := openOffice(t)
	if _, err := o.db.CreateModerator(t.Context(), "owner@example.org", "hash"); err != nil {
		t.Fatal(err)
	}
	left := map[string]int{}
	for address, client := range map[string]string{"owner@example.org": "198.51.100.7", "nobody@example.org": "198.51.100.8"} {
		for range 5 {
			o.mustAsk(address, bots.Asked{Client: client})
		}
		for n := 0; n < 100 && o.ask(fmt.Sprint(n, client, "@example.org"), bots.Asked{Client: client}) == nil; n++ {
			left[address] = n + 1
		}
	}
	if left["owner@example.org"] != left["nobody@example.org"] {
		t.Errorf("mails that are left: %v", left)
	}
}
