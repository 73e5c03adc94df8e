package app

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"ticketfrei/db/dbtest"
	"ticketfrei/internal/report"
	"ticketfrei/internal/slow"
	"ticketfrei/manage"
)

// TestReportByThumb reports on the page of a city in a real browser.
func TestReportByThumb(t *testing.T) {
	slow.Test(t, "reports in a real browser")
	chromium := startChromium(t)
	phone := visitor{name: "phone", width: 390, height: 844, language: "en"}
	for name, check := range map[string]func(*thumb){
		"sends without loading the page": (*thumb).sends,
		"keeps what is not passed on":    (*thumb).keepsDraft,
		"passes on what was no question": (*thumb).insists,
		"without net it waits":           (*thumb).waits,
		"waits over a restart":           (*thumb).waitsOverRestart,
		"waits where storage is full":    (*thumb).waitsInMemory,
		"what is old is not sent":        (*thumb).dropsTheOld,
		"suggests lines and stops":       (*thumb).suggests,
		"a stop chosen elsewhere":        (*thumb).takesStop,
		"with the keyboard alone":        (*thumb).byKeyboard,
		"covers nothing":                 (*thumb).coversNothing,
	} {
		t.Run(name, func(t *testing.T) { check(newThumb(t, chromium, phone)) })
	}
	t.Run("right to left", func(t *testing.T) {
		arabic := phone
		arabic.language = "ar"
		newThumb(t, chromium, arabic).mirrored()
	})
	t.Run("beside the reports", func(t *testing.T) {
		newThumb(t, chromium, visitor{name: "desktop", width: 1280, height: 900, language: "de"}).beside()
	})
	t.Run("without scripts", func(t *testing.T) {
		plain := phone
		plain.noScript = true
		newThumb(t, chromium, plain).plain()
	})
}

// thumb is somebody with the page of a city before them.
type thumb struct {
	*window
	city report.City
	end  func() // of the server
}

func newThumb(t *testing.T, chromium context.Context, v visitor) *thumb {
	t.Helper()
	a := startApp(t, t.TempDir(), startMailbox(t))
	th := &thumb{city: a.addCity("nuernberg", `\bu\d\b`, ""), end: a.stop}
	th.window = a.open(t, chromium, v)
	th.goTo("/city/nuernberg")
	return th
}

// sends types a report and presses the button, with the page as it is.
func (th *thumb) sends() {
	ask[bool](th.window, "window.stayed = true")
	th.write("U1 Plärrer, 2 Kontis")
	th.told("passed", "Passed on.")
	th.write("U1 Plärrer, 2 Kontis")
	th.told("known", "Already known, thanks!")
	th.holds("")
	if !ask[bool](th.window, "window.stayed === true") {
		th.Error("the page was loaded again")
	}
	if n := ask[int](th.window, "localStorage.length + sessionStorage.length"); n != 0 {
		th.Errorf("the browser keeps %d things of it", n)
	}
	th.audit()
}

func (th *thumb) keepsDraft() {
	th.write("am Opernhaus")
	th.told("held", "Not passed on: please write it again and say which line or stop.")
	th.holds("am Opernhaus")
	th.goTo("/city/nuernberg")
	th.holds("am Opernhaus")
	th.write("U1 Opernhaus")
	th.told("passed", "Passed on.")
	th.goTo("/city/nuernberg")
	th.holds("")
	th.end()
	th.write("U2 Opernhaus")
	th.told("waiting", "No net. It goes out when there is (written ")
	th.forgive()
}

// insists has a report be taken for a question.
func (th *thumb) insists() {
	th.write("Sind in der U1 Kontis?")
	th.told("question", "No report about the U1 in the last hour.")
	th.holds("")
	th.do(chromedp.Click(chromedp.CSS("#report-said button")))
	th.told("passed", "Passed on.")
	if got := th.passed(th.city); !slices.Equal(got, []string{"Sind in der U1 Kontis?"}) {
		th.Errorf("passed on: %q", got)
	}
}

// offline takes the net away, or gives it back.
func (th *thumb) offline(is bool) {
	th.Helper()
	none := &network.Conditions{Offline: is, DownloadThroughput: -1, UploadThroughput: -1}
	call(th.window, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{MatchedNetworkConditions: []*network.Conditions{none}})
	call(th.window, network.OverrideNetworkState, network.OverrideNetworkStateParams{Offline: is, DownloadThroughput: -1, UploadThroughput: -1})
}

// waitsInMemory has the storage be full after the first report that waits.
func (th *thumb) waitsInMemory() {
	th.offline(true)
	for _, text := range []string{"U1 Plärrer", "U2 Opernhaus"} {
		th.write(text)
		th.told("waiting", "No net. It goes out when there is (written ")
		th.reads(".report-waiting", text)
		ask[bool](th.window, `(Storage.prototype.setItem = () => { throw new DOMException("full", "QuotaExceededError"); }, true)`)
	}
	th.settledOffline()
	th.offline(false)
	waitUntil(th, "nothing to wait", func() bool { return th.text(".report-waiting") == "" })
	if got := th.passed(th.city); len(got) != 2 {
		th.Errorf("passed on: %q", got)
	}
}

func (th *thumb) waits() {
	zone := "Africa/Nairobi"
	if _, err := th.server.cities.Change(th.Context(), th.city.ID, manage.Patch{Zone: &zone}, ""); err != nil {
		th.Fatal(err)
	}
	call(th.window, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "Asia/Kolkata"}) // where the phone is
	th.goTo("/city/nuernberg")
	th.offline(true)
	for _, text := range []string{"U1 Plärrer", "U2 Opernhaus"} {
		th.write(text)
		th.told("waiting", "No net. It goes out when there is (written ")
		th.holds("")
		th.reads(".report-waiting", text)
	}
	th.reads(".report-waiting", "Waits to be sent, written ")
	in, err := time.LoadLocation(zone)
	if err != nil {
		th.Fatal(err)
	}
	if now, got := time.Now().In(in), th.text(".report-waiting"); !strings.Contains(got, now.Format("15:04")) && !strings.Contains(got, now.Add(-time.Minute).Format("15:04")) {
		th.Errorf("it is %s in %s, and the page says: %s", now.Format("15:04"), zone, got)
	}
	th.do(chromedp.Click(chromedp.CSS(".report-waiting li:last-child button")))
	if got := th.text(".report-waiting"); strings.Contains(got, "U2 Opernhaus") {
		th.Errorf("taken back, and still waits: %s", got)
	}
	th.settledOffline()
	th.offline(false)
	th.told("passed", "Passed on.")
	waitUntil(th, "nothing to wait", func() bool { return th.text(".report-waiting") == "" })
	waitUntil(th, "the report on the page", func() bool { return strings.Contains(th.text("#reports"), "U1 Plärrer") })
	if got := th.passed(th.city); !slices.Equal(got, []string{"U1 Plärrer"}) {
		th.Errorf("passed on: %q", got)
	}
	th.forgive()
}

// settledOffline fails if anything got through.
func (th *thumb) settledOffline() {
	th.Helper()
	if got := th.passed(th.city); len(got) > 0 {
		th.Errorf("without net: %q", got)
	}
}

// leaveWaiting has a report wait as if the page had been closed without net, so many
// milliseconds ago.
func (th *thumb) leaveWaiting(ago string) {
	th.Helper()
	ask[bool](th.window, fmt.Sprintf(`(localStorage["report-queue/nuernberg"] = JSON.stringify([{ key: "0123456789abcdef", text: "U1 Plärrer", written: Date.now() - %s }]), true)`, ago))
}

// waitsOverRestart opens the page once more that was closed while a report waited.
func (th *thumb) waitsOverRestart() {
	th.leaveWaiting("10 * 60e3")
	th.goTo("/city/nuernberg")
	th.told("passed", "Passed on.")
	if got := th.passed(th.city); !slices.Equal(got, []string{"U1 Plärrer"}) {
		th.Errorf("passed on: %q", got)
	}
}

func (th *thumb) dropsTheOld() {
	th.leaveWaiting("3601e3")
	th.goTo("/city/nuernberg")
	th.told("refused", "Not sent, as it is more than an hour old: “U1 Plärrer”")
	th.settledOffline()
}

// chipsShown are the suggestions.
func (th *thumb) chipsShown() []string {
	return ask[[]string](th.window, `[...document.querySelectorAll("#report-chips:not([hidden]) button")].map(b => b.textContent)`)
}

func (th *thumb) suggests() {
	dbtest.MustSavePlaces(th, th.server.db, th.city.ID, "U1: Langwasser Süd, Plärrer, Hohe Marter\nU2: Röthenbach, Plärrer")
	th.server.notices.Changed(th.city.ID)
	th.goTo("/city/nuernberg")
	th.do(chromedp.Focus(chromedp.CSS("#report-text")))
	th.waitForChips("U1", "U2")
	th.do(chromedp.Click(chromedp.CSS("#report-chips button")))
	th.holds("U1 ")
	th.waitForChips("Langwasser Süd", "Plärrer", "Hohe Marter", "U2")
	for typed, want := range map[string]string{"plar": "Plärrer", "U1 hohe m": "Hohe Marter", "RÖTH": "Röthenbach", "u2": "U2", "sud": "Langwasser Süd"} {
		th.typeInto("#report-text", typed)
		if got := th.chipsShown(); len(got) == 0 || got[0] != want {
			th.Errorf("%q suggests %q, want %s", typed, got, want)
		}
	}
	th.typeInto("#report-text", "U1 2 Kontis hohe m")
	th.do(chromedp.Click(chromedp.CSS("#report-chips button")))
	th.holds("U1 2 Kontis Hohe Marter ")
	th.do(chromedp.Click(chromedp.CSS("#report button[type=submit]")))
	th.told("passed", "Passed on.")
	th.goTo("/city/nuernberg")
	th.waitForChips("U1", "Hohe Marter") // last used
	th.audit()
}

func (th *thumb) waitForChips(want ...string) {
	th.Helper()
	waitUntil(th, fmt.Sprintf("the suggestions %q", want), func() bool { return slices.Equal(th.chipsShown(), want) })
}

func (th *thumb) takesStop() {
	th.goTo("/city/nuernberg?text=Pl%C3%A4rrer#report")
	th.holds("Plärrer ")
	if got := ask[string](th.window, "document.activeElement.id + location.search"); got != "report-text" {
		th.Errorf("at %s", got)
	}
}

func (th *thumb) byKeyboard() {
	th.rememberPlaces()
	tab := func(n int) {
		for range n {
			th.do(chromedp.KeyEvent(kb.Tab))
		}
	}
	for range 40 {
		if ask[string](th.window, "document.activeElement.closest('#report-chips') ? 'chips' : ''") != "" {
			break
		}
		tab(1)
	}
	th.do(chromedp.KeyEvent(kb.ArrowRight), chromedp.KeyEvent(kb.Enter))
	th.holds("Plärrer ")
	if got := ask[string](th.window, "document.activeElement.id"); got != "report-text" {
		th.Fatalf("after a suggestion the focus is at %q", got)
	}
	th.do(chromedp.KeyEvent("u"), chromedp.KeyEvent("1"), chromedp.KeyEvent(kb.Enter))
	th.told("passed", "Passed on.")
	th.do(chromedp.KeyEvent(kb.ArrowUp))
	if got := ask[string](th.window, "document.activeElement.id"); got != "report-text" {
		th.Errorf("below an answer the focus goes to %q", got)
	}
}

// rememberPlaces has the browser know places that were used before.
func (th *thumb) rememberPlaces() {
	ask[bool](th.window, `(localStorage["report-used/nuernberg"] = JSON.stringify(["U1", "Plärrer", "Opernhaus"]), true)`)
	th.goTo("/city/nuernberg")
}

// coversNothing scrolls to the end: the last thing of the page is above the form.
func (th *thumb) coversNothing() {
	for i := range 12 {
		th.browser().post("/city/nuernberg/web/report", map[string][]string{"text": {fmt.Sprint("U1 ", i)}}, http.StatusOK)
	}
	th.rememberPlaces()
	const above = `(() => { const form = document.getElementById("report-here").getBoundingClientRect();
		scrollTo(0, document.body.scrollHeight);
		const last = document.querySelector("footer").getBoundingClientRect();
		return Math.abs(form.bottom - innerHeight) < 1 && last.bottom <= form.top + 1; })()`
	waitUntil(th, "the form at the bottom of the screen, and the page above it", func() bool { return ask[bool](th.window, above) })
	ask[bool](th.window, `(scrollTo(0, 0), document.querySelector("footer a").focus(), true)`)
	if !ask[bool](th.window, `document.activeElement.getBoundingClientRect().bottom <= document.getElementById("report-here").getBoundingClientRect().top`) {
		th.Error("the form covers what has the focus")
	}
	th.audit()
}

func (th *thumb) mirrored() {
	th.rememberPlaces()
	if got := ask[string](th.window, "document.dir"); got != "rtl" {
		th.Fatalf("the page is written %q", got)
	}
	right := ask[bool](th.window, `document.getElementById("report-text").getBoundingClientRect().left > document.querySelector("#report button[type=submit]").getBoundingClientRect().left`)
	if !right {
		th.Error("the field is left of the button")
	}
	ask[bool](th.window, `(document.querySelector("#report-chips button").focus(), true)`)
	th.do(chromedp.KeyEvent(kb.ArrowLeft))
	if got := ask[string](th.window, "document.activeElement.textContent"); got != "Plärrer" {
		th.Errorf("the arrow to the left leads to %q", got)
	}
	th.write("U1 Plärrer, 2 Kontis")
	waitUntil(th, "an answer", func() bool {
		return ask[string](th.window, `document.getElementById("report-said").dataset.outcome ?? ""`) == "passed"
	})
	th.audit()
}

func (th *thumb) beside() {
	if !ask[bool](th.window, `document.getElementById("report-here").getBoundingClientRect().left > document.getElementById("reports").getBoundingClientRect().right`) {
		th.Error("the form is not beside the reports")
	}
	th.write("U1 Plärrer, 2 Kontis")
	th.told("passed", "Weitergegeben.")
	th.audit()
}

func (th *thumb) plain() {
	if !ask[bool](th.window, `document.getElementById("report-here").getBoundingClientRect().bottom < document.getElementById("reports-title").getBoundingClientRect().top`) {
		th.Error("the form is not above the reports")
	}
	th.typeInto("#report-text", "U1 Plärrer, 2 Kontis")
	began := time.Now()
	th.press("#report button")
	if took := time.Since(began); took > 2*time.Second { // with the page shown and looked at
		th.Errorf("answered after %s", took)
	}
	th.reads("#said", "Passed on.")
	th.reads("#reports", "U1 Plärrer, 2 Kontis")
	th.typeInto("#report-text", "am Opernhaus")
	th.press("#report button")
	th.reads("#said", "Not passed on")
	th.holds("am Opernhaus")
}

// write types a report and sends it.
func (th *thumb) write(text string) {
	th.Helper()
	th.typeInto("#report-text", text)
	th.do(chromedp.Click(chromedp.CSS("#report button[type=submit]")))
}

// told waits for an answer.
func (th *thumb) told(outcome, text string) {
	th.Helper()
	waitUntil(th, outcome+": "+text, func() bool {
		return ask[bool](th.window, fmt.Sprintf(`document.getElementById("report-said").dataset.outcome === %q`, outcome)) &&
			strings.HasPrefix(th.text("#report-said"), text)
	})
}

// holds fails if something else stands in the field.
func (th *thumb) holds(want string) {
	th.Helper()
	if got := ask[string](th.window, `document.getElementById("report-text").value`); got != want {
		th.Errorf("the field holds %q, want %q", got, want)
	}
}

// forgive drops what the browser complained about: it had no net.
func (th *thumb) forgive() {
	th.mu.Lock()
	defer th.mu.Unlock()
	th.complaints = nil
}
