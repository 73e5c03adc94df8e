package app

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"ticketfrei/bots/all"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/slow"
)

// proxy stands in front of the program, as a web server does.
type proxy struct {
	*httptest.Server

	mu   sync.Mutex
	away bool // it answers with 502, as when there is no program behind it
	open map[net.Conn]bool
}

func startProxy(t *testing.T, behind string) *proxy {
	t.Helper()
	to := &url.URL{Scheme: "http", Host: behind}
	p := &proxy{open: map[net.Conn]bool{}}
	forward := httputil.NewSingleHostReverseProxy(to)
	forward.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }
	p.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		away := p.away
		p.mu.Unlock()
		if away {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		forward.ServeHTTP(w, r)
	}))
	p.Config.ConnState = func(c net.Conn, state http.ConnState) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.open[c] = true
		if state == http.StateClosed || state == http.StateHijacked {
			delete(p.open, c)
		}
	}
	p.Start()
	t.Cleanup(func() { p.cut(); p.Close() })
	return p
}

// cut ends all connections, as a net does that a phone has lost.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.open {
		_ = c.Close()
	}
}

func (p *proxy) goAway(away bool) {
	p.mu.Lock()
	p.away = away
	p.mu.Unlock()
	if away {
		p.cut()
	}
}

// forgiveOutages has the browser's complaints about a proxy that is away be forgotten.
func (w *window) forgiveOutages() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.complaints = nil
}

// shows waits until the open page shows exactly these reports, newest first, each once.
func (w *window) shows(texts ...string) {
	w.Helper()
	want := strings.Join(texts, "\n")
	waitUntil(w, "the reports "+want, func() bool { return w.text("#reports .report-text") == want })
}

// clocks are times as the server writes them, in all languages.
var clocks = regexp.MustCompile(`^offline since ([01][0-9]|2[0-3]):[0-5][0-9] · as of ([01][0-9]|2[0-3]):[0-5][0-9]$`)

// TestOpenPageMissesNothing leaves a page open over an outage, a restart and a sleep.
func TestOpenPageMissesNothing(t *testing.T) {
	slow.Test(t, "waits in a real browser for a page to find its way back")
	t.Parallel()
	chromium := startChromium(t)
	box, definitions := startMailbox(t), all.Networks()
	cfg := appConfig(t, t.TempDir(), box, definitions, unbraked...)
	front := startProxy(t, cfg.Web.Listen)
	cfg.Web.URL = front.URL
	a := runApp(t, cfg, definitions)
	a.addCity("nuernberg", "kontis?", "")
	n := 0
	say := func(text string) {
		t.Helper()
		n++
		a.mustSend("rider@riders.example", "nuernberg@tickets.example", fmt.Sprintf("m%d@riders.example", n), "", text)
	}
	w := a.open(t, chromium, visitor{name: "phone", width: 390, height: 844, language: "en"})
	w.goTo("/city/nuernberg")
	reads := func(id, text string) {
		t.Helper()
		waitUntil(w, text, func() bool { return strings.Contains(w.text(id), text) })
	}
	reads("#state", "live")
	reads("#state", "nothing in the last hour")
	ask[bool](w, "window.stayed = true")
	say("Kontis eins")
	w.shows("Kontis eins")
	reads("#state", "newest just now")
	if got := ask[string](w, `document.getElementById("news").textContent`); got != "Kontis eins" {
		t.Errorf("announced: %q", got)
	}

	front.goAway(true)
	waitUntil(w, "since when", func() bool { return clocks.MatchString(w.text("#state")) })
	say("Kontis zwei")
	front.goAway(false)
	w.shows("Kontis zwei", "Kontis eins")
	reads("#state", "live")

	a.stop()
	a = runApp(t, cfg, definitions)
	say("Kontis drei")
	w.shows("Kontis drei", "Kontis zwei", "Kontis eins")

	call(w, page.SetWebLifecycleState, page.SetWebLifecycleStateParams{State: page.SetWebLifecycleStateStateFrozen})
	front.cut()
	say("Kontis vier")
	a.settled()
	call(w, page.SetWebLifecycleState, page.SetWebLifecycleStateParams{State: page.SetWebLifecycleStateStateActive})
	w.shows("Kontis vier", "Kontis drei", "Kontis zwei", "Kontis eins")
	if got := ask[string](w, `document.getElementById("news").textContent`); got != "Kontis vier" {
		t.Errorf("announced: %q", got)
	}
	if !ask[bool](w, "window.stayed === true") {
		t.Error("the page was loaded again")
	}
	w.forgiveOutages()
	w.audit()
}

// TestTabsLeaveRoom opens six pages of a browser, and then a seventh: over HTTP/1.1 there
// are six connections for all of them.
func TestTabsLeaveRoom(t *testing.T) {
	slow.Test(t, "opens many pages in a real browser")
	t.Parallel()
	a := startApp(t, t.TempDir(), startMailbox(t))
	a.addCity("nuernberg", "kontis?", "")
	first := a.open(t, startChromium(t), visitor{name: "desktop", width: 1280, height: 900, language: "en"})
	tabs := []*window{first}
	for range 6 {
		ctx, stop := chromedp.NewContext(first.ctx)
		t.Cleanup(stop)
		if err := chromedp.Do(ctx); err != nil { // the tab lives as long as what opens it
			t.Fatal(err)
		}
		tabs = append(tabs, &window{app: first.app, visitor: first.visitor, ctx: ctx, told: map[string]bool{}})
	}
	for _, w := range tabs {
		began := time.Now()
		w.goTo("/city/nuernberg")
		if took := time.Since(began); took > 10*time.Second {
			t.Fatalf("a page took %s", took)
		}
	}
	last := tabs[len(tabs)-1]
	waitUntil(last, "live", func() bool { return strings.Contains(last.text("#state"), "live") })
	a.mustSend("rider@riders.example", "nuernberg@tickets.example", "m@riders.example", "", "Kontis")
	last.shows("Kontis")
}

// TestHiddenPageLetsGo hides a page for longer than it keeps its stream.
func TestHiddenPageLetsGo(t *testing.T) {
	slow.Test(t, "hides a page for half a minute")
	t.Parallel()
	a := startApp(t, t.TempDir(), startMailbox(t))
	a.addCity("nuernberg", "kontis?", "")
	w := a.open(t, startChromium(t), visitor{name: "phone", width: 390, height: 844, language: "en"})
	w.goTo("/city/nuernberg")
	live := func() bool { return strings.Contains(w.text("#state"), "live") }
	waitUntil(w, "live", live)
	hide := func(hidden bool) {
		ask[bool](w, fmt.Sprintf(`Object.defineProperty(document, "hidden", {configurable: true, value: %v});
			document.dispatchEvent(new Event("visibilitychange"))`, hidden))
	}
	hide(true)
	deadline := time.Now().Add(45 * time.Second)
	for live() && time.Now().Before(deadline) {
		time.Sleep(200 * time.Millisecond)
	}
	if live() {
		t.Fatal("a page that nobody sees holds its stream")
	}
	a.mustSend("rider@riders.example", "nuernberg@tickets.example", "m@riders.example", "", "Kontis")
	a.settled()
	if w.text("#reports .report-text") != "" {
		t.Error("it was told all the same")
	}
	hide(false)
	w.shows("Kontis")
	waitUntil(w, "live", live)
}

// TestTimeGoesByOnAnOpenPage moves the browser's clock.
func TestTimeGoesByOnAnOpenPage(t *testing.T) {
	slow.Test(t, "looks at a page in a real browser")
	a := startApp(t, t.TempDir(), startMailbox(t))
	a.addCity("nuernberg", "kontis?", "")
	w := a.open(t, startChromium(t), visitor{name: "phone", width: 390, height: 844, language: "de"})
	w.goTo("/city/nuernberg")
	a.mustSend("rider@riders.example", "nuernberg@tickets.example", "m@riders.example", "", "2 Kontis am Plärrer")
	w.shows("2 Kontis am Plärrer")
	after := func(minutes int) {
		ask[bool](w, fmt.Sprintf(`(window.clock ||= Date.now, Date.now = () => clock() + %d * 60e3, document.dispatchEvent(new Event("visibilitychange")))`, minutes))
	}
	for _, tt := range []struct {
		minutes            int
		age, state, within string
		faded              bool
	}{
		{5, "5 Min.", "neueste vor 5 Min.", "recent", false},
		{31, "31 Min.", "neueste vor 31 Min.", "recent", true},
		{61, "1 Std.", "nichts in der letzten Stunde", "older-list", true},
		{185, "3 Std.", "nichts in der letzten Stunde", "older-list", true},
	} {
		after(tt.minutes)
		type seen struct {
			Age, Within string
			Faded       bool
		}
		got := ask[seen](w, `(() => { const i = document.querySelector(".report");
			return {Age: i.querySelector("time").textContent, Within: i.parentElement.id, Faded: i.classList.contains("faded")} })()`)
		if want := (seen{tt.age, tt.within, tt.faded}); got != want {
			t.Errorf("after %d minutes: %+v, want %+v", tt.minutes, got, want)
		}
		w.reads("#state", tt.state)
	}
	w.reads("#older summary", "1")
	w.audit()
}

// TestFilterIsKeptOnThePhone chooses a line, and comes back.
func TestFilterIsKeptOnThePhone(t *testing.T) {
	slow.Test(t, "looks at a page in a real browser")
	a := startApp(t, t.TempDir(), startMailbox(t))
	c := a.addCity("nuernberg", "kontis?", "")
	dbtest.MustSavePlaces(t, a.server.db, c.ID, "U1 #0065ae: Plärrer, Fürth\nU2 #ffd400: Rathenauplatz, Flughafen")
	a.server.notices.Changed(c.ID)
	dbtest.MustSaveTexts(t, a.server.db, c.ID, "Nürnberg", "ar", "**@nuernberg@social.example**")
	say := func(id, text string) {
		t.Helper()
		a.mustSend("rider@riders.example", "nuernberg@tickets.example", id+"@riders.example", "", text)
	}
	say("one", "2 Kontis U1 Plärrer")
	say("two", "2 Kontis U2 Flughafen")
	w := a.open(t, startChromium(t), visitor{name: "phone", width: 390, height: 844, language: "en"})
	w.goTo("/city/nuernberg")
	w.shows("2 Kontis U2 Flughafen", "2 Kontis U1 Plärrer")
	w.do(chromedp.Click(chromedp.CSS(`#lines a[data-line="U1"]`)))
	visible := func() string {
		return ask[string](w, `[...document.querySelectorAll(".report")].filter(e => e.checkVisibility()).map(e => e.querySelector(".report-text").textContent).join("|")`)
	}
	waitUntil(w, "one line", func() bool { return visible() == "2 Kontis U1 Plärrer" })
	say("three", "3 Kontis U2 Rathenauplatz")
	say("four", "4 Kontis U1 Fürth")
	waitUntil(w, "the next report on it", func() bool { return visible() == "4 Kontis U1 Fürth|2 Kontis U1 Plärrer" })
	w.reads(`#lines a[data-line="U2"] .count`, "2")
	if !strings.Contains(w.location(), "line=U1") {
		t.Errorf("at %s", w.location())
	}
	w.goTo("/city/nuernberg")
	waitUntil(w, "the same line", func() bool { return visible() == "4 Kontis U1 Fürth|2 Kontis U1 Plärrer" })
	w.do(chromedp.Click(chromedp.CSS(`#lines a[data-line=""]`)))
	waitUntil(w, "all lines", func() bool { return strings.Count(visible(), "|") == 3 })
	w.goTo("/city/nuernberg?line=U2")
	if under := ask[float64](w, `(() => { document.documentElement.dir = "rtl";
		const r = document.createRange(), words = document.querySelector(".report:not([hidden]) .report-text:not(.only-heard)"); r.selectNodeContents(words);
		const gap = words.getBoundingClientRect().right - r.getBoundingClientRect().right; document.documentElement.dir = "ltr"; return gap })()`); under > 1 {
		t.Errorf("from right to left, the words stand %.0f pixels away from their line", under)
	}
	if !ask[bool](w, `(() => { document.documentElement.dir = document.getElementById("text").dir = "rtl";
		const letters = document.querySelector("#text strong").firstChild, at = (i) => { const r = document.createRange(); r.setStart(letters, i); r.setEnd(letters, i + 1); return r.getBoundingClientRect().left };
		const right = at(0) < at(1); document.documentElement.dir = "ltr"; return right })()`) {
		t.Error("from right to left, an address ends with its @")
	}
	waitUntil(w, "the line of a link", func() bool { return visible() == "3 Kontis U2 Rathenauplatz|2 Kontis U2 Flughafen" })
	w.audit()
}

// TestFirstVisitIsLight counts what a first visit loads.
func TestFirstVisitIsLight(t *testing.T) {
	slow.Test(t, "looks at a page in a real browser")
	definitions := all.Networks()
	a := runApp(t, appConfig(t, t.TempDir(), startMailbox(t), definitions, unbraked...), definitions)
	c := a.addCity("nuernberg", "kontis?", "")
	dbtest.MustSavePlaces(t, a.server.db, c.ID, demoPlaces)
	a.server.notices.Changed(c.ID)
	for i := range 20 {
		a.mustSend(fmt.Sprintf("r%d@riders.example", i), "nuernberg@tickets.example", fmt.Sprintf("m%d@riders.example", i), "",
			fmt.Sprintf("U%d Plärrer, %d Kontis mit blauen Jacken Richtung Fürth", i%4, i))
	}
	a.settled()
	w := a.open(t, startChromium(t), visitor{name: "phone", width: 390, height: 844, language: "de"})
	var mu sync.Mutex
	var bytes float64
	loaded := map[network.RequestID]string{}
	if err := chromedp.Listen(w.ctx, func(event any) {
		mu.Lock()
		defer mu.Unlock()
		switch e := event.(type) {
		case *network.EventRequestWillBeSent:
			loaded[e.RequestID] = e.Request.URL
		case *network.EventLoadingFinished:
			bytes += e.EncodedDataLength
		}
	}); err != nil {
		t.Fatal(err)
	}
	call(w, network.Enable, network.EnableParams{})
	call(w, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: false})
	w.goTo("/city/nuernberg")
	waitUntil(w, "live", func() bool { return strings.Contains(w.text("#state"), "live") })
	mu.Lock()
	if bytes > 30_000 || bytes < 3000 {
		t.Errorf("%.0f bytes for %v", bytes, loaded)
	}
	before := map[string]bool{} // the service worker asks for the same once more, when all is there
	for _, address := range loaded {
		if !strings.HasSuffix(address, ".js") && !strings.Contains(address, "/live") {
			before[address] = true
		}
	}
	if len(before) > 4 {
		t.Errorf("%d requests before it can be read: %v", len(before), loaded)
	}
	t.Logf("%.0f bytes, %d requests, %d before it can be read", bytes, len(loaded), len(before))
	mu.Unlock()
	const shift = `new Promise((done) => new PerformanceObserver((list) => done(list.getEntries().reduce((all, e) => all + e.value, 0))).observe({type: "layout-shift", buffered: true}) || setTimeout(() => done(0), 300))`
	if moved := ask[float64](w, shift); moved > 0.02 { // the suggestions come above the field, which stays where it is
		t.Errorf("what is shown moves by %.3f", moved)
	}
	if gap := ask[float64](w, `document.getElementById("lines").getBoundingClientRect().top - document.querySelector("header").getBoundingClientRect().bottom`); gap > 20 {
		t.Errorf("%.0f pixels of nothing stand above the reports", gap)
	}
}

// TestOverviewSaysThatItIsStale leaves the overview of a moderator open over an outage: it says
// so, and is live again by itself.
func TestOverviewSaysThatItIsStale(t *testing.T) {
	slow.Test(t, "waits in a real browser for a page to find its way back")
	t.Parallel()
	chromium := startChromium(t)
	box, definitions := startMailbox(t), all.Networks()
	cfg := appConfig(t, t.TempDir(), box, definitions, unbraked...)
	front := startProxy(t, cfg.Web.Listen)
	cfg.Web.URL = front.URL
	a := runApp(t, cfg, definitions)
	a.addCity("nuernberg", "kontis?", "")
	w := a.open(t, chromium, visitor{name: "phone", width: 390, height: 844, language: "en"})
	w.goTo("/settings")
	w.typeInto("#email", "moderator@nuernberg.example")
	w.typeInto("#password", password)
	w.press("#login button")
	w.at("/settings")
	report := func(id string) { a.mustSend("rider@riders.example", "nuernberg@tickets.example", id, "", "kontis "+id) }
	says := func(text string) {
		t.Helper()
		waitUntil(t, "the picture says "+text, func() bool { return strings.Contains(w.text("#picture"), text) })
	}
	report("one@x")
	says("1 report passed on")
	front.goAway(true)
	waitUntil(t, "the overview says that it is stale", func() bool { return strings.Contains(w.text("#stale"), "As of ") })
	report("two@x")
	front.goAway(false)
	says("2 reports passed on")
	waitUntil(t, "the overview does not say so any more", func() bool { return w.text("#stale") == "" })
	w.forgiveOutages()
}
