package mail

import (
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"

	"ticketfrei/db/dbtest"
	"ticketfrei/internal/mailer"
	"ticketfrei/internal/report"
)

// pass has a report pass that somebody wrote by mail, and sends it to everybody as the
// program does.
func (b *bench) pass(bot report.Bot, id, author, text string) {
	b.t.Helper()
	b.passOn(bot, dbtest.MustHear(b.t, b.db, b.aReport(bot, id, author, text)).Report)
}

// passOn has a report pass that was heard before.
func (b *bench) passOn(bot report.Bot, r *report.Report) {
	b.t.Helper()
	list, err := b.db.Unjudged(b.t.Context(), 0, 1, 0, 1<<20)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, h := range list {
		if h.Report.ID == r.ID {
			h.Report.Reading = r.Reading
			dbtest.MustJudge(b.t, b.db, h, report.Verdict{Passed: true, Reason: report.ReasonTrigger}, dbtest.NoBrake{})
		}
	}
	ids, err := b.network.Recipients(b.t.Context(), bot, *r)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, id := range ids {
		if _, err := b.carry(bot, report.NewDelivery(*r, bot, id)); err != nil {
			b.t.Fatal(err)
		}
	}
}

// subscribeHourly subscribes addresses that get one mail an hour.
func (b *bench) subscribeHourly(bot report.Bot, emails ...string) {
	b.t.Helper()
	b.mustSubscribe(bot, emails...)
	for _, email := range emails {
		if err := b.network.chooseDigest(b.t.Context(), bot, email, true); err != nil {
			b.t.Fatal(err)
		}
	}
}

// begin has a bot begin to work, as the program does at its start and when it gets a city.
func (b *bench) begin(bot report.Bot) {
	b.t.Helper()
	made, err := b.network.Bot(b.t.Context(), bot, slog.New(slog.DiscardHandler))
	if err != nil {
		b.t.Fatal(err)
	}
	if err := made.Receive(b.t.Context(), nil); err != nil {
		b.t.Fatal(err)
	}
}

// move moves the clock, and what waits for it looks at it.
func (b *bench) move(d time.Duration) {
	b.clock.Move(d)
	b.network.digests.look()
}

// moveOn moves it once it is noted that the mails that went out did: when the next one may
// come counts from then.
func (b *bench) moveOn(d time.Duration) {
	b.t.Helper()
	for end := time.Now().Add(20 * time.Second); b.isMailing(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			b.t.Fatal("mails of an hour are still being sent")
		}
	}
	b.move(d)
}

// isMailing tells whether mails of an hour are being sent.
func (b *bench) isMailing() bool {
	d := b.network.digests
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.busy) > 0
}

// await returns the next mails that went out, as many as there must be.
func (b *bench) await(n int) (mails []mailer.Mail) {
	b.t.Helper()
	for end := time.Now().Add(20 * time.Second); len(mails) < n && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		mails = append(mails, b.out.Take()...)
	}
	if len(mails) != n {
		b.t.Fatalf("%d mails went out, want %d: %v", len(mails), n, mails)
	}
	return mails
}

// awaitText returns the text of the next mail, which goes to that address, without its
// footer.
func (b *bench) awaitText(to string) string {
	b.t.Helper()
	m := b.await(1)[0]
	if m.To != to {
		b.t.Fatalf("a mail to %s, want %s", m.To, to)
	}
	text, _, _ := strings.Cut(mustRead(b.t, m.Data).Text, "\n-- \n")
	return strings.TrimSpace(text)
}

// TestOneMailAnHour has somebody choose it when they subscribe.
func TestOneMailAnHour(t *testing.T) {
	b := newBench(t, nil)
	c, bot := b.city("nuernberg")
	b.mustSubscribe(bot, "friend@example.org")
	code, body := b.get("/city/nuernberg/mail")
	b.expect(code, body, 200, `name="often" value="each" checked`, `name="often" value="hourly"`, "One e-mail an hour")
	code, body = b.post("/city/nuernberg/mail/subscribe", url.Values{"email": {"nonsense"}, "often": {"hourly"}})
	b.expect(code, body, 422, `name="often" value="hourly" checked`)
	b.post("/city/nuernberg/mail/subscribe", url.Values{"email": {"rider@example.org"}, "often": {"hourly"}})
	_, read := b.accountMail()
	link := b.linkIn(read.Text, "confirm") + "?often=hourly"
	if !strings.Contains(read.Text, link) {
		t.Fatalf("the link does not keep what was chosen: %s", read.Text)
	}
	if !strings.Contains(read.Text, "What was chosen: one e-mail an hour") {
		t.Errorf("what was chosen is not said: %s", read.Text)
	}
	code, body = b.get(link)
	b.expect(code, body, 200, "will get one e-mail an hour with all reports")
	code, body = b.post(link, nil)
	b.expect(code, body, 200, "You have chosen one e-mail an hour")
	if n, err := b.network.CountRecipients(t.Context(), bot); n != 2 || err != nil {
		t.Errorf("%d subscribers are counted, %v", n, err)
	}

	b.pass(bot, "1", "author@example.org", "U1 Plärrer")
	var to []string
	for _, m := range b.await(2) {
		to = append(to, m.To)
		if read := mustRead(t, m.Data); read.Subject != "nuernberg: U1 Plärrer" {
			t.Errorf("subject %q to %s", read.Subject, m.To)
		}
	}
	slices.Sort(to)
	if diff := cmp.Diff([]string{"friend@example.org", "rider@example.org"}, to); diff != "" {
		t.Errorf("the first report after a quiet hour: -want +got:\n%s", diff)
	}

	for i, text := range []string{"U2 Rathenauplatz", "U3 <b>Maxfeld</b>\n2 Kontis", "mine", "wrong", "S1 Fürth"} {
		b.moveOn(10 * time.Minute)
		author := "author@example.org"
		if text == "mine" {
			author = "rider@example.org"
		}
		b.pass(bot, text, author, text)
		if got := b.awaitText("friend@example.org"); got != text {
			t.Errorf("mail %d has the text %q, want %q", i, got, text)
		}
	}
	if err := b.db.TakeBack(t.Context(), bot.CityID, "wrong"); err != nil {
		t.Fatal(err)
	}
	b.move(9 * time.Minute) // not yet: there must be one mail only
	b.move(time.Minute)
	b.checkDigest(c, bot, b.await(1)[0])

	t.Run("nothing comes where nothing is new", func(t *testing.T) {
		b.move(3 * time.Hour)
		b.pass(bot, "own", "rider@example.org", "of the rider alone")
		b.await(1) // to the friend
		b.pass(bot, "next", "author@example.org", "U1 Lorenzkirche")
		for _, m := range b.await(2) {
			if text := mustRead(t, m.Data).Text; strings.Contains(text, "alone") || !strings.Contains(text, "Lorenzkirche") {
				t.Errorf("to %s: %s", m.To, text)
			}
		}
	})
}

// checkDigest checks the mail with the reports of an hour, and that one can answer it.
func (b *bench) checkDigest(c report.City, bot report.Bot, m mailer.Mail) {
	b.t.Helper()
	read := mustRead(b.t, m.Data)
	text, footer, _ := strings.Cut(read.Text, "\n-- \n")
	const want = "3 May 2024, 10:50 UTC\nS1 Fürth\n\n3 May 2024, 10:20 UTC\nU3 <b>Maxfeld</b>\n2 Kontis\n\n3 May 2024, 10:10 UTC\nU2 Rathenauplatz\n"
	if diff := cmp.Diff(want, text); diff != "" {
		b.t.Errorf("-want +got:\n%s", diff)
	}
	if read.Subject != "nuernberg: 3 reports, the last: S1 Fürth" {
		b.t.Errorf("subject %q", read.Subject)
	}
	rider := b.find(bot, "rider@example.org")
	if m.To != rider.Address || m.From != b.network.bounceAddress(c, bot, rider) {
		b.t.Errorf("envelope from %s to %s", m.From, m.To)
	}
	for name, want := range map[string]string{"Reply-To": "<nuernberg@" + domain + ">", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
		"Precedence": "bulk", "Auto-Submitted": "auto-generated", "X-Loop": domain,
		"List-Unsubscribe": "<mailto:" + b.network.taggedAddress(unsubscribePrefix, c, bot, rider.ID) + "?subject=unsubscribe>, <" + b.network.unsubscribeURL(c, rider.Address) + ">"} {
		if got := read.Header.Get(name); got != want {
			b.t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for _, want := range []string{"Just answer this e-mail", "/city/nuernberg/mail/unsubscribe/", "Each report at once instead: " + b.url} {
		if !strings.Contains(footer, want) {
			b.t.Errorf("%q is not in the footer:\n%s", want, footer)
		}
	}
	id := read.Header.Get("Message-Id")
	if !strings.HasSuffix(id, "@"+domain+">") {
		b.t.Errorf("Message-ID %s", id)
	}
	answer := "From: rider@example.org\nSubject: Re: " + read.Subject + "\nIn-Reply-To: " + id + "\nMessage-ID: <a@example.org>\n\nU2 Opernhaus jetzt\n\nOn 3 May 2024 at 11:00 nuernberg@" + domain +
		" wrote:\n> " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n> ") + "\n"
	if got := b.send("rider@example.org", []string{"nuernberg@" + domain}, answer); !strings.HasPrefix(got, "250 ") {
		b.t.Fatal(got)
	}
	if heard := b.take(); len(heard) != 1 || heard[0].In.Text != "U2 Opernhaus jetzt" {
		b.t.Errorf("of the answer was heard %+v", heard)
	}
}

// TestHeldReportComesInTheNextMail: one that a moderator lets through comes after those
// that were written later.
func TestHeldReportComesInTheNextMail(t *testing.T) {
	b := newBench(t, nil)
	_, bot := b.city("nuernberg")
	b.subscribeHourly(bot, "rider@example.org")
	first := dbtest.MustHear(t, b.db, b.aReport(bot, "1", "author@example.org", "held first"))
	b.pass(bot, "2", "author@example.org", "written later")
	if got := b.awaitText("rider@example.org"); !strings.HasSuffix(got, "\nwritten later") {
		t.Errorf("the first mail: %q", got)
	}
	b.passOn(bot, first.Report)
	b.moveOn(digestEvery)
	if got := b.awaitText("rider@example.org"); !strings.HasSuffix(got, "\nheld first") {
		t.Errorf("the second mail: %q", got)
	}
}

// TestManyReportsInAnHour counts what does not fit into a mail.
func TestManyReportsInAnHour(t *testing.T) {
	b := newBench(t, nil)
	_, bot := b.city("nuernberg")
	b.stop()
	b.subscribeHourly(bot, "rider@example.org")
	for i := range maxDigest + 3 {
		b.clock.Move(time.Second)
		b.pass(bot, fmt.Sprint("r", i), "author@example.org", fmt.Sprintf("tram %d.", i))
	}
	b.serve()
	got := b.awaitText("rider@example.org")
	if !strings.HasSuffix(got, "\ntram 3.\n\nAnd 3 more: "+b.url+"/city/nuernberg") || strings.Contains(got, "tram 2.") || !strings.Contains(got, "tram 52.") {
		t.Error(got)
	}
}

// TestOneMailAnHourAfterAnUpgrade chooses it in the database of an earlier version.
func TestOneMailAnHourAfterAnUpgrade(t *testing.T) {
	d := earlier(t, t.TempDir())
	t.Cleanup(func() { mustClose(t, d) })
	err := d.Write(t.Context(), func(tx *gorm.DB) error {
		return tx.Exec("INSERT INTO mail_settings (bot_id, page) VALUES (1, 'our page')").Error
	})
	if err != nil {
		t.Fatal(err)
	}
	b := newBenchOn(t, d, nil)
	bot, err := d.FindBot(t.Context(), 1, Name)
	if err != nil {
		t.Fatal(err)
	}
	code, body := b.get("/city/nuernberg/mail")
	b.expect(code, body, 200, "our page", `name="often"`)
	link := strings.TrimPrefix(b.network.oftenURL(report.City{ID: 1, Slug: "nuernberg"}, "fine@example.org"), b.url)
	code, body = b.post(link, url.Values{"often": {"hourly"}})
	b.expect(code, body, 200, "fine@example.org gets one e-mail an hour")
	b.pass(bot, "0", "author@example.org", "tram 0")
	b.await(3)
	b.pass(bot, "1", "author@example.org", "tram 1")
	b.await(2) // to the others
	b.moveOn(digestEvery)
	if got := b.awaitText("fine@example.org"); !strings.HasSuffix(got, "tram 1") {
		t.Errorf("the mail of the hour: %q", got)
	}
}

// TestHourlyByDefault has one mail an hour be chosen already where moderators wish that.
func TestHourlyByDefault(t *testing.T) {
	b := newBench(t, nil)
	c, _ := b.city("nuernberg")
	if _, err := b.db.ChangeCity(t.Context(), c.ID, func(c *report.City) error {
		c.Defaults = report.SubscriptionDefaults{Hourly: true}.Stored()
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	code, body := b.get("/city/nuernberg/mail")
	b.expect(code, body, 200, `name="often" value="hourly" checked`)
	code, body = b.post("/city/nuernberg/mail/subscribe", url.Values{"email": {"nonsense"}, "often": {"each"}})
	b.expect(code, body, 422, `name="often" value="each" checked`)
}
