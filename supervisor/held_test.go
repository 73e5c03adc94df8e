package supervisor_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/config"
	"ticketfrei/internal/mailer"
	"ticketfrei/internal/report"
	"ticketfrei/supervisor"
)

// letters are account mails that are kept, as "address: subject", with their texts.
type letters struct {
	full bool // nothing more can be stored

	mu       sync.Mutex
	subjects []string
	texts    []string
}

func (l *letters) Delayed() bool { return false }

func (l *letters) StoreMail(_ context.Context, m mailer.Mail) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.full {
		return errors.New("the disk is full")
	}
	parsed, err := mail.ReadMessage(strings.NewReader(string(m.Data)))
	if err != nil {
		return err
	}
	l.subjects = append(l.subjects, m.To+": "+parsed.Header.Get("Subject"))
	l.texts = append(l.texts, string(m.Data))
	return nil
}

func (l *letters) StoreAsked(ctx context.Context, m mailer.Mail, _ bots.Asked) error {
	return l.StoreMail(ctx, m)
}

// take returns what has come since the last time.
func (l *letters) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := strings.Join(l.subjects, ", ")
	l.subjects = nil
	return all
}

// hold stores n reports of a city that are held, each a second after the one before.
func (r *rig) hold(b report.Bot, n int, reason report.Reason) {
	r.Helper()
	for i := range n {
		now := r.clock()
		in := report.Report{ID: fmt.Sprint(b.CityID, reason, now.UnixNano(), i), CityID: b.CityID, Network: "toy", Text: "U1", Time: now, Received: now}
		dbtest.MustJudge(r, r.db, dbtest.MustHear(r, r.db, in), report.Verdict{Reason: reason}, dbtest.NoBrake{})
		r.advance(time.Second)
	}
}

// TestModeratorsAreToldOnce has reports be held, more and more: every moderator gets
// one mail that says how many, and after hours another where there are new ones.
func TestModeratorsAreToldOnce(t *testing.T) {
	r := newRig(t)
	leeds, quiet := r.city("leeds"), r.city("quiet")
	second, err := r.db.CreateModerator(t.Context(), "two@leeds.example", "no password")
	if err == nil {
		err = r.db.Write(t.Context(), func(tx *gorm.DB) error {
			return tx.Exec("INSERT INTO city_moderators (city_id, moderator_id) VALUES (?, ?)", leeds.CityID, second.ID).Error
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	box := &letters{}
	tell := func() string {
		t.Helper()
		// A new one each time, as after a restart.
		held := &supervisor.HeldMail{DB: r.db, AccountMails: box, Texts: r.texts, Log: slog.New(slog.DiscardHandler), Now: r.clock,
			Config: &config.Config{Web: config.Web{URL: "https://tickets.example"}, Mail: config.Mail{Domain: "mail.example", From: "t@mail.example"}}}
		if err := held.TellAll(t.Context()); err != nil && !box.full {
			t.Fatal(err)
		}
		return box.take()
	}
	want := func(when, want string) {
		t.Helper()
		if got := tell(); got != want {
			t.Errorf("%s: mails %q, want %q", when, got, want)
		}
	}
	const all = "moderator@leeds.example: leeds: %[1]d reports wait for you, two@leeds.example: leeds: %[1]d reports wait for you"

	want("nothing is held", "")
	r.hold(leeds, 3, report.ReasonFloodCity)
	want("more may come", "")
	r.hold(leeds, 2, report.ReasonFlood)
	r.hold(leeds, 3, report.ReasonFloodCity)
	box.full = true
	want("on a full disk", "")
	box.full = false
	want("it is time", fmt.Sprintf(all, 8))
	for _, part := range []string{"6 reports in 7 s, held: too many in the whole city", "2 reports in 1 s, held: more than we pass on unseen from one person",
		"https://tickets.example/settings/reports?show=3Dheld", "https://tickets.example/settings/reports/let-through", "https://tickets.example/settings/reports/throw-away"} {
		if !strings.Contains(strings.ReplaceAll(box.texts[0], "=\r\n", ""), part) {
			t.Errorf("the mail does not say %q:\n%s", part, box.texts[0])
		}
	}
	r.hold(leeds, 20, report.ReasonFloodCity)
	want("many more", "")
	if _, err := r.db.ThrowAway(t.Context(), leeds.CityID, db.Choice{}); err != nil {
		t.Fatal(err)
	}
	r.advance(9 * time.Hour)
	want("nothing is held any more", "")
	r.hold(quiet, 1, report.ReasonFloodClient)
	r.advance(5 * time.Second)
	want("another city", "moderator@quiet.example: quiet: a report waits for you")
	r.hold(leeds, 6, report.ReasonFloodDomain)
	want("the next time", fmt.Sprintf(all, 6))
}

// TestWipedWhileBeingSent has the reports of a city be deleted while some is being
// sent and some waits: the rest is never sent, and what comes later is.
func TestWipedWhileBeingSent(t *testing.T) {
	r := newRig(t)
	b, other := r.city("city"), r.city("other")
	var sent tally
	release := make(chan struct{})
	r.start(&toy{workers: 3, send: func(_ context.Context, d report.Delivery) (report.Receipt, error) {
		sent.add(d)
		if d.Report.ID == "r1" {
			<-release
		}
		return report.Receipt{ID: "post"}, nil
	}})
	r.publishTo(b, "r1", crowd(500)...)
	r.waitFor("three on their way", func() bool { n, _ := sent.of("r1"); return n == 3 })
	late := r.store(b, "r2", crowd(10)...) // is handed over when all is over
	wiped, upto, err := r.db.Pause(t.Context(), b.CityID)
	if err != nil || wiped != 2 {
		t.Fatalf("%d reports wiped, %v", wiped, err)
	}
	r.sup.Wiped(b.CityID, upto)
	if err := r.db.WipeReports(t.Context(), b.CityID); err != nil {
		t.Fatal(err)
	}
	r.sup.Send(late)
	close(release)
	if err := r.db.Resume(t.Context(), b.CityID); err != nil {
		t.Fatal(err)
	}
	r.publishTo(b, "r3", crowd(100)...)
	r.publishTo(other, "r4", crowd(10)...)
	r.waitForCounts("r3", db.Counts{Sent: 100})
	r.waitForCounts("r4", db.Counts{Sent: 10})
	r.waitForEmptyQueue()
	for id, want := range map[string]int{"r1": 3, "r2": 0} {
		if n, _ := sent.of(id); n != want {
			t.Errorf("%d of %s were sent, want %d", n, id, want)
		}
	}
	for _, table := range []string{"receipts", "outcomes"} {
		var left int
		if err := r.db.ReadRow(t.Context(), "SELECT count(*) FROM "+table+" WHERE report <= ?", upto).Scan(&left); err != nil || left > 0 {
			t.Errorf("%d %s of what was wiped, %v", left, table, err)
		}
	}
}
