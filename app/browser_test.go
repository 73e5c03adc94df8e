package app

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"ticketfrei/bots/mastodon/standin"
	"ticketfrei/internal/i18n"
	"ticketfrei/internal/slow"
)

// TestBrowser goes through the pages as people do: somebody adds a city and
// sets it up, somebody else subscribes, gets a report and unsubscribes.
func TestBrowser(t *testing.T) {
	slow.Test(t, "goes through the pages in a real browser")
	t.Parallel()
	chromium := startChromium(t)
	for _, v := range []visitor{
		{name: "phone", width: 390, height: 844, language: "en"},
		{name: "desktop", width: 1280, height: 900, language: "de"},
		{name: "phone without scripts", width: 390, height: 844, language: "de", noScript: true},
		{name: "desktop without scripts", width: 1280, height: 900, language: "en", noScript: true},
	} {
		t.Run(v.name, func(t *testing.T) { newJourney(t, chromium, v).all() })
	}
	t.Run("demo", func(t *testing.T) { lookAtDemo(t, chromium) })
	t.Run("what is wrong with a page is seen", func(t *testing.T) { lookAtFaults(t, chromium) })
}

// journey is one way through the pages.
type journey struct {
	*window
	box      *mailbox
	mastodon *standin.Server
	texts    *i18n.Catalogue
}

// Who and what the journey is about.
const (
	moderatorEmail = "moderator@riders.example"
	riderEmail     = "rider@riders.example"
	citySlug       = "fuerth"
	cityEmail      = citySlug + "@tickets.example"
	sighting       = "U1 Jakobinenstraße, 2 Kontis Richtung Plärrer"
)

func newJourney(t *testing.T, chromium context.Context, v visitor) *journey {
	t.Helper()
	box := startMailbox(t)
	a := startApp(t, t.TempDir(), box)
	instance, err := standin.Start(standin.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { instance.Close() })
	texts, err := i18n.New(textSources("", a.server.definitions)...)
	if err != nil {
		t.Fatal(err)
	}
	return &journey{window: a.open(t, chromium, v), box: box, mastodon: instance, texts: texts}
}

// says is a text in the visitor's language.
func (j *journey) says(id string, values ...any) string { return j.texts.T(j.language, id, values...) }

func (j *journey) all() {
	j.signUp()
	j.setRules()
	j.setTexts()
	j.tryMail()
	j.connectMastodon()
	j.subscribe()
	j.report()
	j.unsubscribe()
	j.logOut()
	j.lost()
	j.logIn()
	j.decide()
	j.stopCity()
}

// signUp adds a city. The first name that it tries cannot be had.
func (j *journey) signUp() {
	call(j.window, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "Asia/Tashkent"})
	j.goTo("/")
	j.reads("h1", j.says("home.heading"))
	j.sees("#no-cities")
	j.press(`.invite a[href="/register"]`)
	j.typeInto("#city", "Postmaster")
	j.typeInto("#email", moderatorEmail)
	j.pressFor(422, "#register button")
	j.reads("#city-error", j.says("form.city.reserved"))

	j.typeInto("#city", "Fürth")
	if !j.noScript {
		waitUntil(j, "the address of the city", func() bool { return strings.Contains(j.text("#city-address"), cityEmail) })
	}
	j.press("#register button")
	j.sees("#sent")
	j.goTo(j.box.waitFor(j, moderatorEmail, "/confirm/").link(j.T, "/confirm/"))
	j.reads("main", cityEmail)
	j.typeInto("#password", "passwort1234")
	j.pressFor(422, "#confirm button")
	j.reads("#password-error", j.says("form.password.weak"))
	j.typeInto("#password", password)
	j.press("#confirm button")
	j.at("/settings")
	j.reads("h1", "Fürth")
	j.turnTo("account")
	j.reads("#logins", j.says("settings.account.logins.here"))
	j.turnTo("texts")
	j.zone()
}

// turnTo follows the menu to a page of the desk.
func (j *journey) turnTo(page string) {
	j.press(`.settings-nav a[href="/settings/` + page + `"]`)
	j.reads(`.settings-nav [aria-current="page"]`, j.says("settings.nav."+page))
}

// zone finds the city in the time zone of the browser.
func (j *journey) zone() {
	want, offered := "", 0
	if !j.noScript {
		want, offered = "Asia/Tashkent", 100
	}
	if got := ask[string](j.window, `document.getElementById("zone").value`); got != want {
		j.Errorf("the city has the zone %q, want %q", got, want)
	}
	if got := ask[int](j.window, `document.getElementById("zones").options.length`); got < offered {
		j.Errorf("%d zones are offered", got)
	}
}

// setRules enters a broken pattern, sees it refused at its line, tries
// sentences, and saves.
func (j *journey) setRules() {
	j.turnTo("rules")
	ask[bool](j.window, `document.querySelector("#advanced").open = true`)
	j.typeInto("#triggers", "kontis?\n(ubahn\n\\bU[123]\\b")
	j.pressFor(422, `#rules-form .buttons button:not([formaction])`)
	j.reads("#triggers-error", j.says("settings.rules.line", "Line", 2))
	j.reads("#triggers-error", "(ubahn")

	j.typeInto("#triggers", "kontis?")
	j.typeInto("#blocked", "verboten")
	j.typeInto("#text", sighting)
	j.press(`#try button`)
	j.reads("#verdict", j.says("settings.rules.try_passes"))
	j.reads("#verdict", "kontis?")
	j.typeInto("#text", "Kontis verboten")
	j.press(`#try button`)
	j.reads("#verdict", j.says("settings.rules.try_held"))
	j.press(`#rules-form .buttons button:not([formaction])`)
	j.reads("#rules", j.says("settings.rules.saved"))
}

func (j *journey) setTexts() {
	j.turnTo("texts")
	const page = "## Kein Stress\n\nSchreib uns an **" + cityEmail + "**."
	j.typeInto("#page", page)
	j.press(`#texts-form button[formaction]`)
	j.reads("#preview h2, #preview h3", "Kein Stress")
	j.press(`#texts-form .buttons button:not([formaction])`)
	j.reads("#texts", j.says("settings.texts.saved"))
}

// tryMail pastes a mail to see what would become of it, and looks at what was
// ignored.
func (j *journey) tryMail() {
	j.turnTo("networks")
	j.do(chromedp.Click(chromedp.CSS("details:has(#mail-sample) summary")))
	j.typeInto("#mail-sample-source", "From: Robin Rider <robin@riders.example>\nSubject: U1\n\n2 Kontis\n\n-- \nRobin\n")
	j.press("#mail-sample button")
	j.reads("#mail-sample-said", "U1\n2 Kontis")
	j.do(chromedp.Click(chromedp.CSS("#mail-ignored summary")))
	j.reads("#mail-ignored", j.says("mail.settings.ignored_none"))
	j.audit()
}

// connectMastodon goes to the instance, which is another site, logs in there,
// and comes back.
func (j *journey) connectMastodon() {
	account := j.mastodon.AddAccount("fuerth")
	j.typeInto("#mastodon-instance", j.mastodon.URL)
	j.press(`#network-mastodon form[action="/settings/mastodon/connect"] button`)
	if !strings.HasPrefix(j.location(), j.mastodon.URL) {
		j.Fatalf("at %s, want the instance", j.location())
	}
	j.press(`button[value="authorize"]`)
	j.at("/settings/networks")
	j.reads("#network-mastodon", "@"+account.Handle())
	j.press(`#mastodon-confirm button:not([formaction])`)
	j.reads("#network-mastodon", "@"+account.Handle())
	waitUntil(j, "the bot at work", func() bool {
		if strings.Contains(j.text("#network-mastodon .badge"), j.says("settings.state.running")) {
			return true
		}
		j.goTo("/settings/networks")
		return false
	})
	account.Mention("tram@elsewhere.example", "2 Kontis am Rathaus", "public")
	j.goTo("/city/" + citySlug)
	j.waitForReport("2 Kontis am Rathaus")
}

// subscribe follows the city by mail.
func (j *journey) subscribe() {
	j.goTo("/city/" + citySlug)
	j.reads("#text", "Kein Stress")
	j.press(fmt.Sprintf(`#follow a[href="/city/%s/mail"]`, citySlug))
	j.typeInto("#email", riderEmail)
	j.press("#subscribe button")
	j.sees("#sent")
	j.goTo(j.box.waitFor(j, riderEmail, "/mail/confirm/").link(j.T, "/mail/confirm/"))
	j.press("#confirm button")
	j.sees("#subscribed")
}

// report keeps the city's page open while somebody mails a report.
func (j *journey) report() {
	j.press(fmt.Sprintf(`main a[href="/city/%s"]`, citySlug))
	ask[bool](j.window, "window.stayed = true")
	j.mustSend("else@riders.example", cityEmail, "m1@riders.example", "", sighting)
	j.waitForReport(sighting)
	if !j.noScript && !ask[bool](j.window, "window.stayed === true") {
		j.Error("the page was loaded again")
	}
	if text := j.text("body"); strings.Contains(text, "else@") {
		j.Errorf("the page names the writer:\n%s", text)
	}
	j.audit()
}

// waitForReport waits until the city's page shows the text. With scripts off it
// reloads the page.
func (j *journey) waitForReport(text string) {
	waitUntil(j, "the report on the page", func() bool {
		if strings.Contains(j.text("#reports .report"), text) {
			return true
		}
		if j.noScript {
			j.goTo("/city/" + citySlug)
		}
		return false
	})
}

// unsubscribe follows the link of the mail with the report.
func (j *journey) unsubscribe() {
	j.goTo(j.box.waitFor(j, riderEmail, sighting).link(j.T, "/mail/unsubscribe/"))
	j.press("#unsubscribe button")
	j.sees("#unsubscribed")
	j.mustSend("else@riders.example", cityEmail, "m2@riders.example", "", "Kontis am Hauptbahnhof")
	j.goTo("/city/" + citySlug)
	j.waitForReport("Kontis am Hauptbahnhof")
	j.settled()
	if len(j.box.to(j.T, riderEmail, "Hauptbahnhof")) > 0 {
		j.Error("unsubscribed, and still got a report")
	}
}

func (j *journey) logOut() {
	j.goTo("/settings/reports")
	j.reads("#reports", sighting)
	j.press(`.top form[action="/logout"] button`)
	j.reads(".flash", j.says("login.logged_out"))
	j.goTo("/settings")
	j.at("/login")
}

// lost looks at pages that do not exist.
func (j *journey) lost() {
	for _, path := range []string{"/nowhere", "/city/nowhere", "/city/" + citySlug + "/mail/confirm/broken"} {
		j.leave(404, chromedp.Navigate(j.url+path))
		j.sees("#error")
	}
}

func (j *journey) logIn() {
	j.goTo("/settings")
	j.typeInto("#email", moderatorEmail)
	j.typeInto("#password", "something else entirely")
	j.pressFor(401, "#login button")
	j.reads("#login-error", j.says("login.wrong"))
	j.typeInto("#password", password)
	j.press("#login button")
	j.at("/settings")
	j.endOtherLogins()
}

// endOtherLogins logs in from elsewhere, and ends that.
func (j *journey) endOtherLogins() {
	elsewhere := j.login(moderatorEmail)
	elsewhere.get("/settings", http.StatusOK)
	j.goTo("/settings/account")
	j.sees("#logins form")
	j.press("#end-others button")
	j.reads("#account", j.says("settings.account.logins.others_ended"))
	if page := elsewhere.get("/settings", http.StatusOK); !strings.Contains(page, `id="login"`) {
		j.Error("a login that was ended goes on")
	}
}

// decide has more reports come than pass unseen, and decides about them: about one,
// about all of one kind, and with the links of the mail.
func (j *journey) decide() {
	for i := range 25 {
		j.mustSend(fmt.Sprintf("f%d@riders.example", i), cityEmail, fmt.Sprintf("f%d@riders.example", i), "", fmt.Sprintf("Kontis %d", i))
	}
	j.settled()
	j.goTo("/settings")
	j.reads("#latest #held", j.says("settings.held.title"))
	j.press(`#held a[href="/settings/reports?show=held"]`)
	j.reads("#reports", j.says("settings.held.let_through"))
	j.press(`#reports form[action="/settings/reports/let-through"] button`)
	j.reads(".flash", j.says("settings.held.passed", "Count", 1))
	j.goTo("/settings/reports/let-through")
	j.press("#ask a")
	j.press(`#held a[href^="/settings/reports/throw-away"]`)
	j.press("#ask button")
	j.reads("main", j.says("settings.held.empty"))
}

// stopCity stops the city and has it go on.
func (j *journey) stopCity() {
	j.goTo("/settings")
	j.press("#pause-city")
	j.reads("h1", j.says("settings.pause.title_ask", "City", "Fürth"))
	j.press("#ask button")
	j.at("/settings")
	j.reads("#pause", j.says("settings.pause.posts"))
	j.goTo("/city/" + citySlug)
	j.reads("#paused", "Fürth")
	j.goTo("/settings")
	j.press("#resume-city button")
	j.reads("#pause", j.says("settings.pause.resumed", "City", "Fürth"))
}
