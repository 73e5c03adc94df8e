package app

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// lookAtDemo runs the demo, reads the mail that carried its report, and writes
// another report on Mastodon's stand-in.
func lookAtDemo(t *testing.T, chromium context.Context) {
	a := startDemo(t)
	w := a.open(t, chromium, visitor{name: "phone", width: 390, height: 844, language: "de"})
	w.goTo("/demo")
	w.sees(`#demo a[href="/demo/mastodon"]`)
	w.press(`#demo a[href="/demo/mail"]`)
	w.press("#mails li a")
	w.reads("#mail", demoText)

	w.goTo("/demo/mastodon")
	w.reads("main", demoText)
	w.typeInto("#demo-text", "U2 Rathenauplatz, 3 Kontis")
	w.press(`form[action="/demo/mastodon"] button`)
	w.goTo("/city/" + demoSlug)
	waitUntil(w, "the report on the page", func() bool { return strings.Contains(w.text("#reports"), "Rathenauplatz") })
	w.sees(".banner")
}

// startDemo runs the demo as the command does, until the test ends.
func startDemo(t *testing.T) *app {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	out, in := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		code := runCommand(ctx, t, in, t.Output(), "demo")
		in.Close()
		ended <- code
	}()
	t.Cleanup(func() {
		cancel()
		if code := <-ended; code != 0 {
			t.Errorf("demo: exit code %d", code)
		}
	})
	a := &app{T: t}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if line, ok := strings.CutPrefix(lines.Text(), "  Start page"); ok {
			a.url = strings.TrimSuffix(strings.TrimSpace(line), "/")
		}
		if strings.HasPrefix(lines.Text(), "Press Ctrl+C") {
			break
		}
	}
	go io.Copy(io.Discard, out) // ends with in.Close
	if a.url == "" {
		t.Fatal("the demo did not print its start page")
	}
	return a
}

// faultyPage has one of every fault that the audit looks for.
const faultyPage = `<!DOCTYPE html><html lang="en"><head><title>Faults</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,"></head><body>
<h1>One</h1><h1>Two</h1><h3>Deep</h3><p style="width: 700px">!mail.title!</p>
<form><input name="nameless"><input id="twice" aria-label="a" aria-describedby="gone"><input id="twice" aria-label="b"></form>
<main><p><a href="/">Home</a></p><a href="/"></a></main>
<script src="/script.js"></script><script>document.title = "inline"</script>
</body></html>`

// lookAtFaults shows a page full of faults. The audit must name each of them.
func lookAtFaults(t *testing.T, chromium context.Context) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/script.js" {
			w.Header().Set("Content-Type", "text/javascript")
			io.WriteString(w, `console.error("oh"); throw new Error("thrown")`)
			return
		}
		w.Header().Set("Content-Security-Policy", "script-src 'self'")
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, faultyPage)
	}))
	t.Cleanup(server.Close)
	faults := []string{"wider than the window", "no label", "nothing to read", "missing #gone", "twice on the page: #twice",
		"headings h1: 2", "left out before h3", "text is missing: !mail.title!", "too small for a thumb"}
	ofScripts := []string{"console.error", "thrown", "Content Security Policy"}
	for _, noScript := range []bool{false, true} {
		w := (&app{T: t, url: server.URL}).open(t, chromium, visitor{name: "phone", width: 390, height: 844, language: "en", noScript: noScript})
		w.do(chromedp.Navigate(server.URL))
		problems := w.problems()
		tells := func(fault string) bool {
			return slices.ContainsFunc(problems, func(p string) bool { return strings.Contains(p, fault) })
		}
		for _, fault := range faults {
			if !tells(fault) {
				t.Errorf("not told: %s; but %q", fault, problems)
			}
		}
		for _, fault := range ofScripts {
			if tells(fault) == noScript {
				t.Errorf("scripts off: %v, told: %v, %s; %q", noScript, !noScript, fault, problems)
			}
		}
	}
}
