package mail

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/kittest"
	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/config"
	"ticketfrei/internal/mailer/mailertest"
	"ticketfrei/internal/report"
)

const rider = "rider@example.org"

// refuse has the server refuse mails at a stage; "" ends that.
func (b *bench) refuse(at string, code int, enhanced ...int) {
	b.out.Answer(func(stage, _ string) error {
		if stage != at {
			return nil
		}
		answer := &smtp.SMTPError{Code: code, EnhancedCode: smtp.NoEnhancedCode, Message: "not this one"}
		if len(enhanced) == 3 {
			answer.EnhancedCode = smtp.EnhancedCode(enhanced)
		}
		return answer
	})
}

// active tells whether an address is sent to, and whether it is kept at all.
func (b *bench) active(bot report.Bot, address string) (sent bool) {
	b.t.Helper()
	return b.find(bot, address).Suspended.IsZero()
}

// TestDeadMailboxIsSuspended has a mailbox be gone on three days. How often on one
// day does not count, and a mail that is taken in between makes good.
func TestDeadMailboxIsSuspended(t *testing.T) {
	for _, code := range [][]int{{5, 1, 1}, {5, 1, 2}, {5, 1, 3}, {5, 1, 6}, {5, 1, 10}, {5, 2, 1}} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			b := newBench(t, nil)
			_, bot := b.city("nuernberg")
			b.mustSubscribe(bot, rider)
			gone := func(day string) {
				t.Helper()
				if !b.active(bot, rider) {
					t.Fatalf("suspended before day %s", day)
				}
				b.refuse("rcpt", 550, code...)
				_, err := b.deliver(bot, day, rider)
				kittest.WantKind(t, err, bots.KindPermanent)
			}
			for range 10 {
				gone("a")
			}
			b.clock.Move(24 * time.Hour)
			gone("b")
			b.clock.Move(24 * time.Hour)
			b.refuse("", 0)
			if _, err := b.deliver(bot, "c", rider); err != nil {
				t.Fatal(err)
			}
			for _, day := range []string{"d", "e", "f"} {
				gone(day)
				b.clock.Move(24 * time.Hour)
			}
			b.expectSuspended(bot, rider)
		})
	}
}

// TestRefusalsAndBouncesCountTogether has a mailbox be refused on one day and bounce on
// the next. A mail that is taken makes good for the refusals alone.
func TestRefusalsAndBouncesCountTogether(t *testing.T) {
	for _, c := range []struct {
		days string // r: refused, b: a bounce, t: taken, d: both
		want bool   // suspended
	}{
		{"rbr", true}, {"brb", true}, {"bbr", true}, {"rrtrb", false}, {"btbr", true}, {"btbtb", true}, {"dd", false}, {"rbttttttttrr", false}, {"ddd", true}, {"dtdtd", true},
	} {
		t.Run(c.days, func(t *testing.T) {
			b := newBench(t, nil)
			city, bot := b.city("nuernberg")
			b.mustSubscribe(bot, rider)
			address := b.network.bounceAddress(city, bot, b.find(bot, rider))
			for i, day := range c.days {
				if !b.active(bot, rider) {
					t.Fatalf("suspended before day %d", i)
				}
				b.refuse("", 0)
				if day == 'r' || day == 'd' {
					b.refuse("rcpt", 550, 5, 1, 1)
				}
				if day != 'b' {
					_, _ = b.deliver(bot, fmt.Sprint(i), rider)
				}
				if day == 'b' || day == 'd' {
					b.send("", []string{address}, deliveryReport("failed", "5.1.1"))
				}
				b.clock.Move(24 * time.Hour)
			}
			if got := !b.active(bot, rider); got != c.want {
				t.Errorf("suspended: %v, want %v", got, c.want)
			}
		})
	}
}

// expectSuspended looks for whether an address is suspended, and not forgotten.
func (b *bench) expectSuspended(bot report.Bot, address string) {
	b.t.Helper()
	if b.active(bot, address) {
		b.t.Fatal("gone on three days, and still sent to")
	}
	if n := b.rows("mail_failures"); n != 0 {
		b.t.Errorf("the failures of %d subscribers are still there", n)
	}
	b.out.Answer(nil)
	b.out.Take()
	_, err := b.deliver(bot, "after", address)
	kittest.WantKind(b.t, err, bots.KindPermanent)
	if words := b.words(err, "en"); !strings.Contains(words, "does not exist any more") || len(b.out.Take()) != 0 {
		b.t.Errorf("a suspended one was sent to, or the moderators read %q", words)
	}
}

// TestMidnightMakesNoTwoDays has a mailbox be gone a minute before and after midnight.
func TestMidnightMakesNoTwoDays(t *testing.T) {
	b := newBench(t, nil)
	_, bot := b.city("nuernberg")
	b.mustSubscribe(bot, rider)
	b.refuse("rcpt", 550, 5, 1, 1)
	b.clock.Move(13*time.Hour + 59*time.Minute)
	for range 2 {
		for range 2 {
			_, err := b.deliver(bot, "r", rider)
			kittest.WantKind(t, err, bots.KindPermanent)
			b.clock.Move(2 * time.Minute)
		}
		b.clock.Move(24*time.Hour - 4*time.Minute)
	}
	if !b.active(bot, rider) {
		t.Error("suspended after two nights")
	}
}

// TestRefusalsAboutUsCostNobody has mails be refused on many days for reasons that are
// not the mailbox's.
func TestRefusalsAboutUsCostNobody(t *testing.T) {
	b := newBench(t, nil)
	_, bot := b.city("nuernberg")
	b.mustSubscribe(bot, rider)
	for _, answer := range []struct {
		code     int
		enhanced []int
	}{
		{554, []int{5, 7, 1}}, {550, []int{5, 7, 23}}, {550, []int{5, 7, 26}}, {550, []int{5, 1, 7}}, {550, []int{5, 1, 8}},
		{552, []int{5, 2, 2}}, {554, []int{5, 3, 2}}, {552, []int{5, 3, 1}}, {530, []int{5, 7, 0}}, {530, nil}, {552, nil},
		{550, nil}, {554, nil}, {550, []int{5, 0, 0}}, {450, []int{4, 1, 1}},
	} {
		for _, stage := range []string{"mail", "rcpt", "data"} {
			t.Run(fmt.Sprint(answer.code, answer.enhanced, stage), func(t *testing.T) {
				b.refuse(stage, answer.code, answer.enhanced...)
				for _, day := range []string{"a", "b", "c", "d"} {
					_, err := b.deliver(bot, day, rider)
					kittest.WantKind(t, err, bots.KindTemporary)
					b.clock.Move(24 * time.Hour)
				}
				if !b.active(bot, rider) || b.rows("mail_failures") != 0 {
					t.Error("suspended, or counted")
				}
				b.refuse("", 0)
				if _, err := b.deliver(bot, "next", rider); err != nil {
					t.Errorf("the next one: %v", err)
				}
			})
		}
	}
}

// TestBounces has delivery reports come for a dead mailbox: they count once a day, and
// only where they come to the address that nobody else can make.
func TestBounces(t *testing.T) {
	b := newBench(t, nil)
	c, bot := b.city("nuernberg")
	_, other := b.city("fuerth")
	b.mustSubscribe(bot, rider, "friend@example.org")
	b.mustSubscribe(other, rider)
	address := b.network.bounceAddress(c, bot, b.find(bot, rider))
	bounce := func(to, mail string) {
		t.Helper()
		if got := b.send("", []string{to}, mail); !strings.HasPrefix(got, "250 ") {
			t.Fatal(got)
		}
	}
	gone := deliveryReport("failed", "5.1.1")
	for range 5 { // these do not count
		bounce(address, deliveryReport("delayed", "4.4.1"))
		bounce(address, deliveryReport("failed", "5.7.1"))
		bounce(address, deliveryReport("failed", "5.2.2"))
		bounce("nuernberg@"+domain, gone)
		bounce("nuernberg+b.1.aaaaaaaaaaaaaaaa@"+domain, gone)
		bounce(strings.Replace(address, "nuernberg", "fuerth", 1), gone)
		bounce(address, "From: rider@example.org\n\nbitte austragen\n")
		b.clock.Move(24 * time.Hour)
	}
	if n := b.rows("mail_failures"); n != 0 {
		t.Fatal("something was counted that is none")
	}
	for range 10 {
		bounce(address, gone)
	}
	b.clock.Move(24 * time.Hour)
	bounce(strings.ToUpper(address), gone)
	b.clock.Move(8 * 24 * time.Hour) // long ago
	if err := b.db.EnableBot(t.Context(), bot.ID, false); err != nil {
		t.Fatal(err)
	}
	for range 3 { // taken even where the bot is off
		if !b.active(bot, rider) {
			t.Fatal("suspended before the third day")
		}
		if _, err := b.deliver(bot, "r", rider); err != nil { // the bounce comes after this
			t.Fatal(err)
		}
		bounce(address, gone)
		b.clock.Move(23 * time.Hour)
	}
	b.expectSuspended(bot, rider)
	bounce(address, gone)
	if !b.active(other, rider) || !b.active(bot, "friend@example.org") {
		t.Error("somebody else is suspended")
	}
	if got := b.take(); len(got) > 0 {
		t.Errorf("a bounce became a report: %+v", got)
	}
}

// TestSuspendedComeBack has a suspended subscriber write to the city, without proof and
// with it, and subscribe once more.
func TestSuspendedComeBack(t *testing.T) {
	b := newBench(t, nil)
	_, bot := b.city("nuernberg")
	b.mustSubscribe(bot, rider)
	suspend := func() {
		t.Helper()
		if err := b.network.subscribers.Suspend(t.Context(), b.find(bot, rider).ID, "mailbox gone"); err != nil {
			t.Fatal(err)
		}
	}
	suspend()
	if got := b.send(rider, []string{"nuernberg@" + domain}, reportOf(rider)); !strings.HasPrefix(got, "250 ") {
		t.Fatal(got)
	}
	if b.active(bot, rider) {
		t.Error("anybody can wake a subscriber")
	}
	signer := mailertest.NewSigner(t, b.names, "example.org")
	if got := b.send(rider, []string{"nuernberg@" + domain}, string(signer.Sign([]byte(reportOf(rider))))); !strings.HasPrefix(got, "250 ") {
		t.Fatal(got)
	}
	if !b.active(bot, rider) {
		t.Error("who writes is still suspended")
	}
	suspend()
	code, body := b.post("/city/nuernberg/mail/subscribe", url.Values{"email": {rider}})
	b.expect(code, body, 200, rider)
	_, mail := b.accountMail()
	link := mail.Text[strings.Index(mail.Text, b.url):]
	link, _, _ = strings.Cut(link, "\n")
	if code, _ := b.post(strings.TrimPrefix(link, b.url), nil); code != 200 || !b.active(bot, rider) {
		t.Errorf("who subscribes again is still suspended: %d", code)
	}
}

// TestWritingSubscribesNobody has somebody write who was never a subscriber.
func TestWritingSubscribesNobody(t *testing.T) {
	b := newBench(t, nil)
	_, bot := b.city("nuernberg")
	signer := mailertest.NewSigner(t, b.names, "example.org")
	if got := b.send(rider, []string{"nuernberg@" + domain}, string(signer.Sign([]byte(reportOf(rider))))); !strings.HasPrefix(got, "250 ") {
		t.Fatal(got)
	}
	if got := b.subscribers(bot); len(got) != 0 {
		t.Errorf("subscribed: %v", got)
	}
}

// TestOperatorIsTold has a relay refuse three recipients alike: the operator gets one
// mail among those to the postmaster, with what the server said but without
// addresses, and one to the address of web.acme.
func TestOperatorIsTold(t *testing.T) {
	b := newBench(t, func(c *config.Config) { c.Web.ACME = "operator@example.net" })
	_, bot := b.city("nuernberg")
	all := []string{rider, "two@example.org", "three@example.org", "four@example.org"}
	b.mustSubscribe(bot, all...)
	b.out.Answer(func(stage, to string) error {
		if stage != "rcpt" {
			return nil
		}
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "<" + to + ">: not from you, see https://block.example/why?you=" + to}
	})
	for i, to := range all {
		_, err := b.deliver(bot, "r", to)
		want := bots.KindTemporary
		if i >= 2 {
			want = bots.KindAway
		}
		kittest.WantKind(t, err, want)
		if out := bots.OutageOf(err); i >= 2 && (!out.All || !strings.Contains(b.words(err, "en"), "554 5.7.1")) {
			t.Errorf("outage %+v, words %q", out, b.words(err, "en"))
		}
	}
	m, read := b.accountMail()
	kept := b.letters()
	if len(kept) != 1 || m.To != "operator@example.net" {
		t.Fatalf("kept for the postmaster: %v, mailed to %s", kept, m.To)
	}
	for _, text := range []string{read.Text, mustRead(t, []byte(kept[0])).Text} {
		if !strings.Contains(text, "554 5.7.1") || !strings.Contains(text, "not from you") || strings.Contains(text, "example.org") || strings.Contains(text, "block.example") {
			t.Errorf("the operator reads:\n%s", text)
		}
	}
	code, page := b.post("/city/nuernberg/mail/subscribe", url.Values{"email": {"new@example.org"}})
	b.expect(code, page, 200, "Mails are delayed right now")
	b.out.Answer(nil)
	for _, to := range all {
		if _, err := b.deliver(bot, "s", to); err != nil {
			t.Errorf("after the end: %v", err)
		}
	}
	code, page = b.post("/city/nuernberg/mail/subscribe", url.Values{"email": {"other@example.org"}})
	if b.expect(code, page, 200, "We are sending"); strings.Contains(page, "delayed") {
		t.Error("the page says that mails are delayed, and they are not any more")
	}
}

// arf is a complaint about the mail with a header.
func arf(fields, header string) string {
	return "From: <fbl@provider.example>\nSubject: complaint\nMIME-Version: 1.0\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\n\n" +
		"--b\nContent-Type: text/plain\n\nThis is an abuse report.\n--b\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\nUser-Agent: x/1\nVersion: 1\n" + fields +
		"\n--b\nContent-Type: message/rfc822\n\n" + header + "Subject: U1\n\nU1 Plärrer\n--b--\n"
}

// TestComplaintsEndTheSubscription has complaints come to every address of ours. They
// count where they hold what only our mail to the subscriber did.
func TestComplaintsEndTheSubscription(t *testing.T) {
	b := newBench(t, nil)
	c, bot := b.city("nuernberg")
	b.mustSubscribe(bot, rider, "friend@example.org")
	dbtest.MustCreateCity(t, b.db, "fuerth", Name)
	const address = "ADDRESS" // another one each time
	link := b.network.unsubscribeURL(c, rider)
	for _, complaint := range []struct {
		name, fields, header string
		want                 bool // it ends
	}{
		{"the sender of the envelope", "Original-Mail-From: <" + address + ">\n", "", true},
		{"the same without brackets", "Original-Mail-From: " + address + "\n", "", true},
		{"Return-Path", "", "Return-Path: <" + address + ">\n", true},
		{"the link", "", "List-Unsubscribe: <mailto:x@example.org>,\n <" + link + ">\n", true},
		{"only who has it", "Original-Rcpt-To: " + rider + "\n", "To: <" + rider + ">\nFrom: <nuernberg@" + domain + ">\n", false},
		{"a made-up address", "Original-Mail-From: <nuernberg+b.1.aaaaaaaaaaaaaaaa@" + domain + ">\n", "", false},
		{"a made-up link", "", "List-Unsubscribe: <" + link[:len(link)-8] + "AAAAAAAA>\n", false},
		{"another city's link", "", "List-Unsubscribe: <" + strings.Replace(link, "nuernberg", "fuerth", 1) + ">\n", false},
	} {
		for _, to := range []string{"nuernberg@" + domain, "postmaster@" + domain, address} {
			for _, from := range []string{"", "fbl@provider.example"} {
				t.Run(complaint.name+" to "+to+" from "+from, func(t *testing.T) {
					b.mustSubscribe(bot, rider)
					filled := strings.NewReplacer(address, b.network.bounceAddress(c, bot, b.find(bot, rider)))
					if got := b.send(from, []string{filled.Replace(to)}, filled.Replace(arf(complaint.fields, complaint.header))); !strings.HasPrefix(got, "250 ") {
						t.Fatal(got)
					}
					_, err := b.network.subscribers.Find(t.Context(), bot.ID, rider)
					if ended := errors.Is(err, db.ErrNotFound); ended != complaint.want {
						t.Errorf("ended: %v, want %v", ended, complaint.want)
					}
				})
			}
		}
	}
	if !slices.Contains(b.subscribers(bot), "friend@example.org") {
		t.Error("somebody else's subscription has ended")
	}
	if got := b.take(); len(got) > 0 {
		t.Errorf("a complaint became a report: %+v", got)
	}
}
