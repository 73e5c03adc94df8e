package app

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"ticketfrei/internal/slow"
)

// TestThreeMinutes goes on a phone, following only what the pages say, from the first page
// to a report that reaches whoever signed up, and one that reaches somebody else.
func TestThreeMinutes(t *testing.T) {
	slow.Test(t, "goes through the pages in a real browser")
	t.Parallel()
	j := newJourney(t, startChromium(t), visitor{name: "phone", width: 390, height: 844, language: "de"})
	began, clicks := time.Now(), 0
	press := func(selector string) {
		t.Helper()
		clicks++
		j.press(selector)
	}
	open := func(address, link string) { // a link in a mail is a click too
		t.Helper()
		clicks++
		j.goTo(j.box.waitFor(j, address, link).link(j.T, link))
	}
	j.goTo("/")
	press(`.invite a[href="/register"]`)
	j.typeInto("#city", "Fürth")
	j.typeInto("#email", moderatorEmail)
	press("#register button")
	open(moderatorEmail, "/confirm/")
	j.typeInto("#password", password)
	press("#confirm button")
	j.at("/settings")
	j.reads("#steps", j.says("settings.steps.test.title"))

	press("#test button") // with the words that stand there
	example := j.says("settings.test.example")
	j.reads("#test-way", j.says("settings.test.sent", "Network", j.says("mail.title"), "Email", moderatorEmail))
	mail := j.box.waitFor(t, moderatorEmail, example)
	t.Logf("their own report after %d clicks and %s: %s", clicks, time.Since(began).Round(time.Millisecond), mail.Header.Get("Subject"))

	press(`.settings-head a[href="/city/` + citySlug + `"]`)
	press(`#follow a[href="/city/` + citySlug + `/mail"]`)
	j.typeInto("#email", riderEmail)
	press("#subscribe button")
	open(riderEmail, "/mail/confirm/")
	press("#confirm button")
	press(`main a[href="/city/` + citySlug + `"]`)
	j.typeInto("#report-text", sighting)
	clicks++
	ask[bool](j.window, `document.querySelector("#report button").click() ?? true`) // the page stays
	j.box.waitFor(t, riderEmail, sighting)
	took := time.Since(began)
	t.Logf("somebody else's after %d clicks and %s", clicks, took.Round(time.Millisecond))
	if clicks > 12 || took > time.Minute {
		t.Errorf("it took %d clicks and %s", clicks, took)
	}
	if got := j.box.to(t, riderEmail, example); len(got) > 0 {
		t.Error("the rider got the test")
	}
	j.goTo("/settings")
	if done := ask[string](j.window, `document.getElementById("step-test").className`); done != "done" {
		t.Error("the step is not ticked off")
	}
}

// TestNothingTypedIsLost types and goes away: what was typed is there again, also after
// another form was sent, and after a login that had run out; and it goes when it is saved.
func TestNothingTypedIsLost(t *testing.T) {
	slow.Test(t, "goes through the pages in a real browser")
	t.Parallel()
	box := startMailbox(t)
	a := startApp(t, t.TempDir(), box)
	a.addCity("nuernberg", "kontis?", "")
	w := a.open(t, startChromium(t), visitor{name: "phone", width: 390, height: 844, language: "en"})
	login := func() {
		w.typeInto("#email", "moderator@nuernberg.example")
		w.typeInto("#password", password)
		w.press("#login button")
	}
	holds := func(selector, want string) {
		t.Helper()
		if got := ask[string](w, `document.querySelector("`+selector+`").value`); got != want {
			t.Errorf("%s: %s holds %q, want %q", w.location(), selector, got, want)
		}
	}
	w.goTo("/settings/texts")
	login()
	w.at("/settings/texts")
	const text, poster = "## Bald\n\nHier steht bald mehr.", "Fahr mit uns"
	w.typeInto("#page", text)
	w.typeInto("#poster", poster)
	w.press("#poster-form button")
	w.reads("#texts .success", "saved")
	holds("#page", text)
	holds("#poster", poster)
	w.reads("#texts-form .draft", "is here again")
	if w.text("#poster-form .draft") != "" {
		t.Error("what was saved is said to be a draft")
	}
	w.do(chromedp.Click(chromedp.CSS("#page"))) // who has touched nothing is asked nothing
	w.goTo("/settings/rules")
	if w.asked.Load() == 0 {
		t.Error("the browser does not ask whether to leave what was typed")
	}
	w.goTo("/settings/texts")
	holds("#page", text)

	other := a.login("moderator@nuernberg.example")
	other.post("/settings/account/logins/end-others", nil, 200)
	w.pressFor(401, "#texts-form .buttons button:not([formaction])")
	w.reads("#again", "what you had typed is here again")
	login()
	w.at("/settings/texts")
	holds("#page", text)
	w.press("#texts-form .buttons button:not([formaction])")
	w.reads("#texts .success", "saved")
	holds("#page", text)
	w.goTo("/settings/texts")
	if w.text("#texts-form .draft") != "" {
		t.Error("what was saved is a draft for ever")
	}
	w.typeInto("#page", "doch nicht")
	w.goTo("/settings")
	w.goTo("/settings/texts")
	holds("#page", "doch nicht")
	ask[bool](w, `document.querySelector("#texts-form .draft button").click() ?? true`)
	holds("#page", text)
	w.goTo("/settings/texts")
	holds("#page", text)
	if leave := strings.TrimSpace(w.text(".draft")); leave != "" {
		t.Errorf("what was discarded is here again: %s", leave)
	}
}

// TestDraftsLeaveWhatElseIsSaved types into one field, and has another one change meanwhile: by
// another form of the page, and by somebody else. Drafts go with whoever logs out.
func TestDraftsLeaveWhatElseIsSaved(t *testing.T) {
	slow.Test(t, "goes through the pages in a real browser")
	t.Parallel()
	box := startMailbox(t)
	a := startApp(t, t.TempDir(), box)
	a.addCity("nuernberg", "kontis?", "")
	w := a.open(t, startChromium(t), visitor{name: "phone", width: 390, height: 844, language: "en"})
	value := func(selector string) string { return ask[string](w, `document.querySelector("`+selector+`").value`) }
	login := func() {
		w.typeInto("#email", "moderator@nuernberg.example")
		w.typeInto("#password", password)
		w.press("#login button")
	}
	w.goTo("/settings/rules")
	login()
	w.at("/settings/rules")
	w.typeInto("#blocked", "unfug")
	w.typeInto("#word", "kontrolletti")
	w.press("#word-add button")
	w.reads("#words .success", "kontrolletti")
	if got := value("#blocked"); got != "unfug" {
		t.Errorf("what was typed is %q now", got)
	}
	w.press("#rules-form .buttons button:not([formaction])")
	w.reads("#rules .success", "saved")
	if triggers, blocked := value("#triggers"), value("#blocked"); !strings.Contains(triggers, "kontrolletti") || blocked != "unfug" {
		t.Errorf("stored are %q and %q", triggers, blocked)
	}

	w.typeInto("#blocked", "meins")
	w.goTo("/settings")
	other := a.login("moderator@nuernberg.example")
	other.post("/settings/rules", url.Values{"triggers": {"kontis?"}, "blocked": {"fremd"}}, http.StatusOK)
	w.goTo("/settings/rules")
	w.pressFor(http.StatusConflict, "#rules-form .buttons button:not([formaction])")
	w.reads("#meanwhile", "Somebody has saved something else")
	if got := value("#blocked"); got != "meins" {
		t.Errorf("what was typed is %q now", got)
	}
	w.press("#rules-form .buttons button:not([formaction])")
	w.reads("#rules .success", "saved")
	if got := value("#blocked"); got != "meins" {
		t.Errorf("stored is %q", got)
	}

	w.typeInto("#blocked", "geheim")
	w.goTo("/settings/account")
	w.press("#logout button")
	w.goTo("/settings/rules")
	login()
	w.at("/settings/rules")
	if got := value("#blocked"); got != "meins" {
		t.Errorf("after logging out there is %q", got)
	}
}

// TestLongNamesFit opens the desk of one of two cities, whose name, words, stops and moderators
// are as long as they may be, on a phone.
func TestLongNamesFit(t *testing.T) {
	slow.Test(t, "goes through the pages in a real browser")
	t.Parallel()
	box := startMailbox(t)
	a := startApp(t, t.TempDir(), box)
	a.addCity("nuernberg", "kontis?", "")
	w := a.open(t, startChromium(t), visitor{name: "phone", width: 390, height: 844, language: "en"})
	long := func(n int) string { return strings.Repeat("W", n) }
	b := a.login("moderator@nuernberg.example")
	for path, form := range map[string]url.Values{
		"/settings/texts":             {"name": {long(60)}, "language": {"en"}, "page": {long(300)}},
		"/settings/rules/words":       {"add": {long(60)}},
		"/settings/places":            {"places": {"U1: " + long(60) + ", Plärrer"}},
		"/settings/moderators/invite": {"email": {long(60) + "@" + strings.ToLower(long(60)) + ".example"}},
	} {
		b.post(path, form, http.StatusOK)
	}
	b.post("/register", url.Values{"city": {"Zirndorf"}, "language": {"de"}}, http.StatusOK)
	a.mustSend("rider@riders.example", "nuernberg@tickets.example", "m1@x", "", "kontis "+long(200))
	a.settled()
	w.goTo("/settings")
	w.typeInto("#email", "moderator@nuernberg.example")
	w.typeInto("#password", password)
	w.press("#login button")
	for _, path := range []string{"", "/reports", "/rules", "/networks", "/texts", "/places", "/people", "/account", "/reports/pause"} {
		w.goTo("/settings" + path)
		w.audit()
	}
	w.reads("main", long(60))
}
