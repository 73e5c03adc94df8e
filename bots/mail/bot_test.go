package mail

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"

	"ticketfrei/bots"
	"ticketfrei/internal/config"
	"ticketfrei/internal/report"
)

// aReport is one that an author wrote by mail.
func (b *bench) aReport(bot report.Bot, id, author, text string) report.Report {
	return report.Report{ID: id, CityID: bot.CityID, BotID: bot.ID, Network: Name, Author: b.box.Author(Name, author),
		Text: text, Visibility: report.Private, Time: b.clock.Now()}
}

// deliver sends a report to one subscriber.
func (b *bench) deliver(bot report.Bot, id, to string) (report.Receipt, error) {
	b.t.Helper()
	running, err := b.network.Bot(b.t.Context(), bot, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return running.Send(b.t.Context(), report.NewDelivery(b.aReport(bot, id, "author@example.org", "U1 Plärrer"), bot, to))
}

func TestRecipientsLeaveOutTheAuthor(t *testing.T) {
	b := newBench(t, nil)
	_, bot := b.city("nuernberg")
	_, other := b.city("fuerth")
	b.mustSubscribe(bot, "one@example.org", "two@example.org", "three@example.org")
	b.mustSubscribe(other, "one@example.org")
	got, err := b.network.Recipients(t.Context(), bot, b.aReport(bot, "r", "two@example.org", "U1"))
	if diff := cmp.Diff([]string{"one@example.org", "three@example.org"}, got); diff != "" || err != nil {
		t.Errorf("%v -want +got:\n%s", err, diff)
	}
	t.Run("an author elsewhere is somebody else", func(t *testing.T) {
		r := b.aReport(bot, "r", "two@example.org", "U1")
		r.Network = "mastodon"
		if got, err := b.network.Recipients(t.Context(), bot, r); len(got) != 3 || err != nil {
			t.Errorf("%v %v", got, err)
		}
	})
}

func TestReportMail(t *testing.T) {
	b := newBench(t, nil)
	c, bot := b.city("nuernberg")
	if err := b.db.SaveTexts(t.Context(), c.ID, "Nürnberg", "de", ""); err != nil {
		t.Fatal(err)
	}
	b.mustSubscribe(bot, "rider@example.org")
	text := "U1 Plärrer, 2 Kontis\n.\nFrom here on <b>nothing</b> " + strings.Repeat("lang ", 40)
	d := report.NewDelivery(b.aReport(bot, "r1", "author@example.org", text), bot, "rider@example.org")
	running, err := b.network.Bot(t.Context(), bot, nil)
	if err != nil {
		t.Fatal(err)
	}
	receipt, err := running.Send(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	if want := d.ID + "@" + domain; receipt.ID != want {
		t.Errorf("receipt %q, want %q", receipt.ID, want)
	}
	mails := b.out.Take()
	if len(mails) != 1 {
		t.Fatalf("%d mails", len(mails))
	}
	raw, m := string(mails[0].Data), mustRead(t, mails[0].Data)
	if mails[0].To != "rider@example.org" || !strings.HasPrefix(mails[0].From, "nuernberg+b.") || !strings.HasSuffix(mails[0].From, "@"+domain) {
		t.Errorf("envelope from %s to %s", mails[0].From, mails[0].To)
	}
	for name, want := range map[string]string{
		"From":                  "=?utf-8?q?N=C3=BCrnberg?= <nuernberg@" + domain + ">",
		"Reply-To":              "<nuernberg@" + domain + ">",
		"To":                    "<rider@example.org>",
		"Message-ID":            "<" + d.ID + "@" + domain + ">",
		"List-Id":               "<nuernberg." + domain + ">",
		"List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
		"Auto-Submitted":        "auto-generated",
		"X-Loop":                domain,
		"Date":                  "Fri, 03 May 2024 10:00:00 +0000",
	} {
		if got := m.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got := m.Subject; got != "Nürnberg: U1 Plärrer, 2 Kontis . From here on <b>nothing</b> lang…" {
		t.Errorf("subject %q", got)
	}
	link := strings.Trim(m.Header.Get("List-Unsubscribe"), "<>")
	for _, want := range []string{strings.TrimSpace(text) + "\n\n-- \nGemeldet für Nürnberg, ", "nuernberg@" + domain, link, b.url + "/city/nuernberg\n"} {
		if !strings.Contains(strings.ReplaceAll(m.Text, " \n", "\n"), strings.ReplaceAll(want, " \n", "\n")) {
			t.Errorf("not in the text: %q\n%s", want, m.Text)
		}
	}
	if strings.Contains(raw, "author@") || strings.Contains(raw, d.Report.Author) {
		t.Error("the author is in the mail")
	}
	for line := range strings.SplitSeq(raw, "\r\n") {
		if strings.ContainsAny(line, "\r\n") || len(line) > 998 {
			t.Errorf("line %q", line)
		}
	}
	t.Run("again", func(t *testing.T) {
		if _, err := running.Send(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		if again := b.out.Take(); len(again) != 1 || string(again[0].Data) != raw {
			t.Error("the same delivery is another mail")
		}
	})
	t.Run("one click ends the subscription", func(t *testing.T) {
		path := strings.TrimPrefix(link, b.url)
		if code, _ := b.post(path, url.Values{"List-Unsubscribe": {"One-Click"}}); code != 200 {
			t.Errorf("answered with %d", code)
		}
		if got := b.subscribers(bot); len(got) != 0 {
			t.Errorf("still subscribed: %v", got)
		}
		_, err := running.Send(t.Context(), d)
		if kind, _ := bots.KindOf(err); kind != bots.KindGone || len(b.out.Take()) != 0 {
			t.Errorf("a mail after the end: %v", err)
		}
	})
}

func TestSendErrors(t *testing.T) {
	b := newBench(t, nil)
	_, bot := b.city("nuernberg")
	b.mustSubscribe(bot, "rider@example.org")
	for _, c := range []struct {
		stage string
		code  int
		want  bots.Kind
		text  string
	}{
		{"mail", 451, bots.KindTemporary, "does not accept mails from this city's address"},
		{"mail", 550, bots.KindTemporary, "does not accept mails from this city's address"},
		{"rcpt", 451, bots.KindTemporary, "The address of a subscriber was refused"},
		{"data", 451, bots.KindTemporary, "refused the message"},
		{"data", 554, bots.KindPermanent, "refused the message"},
		{"rcpt", 550, bots.KindPermanent, "The address of a subscriber was refused"},
	} {
		t.Run(fmt.Sprintf("%s %d", c.stage, c.code), func(t *testing.T) {
			b.out.Answer(func(stage, _ string) error {
				if stage != c.stage {
					return nil
				}
				return &smtp.SMTPError{Code: c.code, EnhancedCode: smtp.EnhancedCode{c.code / 100, 1, 1}, Message: "no <Rider@example.org> here"}
			})
			_, err := b.deliver(bot, "r-"+c.stage+fmt.Sprint(c.code), "rider@example.org")
			if kind, _ := bots.KindOf(err); err == nil || kind != c.want {
				t.Fatalf("kind %v: %v", kind, err)
			}
			if !strings.Contains(err.Error(), c.text) || !strings.Contains(err.Error(), fmt.Sprint(c.code)) {
				t.Errorf("text %q", err)
			}
			if strings.Contains(strings.ToLower(err.Error()), "rider@") {
				t.Errorf("the address is in the error: %v", err)
			}
		})
	}
}

func TestThirdRefusalInARow(t *testing.T) {
	b := newBench(t, nil)
	_, bot := b.city("nuernberg")
	b.mustSubscribe(bot, "rider@example.org")
	refuse := func(yes bool) {
		b.out.Answer(func(stage, _ string) error {
			if !yes || stage != "rcpt" {
				return nil
			}
			return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "unknown"}
		})
	}
	for i, step := range []struct {
		refuse bool
		id     string
		want   bots.Kind
	}{
		{true, "a", bots.KindPermanent},
		{true, "b", bots.KindPermanent},
		{false, "c", bots.KindTemporary}, // a success: the count begins again
		{true, "d", bots.KindPermanent},
		{true, "d", bots.KindPermanent}, // the same delivery, sent again after a crash
		{true, "e", bots.KindPermanent},
		{true, "f", bots.KindGone},
	} {
		refuse(step.refuse)
		_, err := b.deliver(bot, step.id, "rider@example.org")
		if kind, _ := bots.KindOf(err); kind != step.want || step.refuse != (err != nil) {
			t.Fatalf("step %d: %v %v", i, kind, err)
		}
	}
	if err := b.network.RemoveRecipient(t.Context(), bot, "rider@example.org"); err != nil {
		t.Fatal(err)
	}
	if err := b.network.RemoveRecipient(t.Context(), bot, "rider@example.org"); err != nil {
		t.Errorf("removing one that is not there: %v", err)
	}
	if n, err := b.network.CountRecipients(t.Context(), bot); n != 0 || err != nil {
		t.Error(n, err)
	}
}

func TestUnreachableRelay(t *testing.T) {
	b := newBench(t, func(c *config.Config) { c.Mail.Relay = "smtp://127.0.0.1:1" })
	_, bot := b.city("nuernberg")
	b.mustSubscribe(bot, "rider@example.org")
	_, err := b.deliver(bot, "a", "rider@example.org")
	if kind, _ := bots.KindOf(err); err == nil || kind != bots.KindTemporary || !strings.Contains(err.Error(), "could not be sent yet") {
		t.Errorf("%v %v", kind, err)
	}
}

func TestBounces(t *testing.T) {
	b := newBench(t, nil)
	c, bot := b.city("nuernberg")
	_, other := b.city("fuerth")
	b.mustSubscribe(bot, "rider@example.org", "friend@example.org")
	b.mustSubscribe(other, "rider@example.org")
	s, err := b.network.findSubscriber(t.Context(), bot.ID, "rider@example.org")
	if err != nil {
		t.Fatal(err)
	}
	address := b.network.bounceAddress(c, bot, s)
	dsn := func(action, status string) string {
		return "From: MAILER-DAEMON@example.org\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\nContent-Type: text/plain\n\nU1 sorry\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\nFinal-Recipient: rfc822; rider@example.org\nAction: " + action + "\nStatus: " + status + "\n--b--\n"
	}
	bounce := func(to, mail string) {
		t.Helper()
		if got := b.send("", []string{to}, mail); !strings.HasPrefix(got, "250 ") {
			t.Fatal(got)
		}
	}
	all := []string{"rider@example.org", "friend@example.org"}
	expect := func(want []string) {
		t.Helper()
		if diff := cmp.Diff(want, b.subscribers(bot)); diff != "" {
			t.Fatalf("-want +got:\n%s", diff)
		}
	}
	for range 5 { // these do not count
		bounce(address, dsn("delayed", "4.4.1"))
		bounce("nuernberg@"+domain, dsn("failed", "5.1.1"))
		bounce("nuernberg+b.1.aaaaaaaaaaaaaaaa@"+domain, dsn("failed", "5.1.1"))
		bounce(strings.Replace(address, "nuernberg", "fuerth", 1), dsn("failed", "5.1.1"))
		bounce(address, "From: rider@example.org\n\nbitte austragen\n")
	}
	expect(all)
	bounce(address, dsn("failed", "5.1.1"))
	bounce(strings.ToUpper(address), dsn("failed", "5.1.1"))
	expect(all)
	b.clock.Move(8 * 24 * time.Hour) // long ago
	bounce(address, dsn("failed", "5.1.1"))
	bounce(address, dsn("failed", "5.1.1"))
	expect(all)
	if err := b.db.EnableBot(t.Context(), bot.ID, false); err != nil {
		t.Fatal(err)
	}
	bounce(address, dsn("failed", "5.1.1")) // taken even where the bot is off
	expect([]string{"friend@example.org"})
	bounce(address, dsn("failed", "5.1.1"))
	if diff := cmp.Diff([]string{"rider@example.org"}, b.subscribers(other)); diff != "" {
		t.Errorf("another city's subscriber: %s", diff)
	}
	if got := b.take(); len(got) > 0 {
		t.Errorf("a bounce became a report: %+v", got)
	}
}

func TestForget(t *testing.T) {
	b := newBench(t, nil)
	_, bot := b.city("nuernberg")
	_, other := b.city("fuerth")
	b.mustSubscribe(bot, "rider@example.org")
	b.mustSubscribe(other, "rider@example.org")
	if err := b.network.savePage(t.Context(), bot.ID, "hello"); err != nil {
		t.Fatal(err)
	}
	if err := b.network.Forget(t.Context(), bot); err != nil {
		t.Fatal(err)
	}
	page, err := b.network.page(t.Context(), bot.ID)
	if len(b.subscribers(bot)) != 0 || page != "" || err != nil {
		t.Errorf("still there: %v %q %v", b.subscribers(bot), page, err)
	}
	if len(b.subscribers(other)) != 1 {
		t.Error("another bot's subscriber is gone")
	}
}

func TestReceiveReturnsAtOnce(t *testing.T) {
	b := newBench(t, nil)
	_, bot := b.city("nuernberg")
	running, err := b.network.Bot(t.Context(), bot, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := running.Receive(context.Background(), nil); err != nil {
		t.Error(err)
	}
}
