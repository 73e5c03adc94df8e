package mail

import (
	"strings"
	"testing"

	"ticketfrei/bots/kit/recipients"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/mailer/mailertest"
	"ticketfrei/internal/report"
)

// Some programs answer the sender of the envelope, which is the address for bounces:
// what people write there is a report to its city like any other.
func TestPeopleAnswerTheEnvelope(t *testing.T) {
	b := newBench(t, nil)
	c, bot := b.city("nuernberg")
	dbtest.MustSaveRules(t, b.db, c.ID, "kontis?", "")
	b.mustSubscribe(bot, "anna@riders.example")
	anna := b.find(bot, "anna@riders.example")
	address, city := b.network.bounceAddress(c, bot, anna), "nuernberg@"+domain
	signer := mailertest.NewSigner(t, b.names, "riders.example")
	signed := string(signer.Sign([]byte(mailing("Re: Nuernberg", "2 Kontis am Plärrer"))))
	for _, tt := range []struct {
		name, mail string
		to         []string
		answer     string
		heard      int
	}{
		{"proven", signed, []string{address}, "250 ", 1},
		{"not proven", mailing("", "2 Kontis am Plärrer"), []string{address}, "250 ", 1},
		{"in capitals", mailing("", "2 Kontis am Plärrer"), []string{strings.ToUpper(address)}, "250 ", 1},
		{"at both addresses", mailing("", "2 Kontis am Plärrer"), []string{address, city}, "250 ", 1},
		{"of two subscribers", mailing("", "2 Kontis am Plärrer"), []string{address, b.network.bounceAddress(c, bot, recipients.Recipient{ID: anna.ID + 1})}, "250 ", 1},
		{"nothing but a quotation", answering + mailing("", "> U1 2 Kontis"), []string{address}, "554 5.6.0 ", 0},
		{"a command", mailing("", "STOP"), []string{address}, "554 5.7.1 ", 0},
		{"a machine", "Auto-Submitted: auto-replied\n" + mailing("", "2 Kontis am Plärrer"), []string{address}, "250 ", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := b.send("anna@riders.example", tt.to, tt.mail); !strings.HasPrefix(got, tt.answer) {
				t.Errorf("answered with %s", got)
			}
			heard := b.take()
			if len(heard) != tt.heard {
				t.Errorf("heard %+v", heard)
			}
			for _, h := range heard {
				if h.City != c.ID || !strings.Contains(h.In.Text, "2 Kontis am Plärrer") || (h.In.Unverified == nil) != (tt.name == "proven") {
					t.Errorf("heard %+v", h)
				}
			}
		})
	}
	if got := b.counted(bot); got["nothing"] != 1 || got["command"] != 1 {
		t.Errorf("moderators see %v", got)
	}
	if n := b.rows("mail_failures"); n != 0 {
		t.Errorf("%d strikes", n)
	}
}

// counted is what moderators see of the mails that were ignored, by reason.
func (b *bench) counted(bot report.Bot) map[string]int {
	b.t.Helper()
	days, err := b.network.listIgnored(b.t.Context(), bot.ID)
	if err != nil {
		b.t.Fatal(err)
	}
	counts := map[string]int{}
	for _, day := range days {
		for _, m := range day.Mail {
			counts[m.Reason] += m.Count
		}
	}
	return counts
}

// A city that takes no reports takes none at that address either, but bounces.
func TestEnvelopeOfClosedCity(t *testing.T) {
	b := newBench(t, nil)
	c, bot := b.city("nuernberg")
	b.city("fuerth")
	b.mustSubscribe(bot, "rider@example.org")
	address := b.network.bounceAddress(c, bot, b.find(bot, "rider@example.org"))
	for _, closed := range []struct{ close, answer string }{
		{"UPDATE cities SET paused = 1 WHERE slug = 'nuernberg'", "550 5.7.1 This city takes no reports"},
		{"UPDATE bots SET enabled = FALSE WHERE city_id IN (SELECT id FROM cities WHERE slug = 'nuernberg')", "550 5.7.1 This city takes no messages by mail"},
	} {
		b.exec(closed.close)
		b.network.host.Notices.Changed(c.ID)
		if got := b.send("anna@riders.example", []string{address}, simple); !strings.HasPrefix(got, closed.answer) || len(b.take()) != 0 {
			t.Errorf("answered with %s", got)
		}
		if got := b.send("anna@riders.example", []string{address, "fuerth@" + domain}, simple); !strings.HasPrefix(got, "250 ") || len(b.take()) != 1 {
			t.Errorf("beside another city: answered with %s", got)
		}
		b.exec("UPDATE cities SET paused = 0")
	}
	if got := b.send("", []string{address}, deliveryReport("failed", "5.1.1")); !strings.HasPrefix(got, "250 ") || b.rows("mail_failures") != 1 {
		t.Errorf("a bounce: answered with %s", got)
	}
}

// A bounce has no sender: what has one was made up by whoever knows the address.
func TestBouncesHaveNoSender(t *testing.T) {
	b := newBench(t, nil)
	c := dbtest.MustCreateCity(t, b.db, "nuernberg", Name)
	bot, err := b.db.FindBot(t.Context(), c.ID, Name)
	if err != nil {
		t.Fatal(err)
	}
	b.mustSubscribe(bot, "rider@example.org")
	address := b.network.bounceAddress(c, bot, b.find(bot, "rider@example.org"))
	for _, from := range []string{"x@evil.example", "mailer-daemon@evil.example", "rider@example.org", ""} {
		if got := b.send(from, []string{address}, deliveryReport("failed", "5.1.1")); !strings.HasPrefix(got, "250 ") {
			t.Errorf("from %q: %s", from, got)
		}
		if counted := b.rows("mail_failures") == 1; counted != (from == "") {
			t.Errorf("from %q: counted is %v", from, counted)
		}
	}
	if heard := b.take(); len(heard) != 0 {
		t.Errorf("heard %+v", heard)
	}
}
