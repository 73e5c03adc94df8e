package mail

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/internal/config"
	"ticketfrei/internal/mailer"
	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"
)

// exec changes the database as nothing of the program does.
func (b *bench) exec(statement string, args ...any) {
	b.t.Helper()
	err := b.db.Write(b.t.Context(), func(tx *gorm.DB) error { return tx.Exec(statement, args...).Error })
	if err != nil {
		b.t.Fatal(err)
	}
}

// TestUnsubscribeByMail ends subscriptions by the address in List-Unsubscribe, whatever
// the mail says and whoever it is from.
func TestUnsubscribeByMail(t *testing.T) {
	b := newBench(t, nil)
	c, bot := b.city("nuernberg")
	b.mustSubscribe(bot, "friend@example.org")
	for name, mail := range map[string]string{
		"as programs send it":      "From: Rider <rider@example.org>\nSubject: unsubscribe\n\n",
		"empty":                    "\n",
		"of a machine":             "From: rider@example.org\nAuto-Submitted: auto-generated\nSubject: unsubscribe\n\nunsubscribe\n",
		"of a provider":            "From: unsubscribe@provider.example\nPrecedence: bulk\nSubject: unsubscribe\n\nThis was sent for one of our users.\n",
		"that looks like a report": "From: rider@example.org\nSubject: U1\n\nU1 Plärrer\n",
		"that cannot be read":      "From: rider@example.org\nContent-Type: multipart/mixed\n\nx\n",
	} {
		t.Run(name, func(t *testing.T) {
			b.t = t
			defer func() { b.t = t }()
			b.mustSubscribe(bot, "rider@example.org")
			address := b.network.taggedAddress(unsubscribePrefix, c, bot, b.find(bot, "rider@example.org").ID)
			if address != strings.ToLower(address) {
				t.Fatalf("%s does not bear lower case", address)
			}
			for _, form := range []string{strings.ToUpper(address), address} { // also a second time
				if got := b.send("", []string{form}, mail); !strings.HasPrefix(got, "250 ") {
					t.Errorf("answered with %s", got)
				}
			}
			if got := b.subscribers(bot); len(got) != 1 || got[0] != "friend@example.org" {
				t.Errorf("%v subscribe", got)
			}
			if heard := b.take(); len(heard) != 0 {
				t.Errorf("heard %+v", heard)
			}
		})
	}
	b.t = t

	t.Run("of a city that is stopped", func(t *testing.T) {
		b.mustSubscribe(bot, "rider@example.org")
		address := b.network.taggedAddress(unsubscribePrefix, c, bot, b.find(bot, "rider@example.org").ID)
		if _, _, err := b.db.Pause(t.Context(), c.ID); err != nil {
			t.Fatal(err)
		}
		b.network.host.Notices.Changed(c.ID)
		if got := b.send("rider@example.org", []string{address}, "\n"); !strings.HasPrefix(got, "250 ") || len(b.subscribers(bot)) != 1 {
			t.Errorf("answered with %s, %v subscribe", got, b.subscribers(bot))
		}
		if err := b.db.Resume(t.Context(), c.ID); err != nil {
			t.Fatal(err)
		}
		b.network.host.Notices.Changed(c.ID)
	})
	t.Run("with a tag of one's own making", func(t *testing.T) {
		friend := b.find(bot, "friend@example.org")
		bounce := b.network.taggedAddress(bouncePrefix, c, bot, friend.ID)
		for _, address := range []string{
			strings.Replace(bounce, "+b.", "+u.", 1),
			"nuernberg+u.1.aaaaaaaaaaaaaaaa@" + domain,
			"nuernberg+u.@" + domain,
		} {
			b.send("stranger@example.org", []string{address}, "From: stranger@example.org\nSubject: x\n\nx\n")
		}
		if got := b.subscribers(bot); len(got) != 1 {
			t.Errorf("%v subscribe", got)
		}
	})
	t.Run("beside a report to the city", func(t *testing.T) {
		b.take()
		b.mustSubscribe(bot, "rider@example.org")
		address := b.network.taggedAddress(unsubscribePrefix, c, bot, b.find(bot, "rider@example.org").ID)
		got := b.send("rider@example.org", []string{address, "nuernberg@" + domain}, simple)
		if heard := b.take(); !strings.HasPrefix(got, "250 ") || len(heard) != 1 || len(b.subscribers(bot)) != 1 {
			t.Errorf("answered with %s, heard %+v, %v subscribe", got, heard, b.subscribers(bot))
		}
	})
	t.Run("where the name of the city is long", func(t *testing.T) {
		long := c
		long.Slug = strings.Repeat("x", 60)
		b.mustSubscribe(bot, "rider@example.org")
		m := mustRead(t, b.network.reportMail(long, bot, b.find(bot, "rider@example.org"), report.Delivery{ID: "x"}, choices{digest: true}).Data)
		if got := m.Header.Get("List-Unsubscribe"); strings.Contains(got, "mailto:") || !strings.HasPrefix(got, "<http") {
			t.Errorf("List-Unsubscribe: %s", got)
		}
	})
}

// TestOperatorsMail says since when mails wait by the operator's clock, and how long they may in words.
func TestOperatorsMail(t *testing.T) {
	b := newBench(t, func(c *config.Config) {
		c.Web.ACME, c.Reports.Expire, c.Reports.Zone = "operator@example.org", 2*time.Hour, "Europe/Berlin"
	})
	b.network.tellOperator(t.Context(), mailer.Outage{Since: time.Date(2026, 11, 26, 9, 5, 0, 0, time.UTC), Cause: errors.New("refused"), All: true})
	_, read := b.accountMail()
	for _, want := range []string{"since 26 November 2026, 10:05 CET.", "older than 2 hours."} {
		if !strings.Contains(read.Text, want) {
			t.Errorf("%q is not in the mail:\n%s", want, read.Text)
		}
	}
	for d, want := range map[time.Duration]string{time.Hour: "eine Stunde", 48 * time.Hour: "48 Stunden", 90 * time.Minute: "90 Minuten", time.Minute: "eine Minute"} {
		if got := b.network.howLong("de", d); got != want {
			t.Errorf("%s is %q, want %q", d, got, want)
		}
	}
}

// TestTimeHasItsZone shows the time of a report as the city's clocks do.
func TestTimeHasItsZone(t *testing.T) {
	b := newBench(t, nil)
	c, bot := b.city("nuernberg")
	b.mustSubscribe(bot, "rider@example.org")
	for _, step := range []struct{ language, zone, at, want string }{
		{"en", "Europe/Berlin", "2026-11-26T09:05:00Z", "26 November 2026, 10:05 CET"},
		{"de", "", "2026-11-26T09:05:00Z", "26.11.2026, 10:05 MEZ"},
		{"de", "", "2026-06-26T22:05:00Z", "27.06.2026, 00:05 MESZ"},
		{"de", "", "2026-10-25T00:05:00Z", "25.10.2026, 02:05 MESZ"},
		{"de", "", "2026-10-25T01:05:00Z", "25.10.2026, 02:05 MEZ"},
		{"en", "Asia/Kolkata", "2026-11-26T20:05:00Z", "27 November 2026, 01:35 IST"},
		{"en", "America/St_Johns", "2026-11-26T09:05:00Z", "26 November 2026, 05:35 NST"},
		{"en", "Europe/Istanbul", "2026-11-26T09:05:00Z", "26 November 2026, 12:05 UTC+03"},
	} {
		if c.Language, c.Zone = step.language, step.zone; true {
			at, err := time.Parse(time.RFC3339, step.at)
			if err != nil {
				t.Fatal(err)
			}
			m := b.network.reportMail(c, bot, b.find(bot, "rider@example.org"), report.Delivery{ID: "x", Report: report.Report{Text: "U1", Time: at}}, choices{digest: true})
			if text := mustRead(t, m.Data).Text; !strings.Contains(text, step.want+".") {
				t.Errorf("%s is not in the mail:\n%s", step.want, text)
			}
		}
	}
}

// FuzzTag reads what stands behind the + of an address.
func FuzzTag(f *testing.F) {
	box, err := secret.New(make([]byte, 32))
	if err != nil {
		f.Fatal(err)
	}
	n := &Network{host: bots.Host{Secrets: box}}
	for _, tag := range []string{"", "u.", "u.1", "u.1.", "b.-1.x", "u." + strconv.FormatInt(35, 36) + "." + n.tagMAC(unsubscribePrefix, 1, 35), "u.zzzzzzzzzzzzzzzzzz.a"} {
		f.Add(tag)
	}
	f.Fuzz(func(t *testing.T, tag string) {
		got, ok := n.readTarget(report.City{}, report.Bot{ID: 1}, tag)
		if ok != (got.bounceOf != 0 || got.endOf != 0) || got.bounceOf != 0 && got.endOf != 0 {
			t.Errorf("%q is %+v", tag, got)
		}
		if ok && !strings.HasSuffix(tag, n.tagMAC(tag[:2], 1, got.bounceOf+got.endOf)) {
			t.Errorf("%q is taken without its MAC", tag)
		}
	})
}
