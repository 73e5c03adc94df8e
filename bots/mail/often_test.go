package mail

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"ticketfrei/internal/report"
)

// TestOftenLink has somebody choose one mail an hour by the link in a mail, and go back.
func TestOftenLink(t *testing.T) {
	b := newBench(t, nil)
	_, bot := b.city("nuernberg")
	b.mustSubscribe(bot, "rider@example.org")
	b.pass(bot, "1", "author@example.org", "U1 one")
	link := b.linkIn(mustRead(t, b.await(1)[0].Data).Text, "often")

	code, body := b.get(link)
	b.expect(code, body, 200, "rider@example.org gets each report from nuernberg at once.", `value="hourly"`)
	b.pass(bot, "2", "author@example.org", "U1 two")
	b.awaitText("rider@example.org") // looking at the page has changed nothing
	for range 2 {
		code, body = b.post(link, url.Values{"often": {"hourly"}})
		b.expect(code, body, 200, "rider@example.org gets one e-mail an hour from nuernberg", `value="each"`)
	}
	b.pass(bot, "3", "author@example.org", "U1 three")
	if got := b.awaitText("rider@example.org"); got != "3 May 2024, 10:00 UTC\nU1 three" {
		t.Errorf("the first mail: %q", got)
	}
	b.pass(bot, "4", "author@example.org", "U1 four")
	for range 2 {
		code, body = b.post(link, url.Values{"often": {"each"}})
		b.expect(code, body, 200, "gets each report from nuernberg at once.")
	}
	b.pass(bot, "5", "author@example.org", "U1 five")
	if got := b.awaitText("rider@example.org"); got != "U1 five" {
		t.Errorf("after going back: %q", got)
	}
	b.moveOn(time.Hour)
	if got := b.awaitText("rider@example.org"); got != "3 May 2024, 10:00 UTC\nU1 four" {
		t.Errorf("what had waited: %q", got)
	}
	if n := b.rows("mail_digests"); n != 0 {
		t.Errorf("%d subscribers are still noted", n)
	}

	t.Run("after the end of the subscription", func(t *testing.T) {
		if _, err := b.network.subscribers.Unsubscribe(t.Context(), bot.ID, "rider@example.org"); err != nil {
			t.Fatal(err)
		}
		code, body := b.get(link)
		b.expect(code, body, 404, "gets no reports from this city", ">This link does not work any more</h1>")
		if strings.Contains(body, "class=\"status\"") || strings.Contains(body, "type=\"search\"") {
			t.Errorf("a number, or a search for cities: %s", body)
		}
		code, body = b.post(link, url.Values{"often": {"hourly"}})
		b.expect(code, body, 404, "gets no reports from this city")
	})
	t.Run("with another link", func(t *testing.T) {
		other := strings.TrimPrefix(b.network.unsubscribeURL(report.City{ID: bot.CityID, Slug: "nuernberg"}, "rider@example.org"), b.url)
		code, body := b.post(strings.Replace(other, "unsubscribe", "often", 1), url.Values{"often": {"hourly"}})
		b.expect(code, body, 404, "does not work")
	})
}

// TestSubscribingAgainOffersTheChoice: whoever has subscribed learns where to choose.
func TestSubscribingAgainOffersTheChoice(t *testing.T) {
	b := newBench(t, nil)
	_, bot := b.city("nuernberg")
	b.mustSubscribe(bot, "rider@example.org")
	b.post("/city/nuernberg/mail/subscribe", url.Values{"email": {"rider@example.org"}, "often": {"hourly"}})
	_, read := b.accountMail()
	code, body := b.get(b.linkIn(read.Text, "often"))
	b.expect(code, body, 200, "gets each report from nuernberg at once.")
}

// TestOneMailAnHourIsNotOffered has a moderator end it, and begin it again.
func TestOneMailAnHourIsNotOffered(t *testing.T) {
	b := newBench(t, nil)
	client, c, bot := b.login("nuernberg")
	b.subscribeHourly(bot, "rider@example.org")
	link := strings.TrimPrefix(b.network.oftenURL(c, "rider@example.org"), b.url)
	code, body := b.read(client.Get(b.url + "/settings/networks"))
	b.expect(code, body, 200, `name="digest" value="yes" aria-describedby="mail-digest-hint" checked`, "1 person has chosen it.")
	b.pass(bot, "1", "author@example.org", "U1 one")
	b.await(1)
	b.pass(bot, "2", "author@example.org", "U1 two") // waits

	code, body = b.read(client.PostForm(b.url+"/settings/mail/digest", nil))
	b.expect(code, body, 200, "Everybody gets each report at once.")
	if strings.Contains(body, "has chosen it") || strings.Contains(body, `aria-describedby="mail-digest-hint" checked`) {
		t.Error("the card still says that it is offered")
	}
	code, body = b.get("/city/nuernberg/mail")
	if b.expect(code, body, 200); strings.Contains(body, `name="often"`) {
		t.Error("the form still offers it")
	}
	b.pass(bot, "3", "author@example.org", "U1 three")
	if m := mustRead(t, b.await(1)[0].Data); m.Subject != "nuernberg: U1 three" || strings.Contains(m.Text, "/mail/often/") {
		t.Errorf("the next report: %+v", m)
	}
	b.moveOn(time.Hour)
	if got := b.awaitText("rider@example.org"); !strings.HasSuffix(got, "\nU1 two") {
		t.Errorf("what had waited: %q", got)
	}
	code, body = b.post(link, url.Values{"often": {"hourly"}})
	b.expect(code, body, 200, "gets each report from nuernberg at once.", "is not on offer here")
	b.post("/city/nuernberg/mail/subscribe", url.Values{"email": {"new@example.org"}, "often": {"hourly"}})
	if _, read := b.accountMail(); strings.Contains(read.Text, "hourly") {
		t.Errorf("the link still chooses it: %s", read.Text)
	}

	code, body = b.read(client.PostForm(b.url+"/settings/mail/digest", url.Values{"digest": {"yes"}}))
	b.expect(code, body, 200, "can now choose")
	code, body = b.post(link, url.Values{"often": {"hourly"}})
	b.expect(code, body, 200, "gets one e-mail an hour from nuernberg")
}
