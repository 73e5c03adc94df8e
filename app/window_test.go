package app

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// startChromium starts a browser without a window for the duration of the test.
// Every person gets a profile of their own in it.
func startChromium(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("no chromium: install Debian's chromium package")
		}
		t.Skip("install Debian's chromium package to run the browser tests")
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(path),
		chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("no-sandbox", true),
		chromedp.Flag("disable-gpu", true),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
	)
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, _ := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Errorf("close chromium: %v", err)
		}
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start chromium: %v", err)
	}
	return ctx
}

// visitor is how somebody looks at the pages.
type visitor struct {
	name          string
	width, height int64
	language      string // as their browser asks for it
	noScript      bool
	notified      bool // in the browser's own profile: in others it shows no notifications
}

// window is a visitor's browser window. After every step it audits the page:
// see audit. A fault of the page is an error of the test, and the steps go on.
type window struct {
	*app
	visitor
	ctx context.Context

	told  map[string]bool // problems that were reported already
	asked atomic.Int32    // how often the browser asked whether to leave

	mu         sync.Mutex
	complaints []string // of the browser, since the last audit
}

func (a *app) open(t *testing.T, chromium context.Context, v visitor) *window {
	t.Helper()
	options := []chromedp.ContextOption{chromedp.WithNewBrowserContext()}
	if v.notified {
		options = nil
	}
	ctx, stop := chromedp.NewContext(chromium, options...)
	t.Cleanup(stop)
	w := &window{app: &app{T: t, server: a.server, url: a.url, smtp: a.smtp}, visitor: v, ctx: ctx, told: map[string]bool{}}
	if err := chromedp.Listen(ctx, w.listen); err != nil {
		t.Fatal(err)
	}
	var mobile []chromedp.EmulateViewportOption
	if v.width < 600 {
		mobile = append(mobile, chromedp.EmulateMobile, chromedp.EmulatePortrait)
	}
	w.do(chromedp.EmulateViewport(v.width, v.height, mobile...))
	call(w, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": v.language}})
	call(w, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: v.noScript})
	return w
}

// listen collects script errors, what the console says, and refusals of the
// content security policy, which are log entries.
func (w *window) listen(event any) {
	switch e := event.(type) {
	case *page.EventJavascriptDialogOpening: // whether to leave what was typed
		w.asked.Add(1)
		go func() { // an event must not wait for an answer
			_, _ = chromedp.Call(w.ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: true})
		}()
	case *runtime.EventExceptionThrown:
		w.complain((&chromedp.ExceptionError{ExceptionDetails: e.ExceptionDetails}).Error())
	case *runtime.EventConsoleAPICalled:
		w.complain(fmt.Sprintf("console.%s", e.Type))
	case *log.EventEntryAdded:
		// A page that answers with 4xx is one; what it says is asserted where
		// it is asked for.
		if e.Entry.Source == log.EntrySourceNetwork && strings.Contains(e.Entry.Text, "the server responded with a status of 4") {
			return
		}
		// With scripts, focus.js does what browsers leave to the fragment.
		if e.Entry.Source == log.EntrySourceRendering && strings.Contains(e.Entry.Text, "Autofocus processing was blocked") {
			return
		}
		w.complain(fmt.Sprintf("%s %s: %s (%s)", e.Entry.Source, e.Entry.Level, e.Entry.Text, e.Entry.URL))
	}
}

func (w *window) complain(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.complaints = append(w.complaints, "the browser complains: "+what)
}

// do runs steps that lead to no other page.
func (w *window) do(steps ...chromedp.Action[chromedp.Void]) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		w.Fatal(err)
	}
}

// goTo opens an address, such as that of a link in a mail.
func (w *window) goTo(address string) {
	w.Helper()
	if strings.HasPrefix(address, "/") {
		address = w.url + address
	}
	w.leave(200, chromedp.Navigate(address))
}

// press clicks something that leads to another page.
func (w *window) press(selector string) {
	w.Helper()
	w.pressFor(200, selector)
}

// pressFor is press for a page that comes with another status.
func (w *window) pressFor(status int64, selector string) {
	w.Helper()
	w.sees(selector)
	w.leave(status, chromedp.Click(chromedp.CSS(selector)))
}

// leave runs the step and waits for the page that it leads to.
func (w *window) leave(status int64, step chromedp.Action[chromedp.Void]) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	resp, err := chromedp.RunResponse(ctx, step)
	if err != nil {
		w.Fatalf("at %s: %v", w.location(), err)
	}
	if resp.Status != status {
		w.Fatalf("%s: status %d, want %d:\n%s", resp.URL, resp.Status, status, w.text("body"))
	}
	w.audit()
}

// typeInto fills a field of a form.
func (w *window) typeInto(selector, text string) {
	w.Helper()
	w.sees(selector)
	w.do(chromedp.Focus(chromedp.CSS(selector)))
	ask[bool](w, fmt.Sprintf("document.querySelector(%q).select() ?? true", selector))
	call(w, input.InsertText, input.InsertTextParams{Text: text})
	if got := ask[string](w, fmt.Sprintf("document.querySelector(%q).value", selector)); got != text {
		w.Fatalf("%s: typed %q, holds %q", selector, text, got)
	}
}

// sees fails if nothing visible matches the selector.
func (w *window) sees(selector string) {
	w.Helper()
	if !ask[bool](w, fmt.Sprintf("document.querySelector(%q)?.checkVisibility() ?? false", selector)) {
		w.Fatalf("%s: no %s to be seen:\n%s", w.location(), selector, w.text("body"))
	}
}

// reads fails if what matches the selector does not say the text.
func (w *window) reads(selector, text string) {
	w.Helper()
	if got := w.text(selector); !strings.Contains(got, text) {
		w.Errorf("%s: %s says %q, want %q", w.location(), selector, got, text)
	}
}

// at fails on any page but that of the path.
func (w *window) at(path string) {
	w.Helper()
	if got := ask[string](w, "location.pathname"); got != path {
		w.Fatalf("at %s, want %s:\n%s", got, path, w.text("body"))
	}
}

// text returns the visible text of everything that matches the selector.
func (w *window) text(selector string) string {
	w.Helper()
	return ask[string](w, fmt.Sprintf("[...document.querySelectorAll(%q)].map(e => e.innerText).join('\\n')", selector))
}

func (w *window) location() string { return ask[string](w, "location.href") }

// audit checks the page as it is. Every problem is reported once.
func (w *window) audit() {
	w.Helper()
	location := w.location()
	for _, problem := range w.problems() {
		if !w.told[problem] {
			w.Errorf("%s: %s", location, problem)
		}
		w.told[problem] = true
	}
}

// problems returns what auditScript finds on the page, and what the browser has
// complained about since the last call.
func (w *window) problems() []string {
	w.Helper()
	found := ask[[]string](w, fmt.Sprintf("(%s)(%q, %d)", auditScript, w.url, w.width))
	w.mu.Lock()
	defer w.mu.Unlock()
	found = append(found, w.complaints...)
	w.complaints = nil
	return found
}

// ask evaluates an expression as the developer tools do, and waits for what it promises.
// That works even if the page's own scripts are switched off.
func ask[T any](w *window, expression string) T {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		w.Fatalf("%s: %v", expression, err)
	}
	return value
}

// call sends a command of the browser's protocol.
func call[P, R any](w *window, command cdp.Command[P, R], params P) {
	w.Helper()
	answer(w, command, params)
}

// answer is what the browser answers to a command.
func answer[P, R any](w *window, command cdp.Command[P, R], params P) R {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	result, err := chromedp.Call(ctx, command, params)
	if err != nil {
		w.Fatalf("%s: %v", command.Method, err)
	}
	return result
}

// auditScript lists what makes a page hard to use: a page wider than the
// window, fields without a label, an unclear outline, and on a phone controls
// too small for a thumb. A thumb hits 40 px reliably; links within a sentence
// may be as high as their line (WCAG 2.2, 2.5.8).
const auditScript = `(ours, width) => {
  const problems = [];
  const root = document.documentElement;
  const name = (e) => e.tagName.toLowerCase() + (e.id ? "#" + e.id : "") + (e.className ? "." + e.className : "") +
    " “" + (e.innerText || e.name || "").trim().slice(0, 40) + "”";
  const all = (selector) => [...document.querySelectorAll(selector)].filter((e) => e.checkVisibility());

  if (root.scrollWidth > width || innerWidth > width) {
    const wide = all("body *").filter((e) => e.getBoundingClientRect().right > width + 1).map(name);
    problems.push("wider than the window (" + Math.max(root.scrollWidth, innerWidth) + " > " + width + "): " + wide.join(", "));
  }
  if (location.origin !== ours) return problems;

  for (const e of all("input:not([type=hidden]), select, textarea")) {
    if (!e.labels.length && !e.getAttribute("aria-label")) problems.push("no label: " + name(e));
  }
  for (const e of all("button, a[href]")) {
    if (!e.innerText.trim() && !e.getAttribute("aria-label")) problems.push("nothing to read on it: " + name(e));
  }
  for (const e of all("[aria-describedby], [aria-labelledby]")) {
    for (const id of ((e.getAttribute("aria-describedby") || "") + " " + (e.getAttribute("aria-labelledby") || "")).split(" ")) {
      if (id && !document.getElementById(id)) problems.push("refers to the missing #" + id + ": " + name(e));
    }
  }
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  for (const id of new Set(ids.filter((id, i) => ids.indexOf(id) !== i))) problems.push("twice on the page: #" + id);
  if (all("h1").length !== 1) problems.push("headings h1: " + all("h1").length);
  let level = 0;
  for (const e of all("h1, h2, h3, h4, h5")) {
    if (+e.tagName[1] > level + 1) problems.push("a level of headings is left out before " + name(e));
    level = +e.tagName[1];
  }
  for (const id of document.body.innerText.match(/![a-z_]+(\.[a-z_]+)+!/g) || []) problems.push("text is missing: " + id);
  if (!root.lang) problems.push("no language");
  if (!document.title) problems.push("no title");

  if (width < 600) {
    const alone = (e) => e.parentElement.innerText.trim() === e.innerText.trim();
    const controls = all("button, .button, select, textarea, input:not([type=hidden]):not([type=radio]):not([type=checkbox]), summary, nav a")
      .concat(all("main a").filter((e) => alone(e) && !e.closest(".prose")), all("input[type=radio], input[type=checkbox]").flatMap((e) => [...e.labels]));
    for (const e of new Set(controls)) {
      const box = e.getBoundingClientRect();
      if (box.height < 40 || box.width < 40) problems.push("too small for a thumb (" + Math.round(box.width) + "×" + Math.round(box.height) + "): " + name(e));
    }
  }
  return problems;
}`
