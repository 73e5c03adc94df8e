package app

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ticketfrei/bots/all"
	"ticketfrei/internal/slow"
)

// write writes a file of the site.
func (d devSite) write(file, text string) {
	d.Helper()
	path := filepath.Join(d.dir, file)
	err := os.MkdirAll(filepath.Dir(path), 0o700)
	if err == nil {
		err = os.WriteFile(path+"~", []byte(text), 0o600) // as editors do
	}
	if err == nil {
		err = os.Rename(path+"~", path)
	}
	if err != nil {
		d.Fatal(err)
	}
}

// versions are what a browser is told of.
func (d devSite) versions() <-chan string {
	d.Helper()
	ctx, stop := context.WithCancel(d.Context())
	d.Cleanup(stop)
	told := make(chan string, 100)
	go func() {
		for ctx.Err() == nil {
			if req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.url+"/dev/reload", nil); err == nil {
				readVersions(req, told)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	return told
}

func readVersions(req *http.Request, told chan<- string) {
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return
	}
	defer resp.Body.Close()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if version, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			told <- version
		}
	}
}

// newHome makes a home with the command.
func newHome(t *testing.T) devSite {
	t.Helper()
	d := devSite{&browser{app: &app{T: t}}, filepath.Join(t.TempDir(), "gotham")}
	var out bytes.Buffer
	if code := run(&console{ctx: t.Context(), stdout: &out, stderr: &out}, []string{"new", "home", d.dir}); code != exitOK {
		t.Fatal(out.String())
	}
	if !strings.Contains(out.String(), "ticketfrei dev") {
		t.Errorf("the next command is not said: %s", &out)
	}
	return d
}

// TestNewHome makes a home whose settings can be used, and none where there is something.
func TestNewHome(t *testing.T) {
	d := newHome(t)
	var out bytes.Buffer
	if code := run(&console{ctx: t.Context(), stdout: &out, stderr: &out}, []string{"new", "home", d.dir}); code == exitOK || !strings.Contains(out.String(), "is not empty") {
		t.Errorf("exit code %d: %s", code, &out)
	}
	for _, file := range []string{"config.toml", "compose.yaml", "programs/README.md", "templates/README.md"} {
		if _, err := os.Stat(filepath.Join(d.dir, file)); err != nil {
			t.Error(err)
		}
	}
	beside := t.TempDir()
	if code := run(&console{ctx: t.Context(), stdout: &out, stderr: &out}, []string{"new", "home", filepath.Join(beside, "our home")}); code != exitOK || !strings.Contains(out.String(), "our home' && ticketfrei dev") {
		t.Errorf("the next command cannot be typed: %s", &out)
	}
	file := filepath.Join(d.dir, homeConfig)
	if code := run(&console{ctx: t.Context(), stdout: &out, stderr: &out}, []string{"new", "home", file}); code == exitOK || !strings.Contains(out.String(), homeConfig+" is a file") {
		t.Errorf("exit code %d: %s", code, &out)
	}
	defaults := builtIn(t)
	t.Chdir(d.dir)
	out.Reset()
	code := run(&console{ctx: t.Context(), stdout: &out, stderr: &out, defaults: defaults}, []string{"check-config", "--config", "config.toml"})
	if code != exitOK || !strings.Contains(out.String(), `templates = "templates"`) {
		t.Errorf("exit code %d: %s", code, &out)
	}
}

// TestDevFollowsAHome serves a home: what changes in it is in the browser within a second,
// what is broken is shown there while the page stays as it was, and a program or a setting
// that changes has another server go on with the same data.
func TestDevFollowsAHome(t *testing.T) {
	slow.Test(t, "waits until changes of files have settled")
	d := newHome(t)
	d.start("dev")
	told := d.versions()
	version := <-told
	next := func(change string) {
		t.Helper()
		began := time.Now()
		select {
		case now := <-told:
			if now == version {
				next := <-told
				now = next
			}
			version = now
		case <-time.After(patience):
			t.Fatalf("%s: no browser was told", change)
		}
		t.Logf("%s: told after %s", change, time.Since(began).Round(time.Millisecond))
		if !strings.Contains(d.page("/"), `data-version="`+version+`"`) {
			t.Errorf("%s: the page is of another version", change)
		}
	}
	d.write("templates/riders.en.toml", "[layout]\nbrand = \"Gotham\"\n")
	next("a text")
	d.says("/", http.StatusOK, "· Gotham</title>")
	d.write("templates/home.tmpl", "{{define \"content\"}}\n<p>{{if}}</p>{{end}}")
	next("a broken template")
	d.says("/", http.StatusOK, "· Gotham</title>", "dev-trouble", "home.tmpl:2: missing value for if")
	d.write("templates/hme.tmpl", "")
	next("a file of another name")
	d.says("/", http.StatusOK, "hme.tmpl: the program has no such file; did you mean home.tmpl?")
	d.remove("templates/hme.tmpl")
	next("a file that is removed")
	d.write("templates/home.tmpl", "{{define \"content\"}}<p>The home of Gotham</p>{{end}}")
	next("a template")
	if page := d.page("/"); !strings.Contains(page, "The home of Gotham") || strings.Contains(page, "dev-trouble") {
		t.Errorf("the page is:\n%s", page)
	}
	d.write("templates/static/style.css", "/* of Gotham */\n")
	next("a style")
	d.says(stylesheet.FindString(d.page("/")), http.StatusOK, "/* of Gotham */")

	d.write("config.toml", "[web]\ntemplates = \"templates\"\nnonsense = 1\n")
	next("a broken setting")
	d.says("/", http.StatusOK, "The home of Gotham", "nonsense")
	d.post("/login", map[string][]string{"email": {demoEmail}, "password": {demoPassword}}, http.StatusOK)
	d.write("config.toml", "[web]\ntemplates = \"\"\n")
	next("a setting")
	if page := d.page("/settings"); strings.Contains(page, "The home of Gotham") || !strings.Contains(page, "Settings") {
		t.Errorf("after another server has begun: %s", page)
	}
}

// toyProgram says a word in its log when it begins.
const toyProgram = `while read -r line; do
case $line in
*'"type":"begin"'*) echo '{"type":"ready","protocol":1}'; echo 'I! this is ONE' >&2 ;;
*'"type":"ping"'*) echo '{"type":"pong"}' ;;
*'"type":"end"'*) exit 0 ;;
esac
done
`

// TestDevFollowsPrograms begins an outside program while dev serves, and changes it: the
// page has its card, the program is started again, and of a manifest that is broken
// the page says what, while the program goes on.
func TestDevFollowsPrograms(t *testing.T) {
	slow.Test(t, "waits until programs have started")
	d := newHome(t)
	d.start("dev")
	d.write("programs/toy/toy.sh", toyProgram)
	manifest := "name = \"Toy of Gotham\"\ncommand = [\"sh\", \"toy.sh\"]\ncan = [\"send\"]\n"
	d.write("programs/toy/program.toml", manifest)
	waitUntil(t, "the program", func() bool {
		login, err := d.client.PostForm(d.url+"/login", map[string][]string{"email": {demoEmail}, "password": {demoPassword}})
		if err == nil {
			login.Body.Close()
		}
		return strings.Contains(d.page("/settings/networks"), "Toy of Gotham")
	})
	d.post("/settings/toy/connect", nil, http.StatusOK)
	logs := func(want string) {
		t.Helper()
		waitUntil(t, want, func() bool { return strings.Contains(d.page("/settings/networks"), "this is "+want) })
	}
	logs("ONE")
	d.write("programs/toy/toy.sh", strings.Replace(toyProgram, "ONE", "TWO", 1))
	logs("TWO")
	d.write("programs/toy/program.toml", manifest+"nonsense = 1\n")
	waitUntil(t, "what is broken", func() bool { return strings.Contains(d.page("/"), "program.toml:4: nonsense: there is no such key") })
	if page := d.page("/settings/networks"); !strings.Contains(page, "Toy of Gotham") || !strings.Contains(page, "dev-trouble") {
		t.Errorf("the page is:\n%s", page)
	}
	d.write("programs/toy/toy.sh", strings.Replace(toyProgram, "ONE", "THREE", 1))
	logs("THREE")
	d.says("/", http.StatusOK, "program.toml:4: nonsense", "dev-trouble") // another change mends nothing
	d.write("programs/toy/program.toml", manifest)
	waitUntil(t, "nothing is broken", func() bool { return !strings.Contains(d.page("/"), "dev-trouble") })
}

// page reads a page whatever its status, also while a server begins.
func (d devSite) page(path string) (body string) {
	d.Helper()
	waitUntil(d, path, func() bool {
		resp, err := d.client.Get(d.url + path)
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		var read bytes.Buffer
		_, err = read.ReadFrom(resp.Body)
		body = read.String()
		return err == nil
	})
	return body
}

func (d devSite) remove(file string) {
	d.Helper()
	if err := os.Remove(filepath.Join(d.dir, file)); err != nil {
		d.Fatal(err)
	}
}

// brokenSite is a copy of the source whose texts are broken, with dev in it.
func brokenSite(t *testing.T) devSite {
	t.Helper()
	d := devSite{&browser{app: &app{T: t}}, t.TempDir()}
	copySource(t, d.dir)
	if err := os.RemoveAll(filepath.Join(d.dir, "programs")); err != nil { // the copies may not be executed
		t.Fatal(err)
	}
	d.write("templates/riders.de.toml", "[home]\n=\n")
	defaults := builtIn(t)
	t.Chdir(d.dir)
	ctx, cancel := context.WithCancel(t.Context())
	says, said := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- run(&console{ctx: ctx, stdout: t.Output(), stderr: said, defaults: defaults}, []string{"dev"})
		said.Close()
	}()
	t.Cleanup(func() {
		cancel()
		if code := <-ended; code != exitOK {
			t.Errorf("exit code %d", code)
		}
	})
	lines, late := bufio.NewScanner(says), time.AfterFunc(patience, cancel)
	defer late.Stop()
	for d.url == "" && lines.Scan() {
		if _, at, ok := strings.Cut(lines.Text(), "It is shown at "); ok {
			d.url = strings.TrimSuffix(at, " too.")
		}
	}
	go io.Copy(io.Discard, says)
	d.client = &http.Client{Timeout: patience}
	return d
}

// goesOn is a program that answers where it is told to listen, until its input ends.
const goesOn = `package main

import ("io"; "net/http"; "os")

func main() {
	go http.ListenAndServe(os.Args[5], http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "mended") }))
	io.Copy(io.Discard, os.Stdin)
}
`

// TestDevBuildsWhatIsBroken has the start itself be broken, by a text, by an error of the
// compiler and by a panic: each is shown with file and line, and as soon as the source
// is mended, what is built from it serves.
func TestDevBuildsWhatIsBroken(t *testing.T) {
	slow.Test(t, "builds programs")
	d := brokenSite(t)
	shows := func(what string, texts ...string) {
		t.Helper()
		page := ""
		defer func() {
			if t.Failed() {
				t.Logf("the page is:\n%s", page)
			}
		}()
		waitUntil(t, what, func() bool {
			page = d.page("/")
			return !slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(page, text) })
		})
	}
	shows("the broken text", "riders.de.toml", "line 2")
	d.write("main.go", "package main\n\nfunc main() { x }\n")
	shows("the compiler's error", "./main.go:3:15: undefined: x", "riders.de.toml")
	d.write("main.go", "package main\n\nfunc main() {\n\tpanic(\"oh no\")\n}\n")
	shows("the panic", "panic: oh no", "main.go:4")
	d.write("main.go", "package main\n\nfunc main() { y }\n")
	shows("both", "panic: oh no", "./main.go:3:15: undefined: y")
	d.write("main.go", goesOn)
	shows("the program that goes on", "mended")
}

// TestDevInBrowser changes a home while a page of it is open in a browser.
func TestDevInBrowser(t *testing.T) {
	slow.Test(t, "looks at changes in a real browser")
	chromium := startChromium(t)
	d := newHome(t)
	d.start("dev")
	w := d.open(t, chromium, visitor{name: "dev", width: 1280, height: 800, language: "en"})
	w.goTo("/")
	began := time.Now()
	d.write("templates/home.tmpl", "{{define \"content\"}}<p id=\"fresh\">Fresh</p>{{end}}")
	waitUntil(w, "the change in the browser", func() bool { return ask[bool](w, `document.querySelector("#fresh") !== null`) })
	t.Logf("in the browser after %s", time.Since(began).Round(time.Millisecond))
	d.write("templates/home.tmpl", "{{define \"content\"}}{{if}}{{end}}")
	waitUntil(w, "what is broken in the browser", func() bool { return ask[bool](w, `document.querySelector(".dev-trouble") !== null`) })
	w.reads(".dev-trouble", "home.tmpl:1")
	w.sees("#fresh")
}

// TestDevWantsAPlace runs dev where there is neither the source nor a home.
func TestDevWantsAPlace(t *testing.T) {
	t.Chdir(t.TempDir())
	var out bytes.Buffer
	if code := run(&console{ctx: t.Context(), stdout: &out, stderr: &out}, []string{"dev"}); code != exitUsage || !strings.Contains(out.String(), "ticketfrei new home DIR makes one") {
		t.Errorf("exit code %d: %s", code, &out)
	}
}

// TestOwnTemplates has an operator's files take the place of those built in, and everything
// that is wrong with them end check-config at once, with file and line.
func TestOwnTemplates(t *testing.T) {
	t.Parallel()
	defaults := builtIn(t)
	check := func(files map[string]string) (code int, out string) {
		d := devSite{&browser{app: &app{T: t}}, t.TempDir()}
		for name, text := range files {
			d.write("own/"+name, text)
		}
		d.write("config.toml", "[web]\ntemplates = \""+filepath.Join(d.dir, "own")+"\"\n")
		var said bytes.Buffer
		code = run(&console{ctx: t.Context(), stdout: &said, stderr: &said, defaults: defaults}, []string{"check-config", "--config", filepath.Join(d.dir, "config.toml")})
		return code, said.String()
	}
	good := map[string]string{"home.tmpl": `{{define "content"}}Mine{{end}}`, "partials/search.tmpl": `{{define "search"}}{{end}}`, "static/icon.svg": "<svg/>",
		"bots/mail/settings.tmpl": "Mine", "bots/kit/demo.tmpl": `{{define "content"}}Mine{{end}}`, "riders.de.toml": "[mail]\ntitle = \"Post\"\n", ".git/x": "", "README.md": ""}
	if code, out := check(good); code != exitOK {
		t.Errorf("exit code %d: %s", code, out)
	}
	code, out := check(map[string]string{"home.tmpl": "{{define \"content\"}}\n{{nope}}{{end}}", "riders.de.toml": "[layout]\n\nbrnd = \"x\"\n", "sytle.css": "", "bots/mail/de.toml": "", "settings/robots.tmpl": ""})
	for _, want := range []string{`home.tmpl:2: function "nope" not defined`, "riders.de.toml:3: layout.brnd: there is no such text", "sytle.css: the program has no such file; did you mean",
		"texts of yours stand in", "settings/robots.tmpl: the program has no such file; did you mean settings/partials/robots.tmpl?"} {
		if code == exitOK || !strings.Contains(out, want) {
			t.Errorf("exit code %d, no %q: %s", code, want, out)
		}
	}
	for file, broken := range map[string]struct{ text, want string }{
		"home.tmpl":           {"{{define \"content\"}}\n<p>{{if .T}}\n<a <b>x</a>{{end}}{{end}}", `home.tmpl:3: "<" in attribute name`},
		"login.tmpl":          {"{{define \"content\"}}\n<p a='>{{end}}", "login.tmpl:2: ends in"},
		"city.tmpl":           {"{{define \"content\"}}\n{{template \"nope\"}}{{end}}", `city.tmpl:2:11: no such template "nope"`},
		"register.tmpl":       {"{{define \"content\"}}\n<p>{{if .T}}<a {{end}}{{end}}", "register.tmpl:2:8: {{if}} branches end"},
		"partials/app.tmpl":   {"{{define \"app-head\"}}{{end}}{{define \"app-install\"}}\n\n<a =x>{{end}}", "partials/app.tmpl:3: expected space"},
		"contact.tmpl":        {"{{define \"content\"}}\xff{{end}}", "contact.tmpl: is no UTF-8"},
		"privacy.tmpl":        {"", `privacy.tmpl: lacks {{define "content"}}`},
		"layout.tmpl":         {"<html>{{template \"content\" .}}</html>", `layout.tmpl: lacks {{define "layout"}}`},
		"bots/mail/page.tmpl": {"<p>Mine</p>", `page.tmpl: lacks {{define "content"}}`},
		"riders.de.toml":      {"[layout]\n\nbrand = 3\n", "riders.de.toml:3: layout.brand: is not a text"},
		"error.tmpl/x":        {"", "error.tmpl: is no file"},
	} {
		if code, out := check(map[string]string{file: broken.text}); code == exitOK || !strings.Contains(out, broken.want) {
			t.Errorf("%s: exit code %d, no %q: %s", file, code, broken.want, out)
		}
	}
	if problems := (siteFiles{own: filepath.Join(t.TempDir(), "none")}).check(all.Networks()); len(problems) != 1 {
		t.Errorf("a directory that is not there: %v", problems)
	}
}
