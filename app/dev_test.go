package app

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"io/fs"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"ticketfrei/bots/all"
	"ticketfrei/internal/slow"
)

// devSite is the demo as a developer runs it, in a copy of the source.
type devSite struct {
	*browser
	dir string
}

// startDev runs "demo --dev" until the test ends, in a copy of the source that
// before may change.
func startDev(t *testing.T, before func(devSite)) devSite {
	t.Helper()
	d := devSite{&browser{app: &app{T: t}}, t.TempDir()}
	copySource(t, d.dir)
	before(d)
	d.start("demo", "--dev")
	return d
}

// start runs a command that serves, in the directory of the site, until the test ends.
func (d devSite) start(args ...string) {
	t := d.T
	defaults := builtIn(t)
	t.Chdir(d.dir)
	ctx, cancel := context.WithCancel(t.Context())
	out, says := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- run(&console{ctx: ctx, stdout: says, stderr: t.Output(), defaults: defaults}, args)
		says.Close()
	}()
	t.Cleanup(func() {
		cancel()
		if code := <-ended; code != exitOK {
			t.Errorf("exit code %d", code)
		}
	})
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if address, ok := strings.CutPrefix(lines.Text(), "  Start page"); ok {
			d.url = strings.TrimSuffix(strings.TrimSpace(address), "/")
		}
		if strings.Contains(lines.Text(), "Press Ctrl+C") {
			break
		}
	}
	go io.Copy(io.Discard, out)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	d.client = &http.Client{Jar: jar, Timeout: patience}
}

// change replaces a text in a file of the source.
func (d devSite) change(file, before, after string) {
	d.Helper()
	path := filepath.Join(d.dir, file)
	data, err := os.ReadFile(path)
	if err != nil || !bytes.Contains(data, []byte(before)) {
		d.Fatalf("%s holds no %q: %v", file, before, err)
	}
	if err := os.WriteFile(path, bytes.Replace(data, []byte(before), []byte(after), 1), 0o600); err != nil {
		d.Fatal(err)
	}
}

// says fails if the page does not hold all of the texts.
func (d devSite) says(path string, status int, texts ...string) {
	d.Helper()
	page := d.get(path, status)
	for _, text := range texts {
		if !strings.Contains(page, text) {
			d.Errorf("%s does not say %q:\n%.2000s", path, text, page)
		}
	}
}

var stylesheet = regexp.MustCompile(`/static/[0-9a-z]+/style\.css`)

// TestDevelopersSeeTheirChanges changes the source under the running demo.
func TestDevelopersSeeTheirChanges(t *testing.T) {
	slow.Test(t, "builds the pages again after each change")
	const city = "/city/" + demoSlug
	d := startDev(t, func(d devSite) { d.change("templates/home.tmpl", `{{define "content"}}`, `{{define "content"}}{{if}}`) })
	d.says("/", http.StatusInternalServerError, "home.tmpl:2", "missing value for if")
	d.change("templates/home.tmpl", "{{if}}", `<p id="fresh">As new</p>`)
	d.says("/", http.StatusOK, `<p id="fresh">As new</p>`)

	before := stylesheet.FindString(d.get(city, http.StatusOK))
	d.change("templates/static/style.css", "", "/* of today */\n")
	after := stylesheet.FindString(d.get(city, http.StatusOK))
	if before == "" || before == after {
		t.Errorf("the address of the changed stylesheet was %q and is %q", before, after)
	}
	d.says(after, http.StatusOK, "/* of today */")

	d.change("templates/riders.en.toml", "[home]\n", "[home]\nfresh = \"A fresh text\"\n")
	d.says("/", http.StatusInternalServerError, "home.fresh", "is in riders.en.toml but not in riders.uk.toml")
	for _, language := range []string{"de", "tr", "ar", "uk", "fr"} {
		d.change("templates/riders."+language+".toml", "[home]\n", "[home]\nfresh = \"A text in "+language+"\"\n")
	}
	d.change("templates/home.tmpl", "As new", `{{.T "home.fresh"}}`)
	d.says("/", http.StatusOK, "A fresh text")
	d.change("templates/riders.ar.toml", "[home]\n", "[home]\n=\n")
	d.says("/", http.StatusInternalServerError, "templates/riders.ar.toml", "line ")
	d.change("templates/riders.ar.toml", "[home]\n=\n", "[home]\n")

	d.change("templates/home.tmpl", `{{.T "home.fresh"}}`, `{{.T "home.fresh"}}{{.Nowhere}}`)
	d.says("/", http.StatusInternalServerError, "home.tmpl:2", "Nowhere")
	d.change("templates/home.tmpl", "{{.Nowhere}}", "")
	d.says("/", http.StatusOK, "A fresh text")
}

// TestDevelopersOfANetworkSeeTheirChanges changes a network's part of the
// settings page.
func TestDevelopersOfANetworkSeeTheirChanges(t *testing.T) {
	slow.Test(t, "builds the pages again after each change")
	d := startDev(t, func(devSite) {})
	d.post("/login", url.Values{"email": {demoEmail}, "password": {demoPassword}}, http.StatusOK)
	d.change("bots/mail/settings.tmpl", "", `<p>A fresh card</p>`)
	d.says("/settings/networks", http.StatusOK, "<p>A fresh card</p>")
	d.change("bots/mail/settings.tmpl", "A fresh card", "A fresh card{{.Nowhere}}")
	d.says("/settings/networks", http.StatusOK, "settings.tmpl:1", "Nowhere")
	d.change("bots/mail/settings.tmpl", "{{.Nowhere}}", "{{if}}")
	d.says("/settings/networks", http.StatusInternalServerError, "network mail", "settings.tmpl:1")
}

func TestDevWantsTheSource(t *testing.T) {
	defaults := builtIn(t)
	t.Chdir(t.TempDir())
	for _, command := range []string{"serve", "demo"} {
		var out bytes.Buffer
		code := run(&console{ctx: t.Context(), stdout: &out, stderr: &out, defaults: defaults}, []string{command, "--dev"})
		if code != exitUsage || !strings.Contains(out.String(), "the root of Ticketfrei's source") {
			t.Errorf("%s: exit code %d: %s", command, code, out.String())
		}
	}
}

// TestTextsOfTheSource finds a source of texts that --dev does not know.
func TestTextsOfTheSource(t *testing.T) {
	definitions := all.Networks()
	built, tree := textSources("", definitions), textSources("..", sourceTree("..").networks(definitions))
	if len(built) != len(tree) {
		t.Fatalf("%d sources are built in, %d are read from the source tree", len(built), len(tree))
	}
	for i := range built {
		files, err := fs.Glob(tree[i], "*.toml")
		if err != nil || len(files) == 0 {
			t.Fatalf("source %d of the tree is %v: %v", i, tree[i], err)
		}
		for _, file := range files {
			want, err := fs.ReadFile(tree[i], file)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := fs.ReadFile(built[i], file); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s of %v is not built in: %v", file, tree[i], err)
			}
		}
	}
}
