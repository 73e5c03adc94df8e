package app

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"ticketfrei/internal/slow"
)

// grid is how the pages are looked at.
type grid struct {
	widths    []int64
	languages []string // every page
	riders    []string // those of riders too
	schemes   []string // one after the other: each width of a page in another one
}

// everyPage is the grid of every run; wholeGrid that of AXE_GRID=whole, which takes long.
var (
	everyPage = grid{widths: []int64{390, 1280}, languages: []string{"de", "ar"}, riders: []string{"en", "tr", "uk", "fr"},
		schemes: []string{"light", "dark", "light"}}
	wholeGrid = grid{widths: []int64{320, 360, 390, 480, 600, 768, 896, 1024, 1280}, languages: []string{"de", "en", "ar", "tr", "uk", "fr"},
		schemes: []string{"light", "dark"}}
)

// How many pages are looked at, at most, and how many that differ in the values of their
// query alone.
const (
	maxPages   = 150
	maxQueries = 3
)

// TestAxe goes to every page that links lead to, and sends every form with wrong values:
// nowhere may axe-core find something, nor the browser complain.
func TestAxe(t *testing.T) {
	slow.Test(t, "looks at every page in a real browser")
	t.Parallel()
	source := axeSource(t)
	chromium := startChromium(t)
	t.Run("what is wrong with a page is seen", func(t *testing.T) { axeSees(t, chromium, source) })
	a := startDemo(t)
	g := everyPage
	if os.Getenv("AXE_GRID") == "whole" {
		g = wholeGrid
	}
	public := []string{"/", "/demo", "/register", "/login", "/password", "/register/sent", "/password/sent", "/nowhere", "/city/nowhere", "/city/" + demoSlug}
	for name, look := range map[string]func(*inspector){
		"stranger":                    func(w *inspector) { w.grid.riders = nil; w.all(public) },
		"stranger of other languages": func(w *inspector) { w.grid.languages = nil; w.all(public) },
		"moderator": func(w *inspector) {
			w.below, w.grid.riders = "/settings", nil
			w.logIn()
			w.all([]string{"/settings", "/settings/reports"})
		},
		"operator": func(w *inspector) {
			w.below, w.grid.riders = "/operator", nil
			w.logIn()
			w.find([]string{"/operator", "/operator/bots", "/operator/queue", "/operator/mail", "/operator/server", "/operator/logs"})
			w.forms = nil // they would switch the city off that the others look at
			w.look()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &inspector{window: a.open(t, chromium, visitor{name: name, width: 1280, height: 844, language: "de"}), axe: source, grid: g}
			w.grid.widths = slices.Clone(g.widths)
			look(w)
		})
	}
}

// axeSource is axe-core, from the file that AXE names.
func axeSource(t *testing.T) string {
	t.Helper()
	file := os.Getenv("AXE")
	if file == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("no axe-core: set AXE to the path of its axe.min.js, as .ci/run does")
		}
		t.Skip("run .ci/axe to fetch axe-core, and set AXE to the path that it prints")
	}
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(source)
}

// inspector is a window in which axe looks at pages.
type inspector struct {
	*window
	axe   string
	grid  grid
	below string // where the pages are
	turn  int    // of the schemes
	pages []string
	forms []typedForm
}

// typedForm is a form of a page into which somebody types.
type typedForm struct {
	page   string
	action string
}

func (w *inspector) logIn() {
	w.goTo("/login")
	w.typeInto("#email", demoEmail)
	w.typeInto("#password", demoPassword)
	w.press("#login button")
}

// all looks at every page that can be reached from the first ones.
func (w *inspector) all(start []string) {
	w.find(start)
	w.look()
}

// look looks at the pages and forms that were found.
func (w *inspector) look() {
	w.Logf("%d pages, %d forms", len(w.pages), len(w.forms))
	for _, lang := range w.grid.languages {
		w.speak(lang)
		for _, page := range w.pages {
			w.load(page)
			w.inspect(page + " in " + lang)
		}
	}
	for _, lang := range w.grid.riders { // in one width each, which takes turns
		w.speak(lang)
		for i, page := range w.pages {
			w.load(page)
			w.inspectAt(w.grid.widths[i%len(w.grid.widths)], page+" in "+lang)
		}
		slices.Reverse(w.grid.widths)
	}
	for _, lang := range w.grid.languages {
		w.speak(lang)
		for i, f := range w.forms { // those of the settings come back with all of the settings
			w.mistake(f)
			w.inspectAt(w.grid.widths[i%len(w.grid.widths)], f.action+" with mistakes in "+lang)
		}
		slices.Reverse(w.grid.widths)
	}
}

// changing is what differs in the addresses of pages that look alike.
var (
	changing = regexp.MustCompile(`[0-9]+|[A-Za-z0-9_.~-]{24,}`)
	values   = regexp.MustCompile(`=[^&]*`)
)

// find fills the pages and forms.
func (w *inspector) find(start []string) {
	seen, queries := map[string]bool{}, map[string]int{}
	for open := start; len(open) > 0 && len(w.pages) < maxPages; open = open[1:] {
		shape := changing.ReplaceAllString(open[0], "N")
		alike := values.ReplaceAllString(shape, "=")
		if seen[shape] || queries[alike] == maxQueries {
			continue
		}
		seen[shape] = true
		queries[alike]++
		if !w.load(open[0]) {
			continue
		}
		w.pages = append(w.pages, open[0])
		for _, action := range ask[[]string](w.window, formScript) {
			if shape := changing.ReplaceAllString(action, "N"); !seen["form "+shape] {
				seen["form "+shape] = true
				w.forms = append(w.forms, typedForm{open[0], action})
			}
		}
		for _, link := range ask[[]string](w.window, `[...document.querySelectorAll("a[href]")].filter((a) => a.origin === location.origin).map((a) => a.pathname + a.search)`) {
			if !strings.Contains(link, "lang=") && strings.HasPrefix(link, w.below) {
				open = append(open, link)
			}
		}
	}
}

// formScript lists where the forms lead into which somebody types.
const formScript = `[...document.querySelectorAll("form")].filter((f) => f.method === "post" &&
	f.querySelector("textarea, input:not([type=hidden]):not([type=file]):not([type=radio]):not([type=checkbox]):not([hidden])")).map((f) => f.getAttribute("action"))`

// load opens a page and tells whether it is one.
func (w *inspector) load(path string) bool {
	w.Helper()
	return w.run(chromedp.Navigate(w.url+path)) == "text/html"
}

// run does what leads to a page, and returns of which type that is.
func (w *inspector) run(step chromedp.Action[chromedp.Void]) string {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	resp, err := chromedp.RunResponse(ctx, step)
	if err != nil {
		if strings.Contains(err.Error(), "ERR_ABORTED") { // a file that is saved
			return ""
		}
		w.Fatalf("at %s: %v", w.location(), err)
	}
	if resp.Status >= http.StatusInternalServerError {
		w.Errorf("%s: status %d", resp.URL, resp.Status)
	}
	return resp.MimeType
}

// mistake sends a form with values that are wrong.
func (w *inspector) mistake(f typedForm) {
	w.load(f.page)
	const script = `(action) => {
		const form = [...document.querySelectorAll("form")].find((f) => f.getAttribute("action") === action);
		if (!form) return false;
		form.noValidate = true;
		for (const e of form.querySelectorAll("input:not([type=hidden]):not([type=file]):not([type=radio]):not([type=checkbox]):not([hidden]), textarea")) e.value = "(";
		form.setAttribute("data-wrong", "");
		return true;
	}`
	if !ask[bool](w.window, fmt.Sprintf("(%s)(%q)", script, f.action)) {
		return
	}
	w.run(func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		return chromedp.Evaluate[chromedp.Void](`HTMLFormElement.prototype.submit.call(document.querySelector("[data-wrong]"))`)(ctx, t)
	})
}

func (w *inspector) speak(lang string) {
	w.language = lang
	call(w.window, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": lang}})
}

// inspect looks at the page in every width.
func (w *inspector) inspect(what string) {
	w.Helper()
	for _, width := range w.grid.widths {
		w.inspectAt(width, what)
	}
}

func (w *inspector) inspectAt(width int64, what string) {
	w.Helper()
	scheme := w.grid.schemes[w.turn%len(w.grid.schemes)]
	w.turn++
	w.resize(width, scheme)
	problems := append(w.problems(), w.violations()...)
	if width == 390 {
		problems = append(problems, w.largeText()...)
	}
	for _, problem := range problems {
		if !w.told[problem] {
			w.Errorf("%s, %d px, %s: %s", what, width, scheme, problem)
		}
		w.told[problem] = true
	}
}

func (w *inspector) resize(width int64, scheme string) {
	var mobile []chromedp.EmulateViewportOption
	if width < 600 {
		mobile = append(mobile, chromedp.EmulateMobile, chromedp.EmulatePortrait)
	}
	w.width = width
	w.do(chromedp.EmulateViewport(width, 844, mobile...))
	call(w.window, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}})
}

// violations are what axe finds.
func (w *inspector) violations() []string {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	if !ask[bool](w.window, "window.axe !== undefined") {
		if _, err := chromedp.Run(ctx, chromedp.Evaluate[chromedp.Void](w.axe)); err != nil {
			w.Fatalf("axe: %v", err)
		}
	}
	found, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](`axe.run(document, {resultTypes: ["violations"]}).then((r) =>
		r.violations.flatMap((v) => v.nodes.map((n) => "axe: " + v.id + ": " + n.html.slice(0, 200) + " (" + n.any.concat(n.all, n.none).map((c) => c.message).join("; ") + ")")))`,
		chromedp.EvalAwaitPromise))
	if err != nil {
		w.Fatalf("axe: %v", err)
	}
	return found
}

// largeText tells what does not fit when the text is twice as large.
func (w *inspector) largeText() []string {
	return ask[[]string](w.window, `((width) => {
		const root = document.documentElement;
		root.style.fontSize = "200%";
		const wide = [...document.querySelectorAll("body *")].filter((e) => {
			const box = e.getBoundingClientRect(), reach = getComputedStyle(e).overflowX === "visible" ? e.scrollWidth : 0;
			return e.checkVisibility() && !e.closest(".skip, .settings-nav") && (box.right > width + 1 || box.left < -1 || box.left + reach > width + 1);
		});
		const problems = root.scrollWidth > width || innerWidth > width ? ["text of 200 % is wider than the window (" + root.scrollWidth + "): " +
			wide.slice(-4).map((e) => e.tagName + "#" + e.id + "." + e.className + " " + (e.innerText || "").slice(0, 30)).join(", ")] : [];
		root.style.fontSize = "";
		return problems;
	})(`+strconv.FormatInt(w.width, 10)+")")
}

// axeSees shows a page on which something is wrong that only axe tells.
func axeSees(t *testing.T, chromium context.Context, source string) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, `<!DOCTYPE html><html lang="en"><head><title>Faults</title><meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,"></head><body>
<main><h1>One</h1><p style="color: #ccc; background: #fff">pale</p><img src="data:," width="9" height="9"><p style="white-space: nowrap">so long that it does not fit when it is large</p></main></body></html>`)
	}))
	t.Cleanup(server.Close)
	home, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	w := &inspector{window: (&app{T: t, url: home.String()}).open(t, chromium, visitor{name: "phone", width: 390, height: 844, language: "en"}), axe: source}
	w.load("/")
	w.resize(390, "light")
	found := append(w.violations(), w.largeText()...)
	for _, want := range []string{"axe: color-contrast", "axe: image-alt", "text of 200 %"} {
		if !slices.ContainsFunc(found, func(p string) bool { return strings.HasPrefix(p, want) }) {
			t.Errorf("not told: %s; but %q", want, found)
		}
	}
}
