package mail

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/kittest"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/config"
	"ticketfrei/internal/report"
)

// aReport is one that an author wrote by mail.
func (b *bench) aReport(bot report.Bot, id, author, text string) report.Report {
	return report.Report{ID: id, CityID: bot.CityID, BotID: bot.ID, Network: Name, Author: b.box.Author(bot.CityID, Name, author),
		Text: text, Visibility: report.Private, Time: b.clock.Now()}
}

// delivery is a report on its way to a subscriber.
func (b *bench) delivery(bot report.Bot, r report.Report, to string) report.Delivery {
	b.t.Helper()
	return report.NewDelivery(r, bot, b.find(bot, to).ID)
}

// deliver sends a report to one subscriber.
func (b *bench) deliver(bot report.Bot, id, to string) (report.Receipt, error) {
	b.t.Helper()
	return b.carry(bot, b.delivery(bot, b.aReport(bot, id, "author@example.org", "U1 Plärrer"), to))
}

func (b *bench) carry(bot report.Bot, d report.Delivery) (report.Receipt, error) {
	b.t.Helper()
	running, err := b.network.Bot(b.t.Context(), bot, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return running.Send(b.t.Context(), d)
}

func TestRecipientsLeaveOutTheAuthor(t *testing.T) {
	b := newBench(t, nil)
	_, bot := b.city("nuernberg")
	_, other := b.city("fuerth")
	b.mustSubscribe(bot, "one@example.org", "two@example.org", "three@example.org")
	b.mustSubscribe(other, "one@example.org")
	got := b.recipients(bot, b.aReport(bot, "r", "two@example.org", "U1"))
	if diff := cmp.Diff([]string{"one@example.org", "three@example.org"}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	t.Run("an author elsewhere is somebody else", func(t *testing.T) {
		r := b.aReport(bot, "r", "two@example.org", "U1")
		r.Network = "mastodon"
		if got := b.recipients(bot, r); len(got) != 3 {
			t.Errorf("%v", got)
		}
	})
}

func TestReportMail(t *testing.T) {
	b := newBench(t, nil)
	c, bot := b.city("nuernberg")
	dbtest.MustSaveTexts(t, b.db, c.ID, "Nürnberg", "de", "")
	b.mustSubscribe(bot, "rider@example.org")
	text := "U1 Plärrer, 2 Kontis\n.\nFrom here on <b>nothing</b> " + strings.Repeat("lang ", 40)
	d := b.delivery(bot, b.aReport(bot, "r1", "author@example.org", text), "rider@example.org")
	running, err := b.network.Bot(t.Context(), bot, nil)
	if err != nil {
		t.Fatal(err)
	}
	receipt, err := running.Send(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	if receipt.ID != "" {
		t.Errorf("receipt %q of what nobody can take back", receipt.ID)
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
		"Precedence":            "bulk",
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
	byMail, byLink, _ := strings.Cut(m.Header.Get("List-Unsubscribe"), ", ")
	link := strings.Trim(byLink, "<>")
	if !strings.HasPrefix(byMail, "<mailto:nuernberg+u.") || !strings.HasSuffix(byMail, "@"+domain+"?subject=unsubscribe>") {
		t.Errorf("List-Unsubscribe by mail: %s", byMail)
	}
	for _, want := range []string{strings.TrimSpace(text) + "\n\n-- \nGemeldet für Nürnberg, ", "nuernberg@" + domain, link, b.url + "/city/nuernberg\n"} {
		if !strings.Contains(strings.ReplaceAll(m.Text, " \n", "\n"), strings.ReplaceAll(want, " \n", "\n")) {
			t.Errorf("not in the text: %q\n%s", want, m.Text)
		}
	}
	if strings.Contains(raw, "author@") || strings.Contains(raw, d.Report.Author) {
		t.Error("the author is in the mail")
	}
	// Who gets the mail stands in its To alone, and not in base64 either.
	unfolded := strings.NewReplacer("=\r\n", "", "To: <rider@example.org>", "").Replace(raw)
	for shift := range 3 {
		coded := base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat(" ", shift) + "rider@example.org"))
		if strings.Contains(unfolded, "rider@") || strings.Contains(unfolded, coded[4:len(coded)-2]) {
			t.Errorf("the mail names who gets it:\n%s", unfolded)
		}
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
		if words := b.words(err, "en"); !strings.Contains(words, "has unsubscribed") {
			t.Errorf("words %q", words)
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
			words, german := b.words(err, "en"), b.words(err, "de")
			if !strings.Contains(words, c.text) || !strings.Contains(words, fmt.Sprint(c.code)) || words == german {
				t.Errorf("words %q, in German %q", words, german)
			}
			for _, text := range []string{words, german, err.Error()} {
				if strings.Contains(strings.ToLower(text), "rider@") {
					t.Errorf("the address is in the error: %s", text)
				}
				if strings.Contains(text, "no <") || !strings.Contains(text, fmt.Sprintf("%d %d.1.1", c.code, c.code/100)) {
					t.Errorf("not the server's codes, or its words: %s", text)
				}
			}
		})
	}
}

func TestRemoveRecipient(t *testing.T) {
	b := newBench(t, nil)
	_, bot := b.city("nuernberg")
	b.mustSubscribe(bot, "rider@example.org")
	id := b.find(bot, "rider@example.org").ID
	for range 2 { // one that is not there is no error
		if err := b.network.RemoveRecipient(t.Context(), bot, id); err != nil {
			t.Fatal(err)
		}
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
	if kind, _ := bots.KindOf(err); err == nil || kind != bots.KindAway {
		t.Fatalf("%v %v", kind, err)
	}
	// The library's English is for the operator.
	if words := b.words(err, "de"); !strings.Contains(words, "noch nicht verschickt") || strings.Contains(words, "refused") {
		t.Errorf("words %q", words)
	}
	if !strings.Contains(err.Error(), "refused") {
		t.Errorf("the operator does not learn why: %v", err)
	}
}

func TestForget(t *testing.T) {
	b := newBench(t, nil)
	_, bot := b.city("nuernberg")
	_, other := b.city("fuerth")
	b.mustSubscribe(bot, "rider@example.org")
	b.mustSubscribe(other, "rider@example.org")
	if _, err := b.network.strike(t.Context(), bot.ID, b.find(bot, "rider@example.org").ID, strikeRefusal); err != nil {
		t.Fatal(err)
	}
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
	if n := b.rows("mail_failures"); n != 0 {
		t.Errorf("the failures of %d subscribers are still there", n)
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

// TestAddressOfAnotherKey has the database come back with another secret key: the
// subscriber is not lost, and the moderators are told why nothing arrives.
func TestAddressOfAnotherKey(t *testing.T) {
	b := newBench(t, nil)
	_, bot := b.city("nuernberg")
	b.mustSubscribe(bot, "rider@example.org")
	d := b.delivery(bot, b.aReport(bot, "r", "author@example.org", "U1 Plärrer"), "rider@example.org")
	err := b.db.Write(t.Context(), func(tx *gorm.DB) error {
		return tx.Exec("UPDATE mail_recipients SET address = ?", b.box.Seal("another place", "rider@example.org")).Error
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.carry(bot, d)
	kittest.WantKind(t, err, bots.KindPermanent)
	if words := b.words(err, "en"); !strings.Contains(words, "another secret key") {
		t.Errorf("the moderators read %q", words)
	}
	if n, err := b.network.CountRecipients(t.Context(), bot); n != 1 || err != nil {
		t.Errorf("%d subscribers are left, %v", n, err)
	}
}
