package main

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/go-cmp/cmp"

	"ticketfrei/bots/naming"
	"ticketfrei/bots/scaffold"
	"ticketfrei/bots/scaffold/scaffoldtest"
	"ticketfrei/report"
)

// runNew runs ticketfrei new network in dir.
func runNew(t *testing.T, dir, name string) (code int, stdout, stderr string) {
	t.Helper()
	t.Chdir(dir)
	var out, errs bytes.Buffer
	code = run(t.Context(), []string{"new", "network", name}, &out, &errs)
	return code, out.String(), errs.String()
}

func gitRun(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// changesOf is what git sees as changed since the last git add: files that are
// known, and directories and files that are new.
func changesOf(t *testing.T, dir string) []string {
	t.Helper()
	known := gitRun(t, dir, "diff", "--name-only")
	unknown := gitRun(t, dir, "ls-files", "--others", "--exclude-standard", "--directory")
	return strings.Fields(known + unknown)
}

// TestNewNetworkIsOneDirectory makes a network in a copy of the project, tests
// and builds it, and lets the demo send a report through it.
func TestNewNetworkIsOneDirectory(t *testing.T) {
	dir := t.TempDir()
	copyTree(t, dir)
	gitRun(t, dir, "init", "--quiet")
	gitRun(t, dir, "add", "--all")
	code, stdout, stderr := runNew(t, dir, "freshlymade")
	if code != exitOK || !strings.Contains(stdout, "wrote bots/freshlymade/bot.go\n") || !strings.Contains(stdout, "go test ./bots/freshlymade/...") {
		t.Fatalf("exit code %d\n%s%s", code, stdout, stderr)
	}
	if diff := cmp.Diff([]string{"networks.go", "bots/freshlymade/"}, changesOf(t, dir)); diff != "" {
		t.Errorf("changed (-want +got):\n%s", diff)
	}
	if out, err := exec.CommandContext(t.Context(), "grep", "-ri", "scaffold", "bots/freshlymade", "networks.go").CombinedOutput(); err == nil {
		t.Errorf("the scaffold's name is left:\n%s", out)
	}
	if out, err := exec.CommandContext(t.Context(), "gofmt", "-l", "bots/freshlymade").CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("gofmt would change: %s %v", out, err)
	}
	goRun(t, dir, "vet", "./bots/freshlymade/...")
	goRun(t, dir, "test", "./bots/freshlymade/...")
	goRun(t, dir, "build", "-buildvcs=false", "-o", "ticketfrei", ".")
	program := func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), filepath.Join(dir, "ticketfrei"), args...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("ticketfrei %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	if out := program("check-config"); !strings.Contains(out, "[freshlymade]") {
		t.Errorf("the program does not know the settings of the network:\n%s", out)
	}
	if out := program("demo", "--once"); !strings.Contains(out, "sent: freshlymade, posted for everybody") {
		t.Errorf("the demo's report did not go out through the network:\n%s", out)
	}
	if code, _, stderr := runNew(t, dir, "freshlymade"); code != exitError || !strings.Contains(stderr, "already") {
		t.Errorf("the same name again: exit code %d\n%s", code, stderr)
	}
}

// tinyTree is a directory that looks like the project, with a program in place
// of the one that writes the list.
func tinyTree(t *testing.T, goMod, generate string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"go.mod":      goMod,
		"networks.go": "package main\n",
		"main.go":     "package main\n\n//go:generate " + generate + "\n\nfunc main() {}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "bots"), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestNewNetworkIsRefused(t *testing.T) {
	const goMod = "module ticketfrei\n"
	tests := []struct {
		name    string
		network string
		dir     func(t *testing.T) string
		code    int
		stderr  string
	}{
		{"capital letter", "Example", func(t *testing.T) string { return tinyTree(t, goMod, "true") }, exitUsage, "lower case"},
		{"reserved", "reports", func(t *testing.T) string { return tinyTree(t, goMod, "true") }, exitUsage, "route"},
		{"another directory", "../example", func(t *testing.T) string { return tinyTree(t, goMod, "true") }, exitUsage, "lower case"},
		{"not in the source", "example", func(t *testing.T) string { return t.TempDir() }, exitError, "root of Ticketfrei's source"},
		{"another project", "example", func(t *testing.T) string { return tinyTree(t, "module other\n", "true") }, exitError, `"other"`},
		{"no bots", "example", func(t *testing.T) string {
			dir := tinyTree(t, goMod, "true")
			if err := os.Remove(filepath.Join(dir, "bots")); err != nil {
				t.Fatal(err)
			}
			return dir
		}, exitError, "no directory bots"},
		{"the list cannot be made", "example", func(t *testing.T) string {
			return tinyTree(t, goMod, "sh -c \"echo broken > networks.go; echo no luck; exit 3\"")
		}, exitError, "no luck"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := tt.dir(t)
			code, stdout, stderr := runNew(t, dir, tt.network)
			if code != tt.code || stdout != "" || !strings.Contains(stderr, tt.stderr) {
				t.Errorf("exit code %d, want %d\n%s\n%s", code, tt.code, stdout, stderr)
			}
			left, err := filepath.Glob(filepath.Join(dir, "bots", "*"))
			if err != nil || len(left) > 0 {
				t.Errorf("left behind: %v %v", left, err)
			}
			if list, err := os.ReadFile(filepath.Join(dir, "networks.go")); err == nil && string(list) != "package main\n" {
				t.Errorf("the list is now:\n%s", list)
			}
		})
	}
}

func TestListRefusesReservedNames(t *testing.T) {
	dir := t.TempDir()
	copyTree(t, dir)
	if err := os.CopyFS(filepath.Join(dir, "bots", "feed"), os.DirFS("bots/scaffold")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "run", "./bots/generate")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "bots/feed") {
		t.Errorf("error = %v\n%s", err, out)
	}
}

// TestNamesOfTestPackagesAreReserved finds what the scaffold imports that is
// called as the stand-in of a network would be: NAMEtest.
func TestNamesOfTestPackagesAreReserved(t *testing.T) {
	files, err := networkFiles("example")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, f := range files {
		for _, m := range regexp.MustCompile(`(?m)^\t"(?:[^"]*/)?([a-z0-9]+)test"$`).FindAllStringSubmatch(string(f.content), -1) {
			if m[1] == "example" {
				continue
			}
			found++
			if naming.Check(m[1]) == nil {
				t.Errorf("a network could be called %s, and %s imports %stest", m[1], f.name, m[1])
			}
		}
	}
	if found == 0 {
		t.Error("no such import was found")
	}
}

// TestRoutesOfTheSiteAreReserved finds what stands where the routes of networks
// do: below /settings/ and /city/{slug}/.
func TestRoutesOfTheSiteAreReserved(t *testing.T) {
	a := startApp(t, t.TempDir(), startMailbox(t))
	found := 0
	err := chi.Walk(a.server.handler.(chi.Routes), func(_, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		rest, settings := strings.CutPrefix(route, "/settings/")
		if !settings {
			var city bool
			if rest, city = strings.CutPrefix(route, "/city/{slug}/"); !city {
				return nil
			}
		}
		first, _, _ := strings.Cut(rest, "/")
		if first == "" || a.server.networks[first] != nil {
			return nil
		}
		found++
		if naming.Check(first) == nil {
			t.Errorf("a network could be called %s, as the route %s", first, route)
		}
		return nil
	})
	if err != nil || found < 8 {
		t.Errorf("found %d routes, %v", found, err)
	}
}

// TestScaffoldRelays runs the whole program with the scaffold as one of its
// networks, connected on the settings page.
func TestScaffoldRelays(t *testing.T) {
	remote, err := scaffoldtest.Start(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = remote.Close() })
	box := startMailbox(t)
	a := startApp(t, t.TempDir(), box, scaffold.Definition())
	a.addCity("nuernberg", "kontis?", "")
	a.subscribe(box, "nuernberg", "one@riders.example")
	form := url.Values{"address": {remote.URL}, "token": {remote.Token()}}
	page := a.login("moderator@nuernberg.example").post("/settings/scaffold/connect", form, http.StatusOK)
	if !strings.Contains(page, "@"+scaffoldtest.Handle) {
		t.Error("the page does not show the account")
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	posted := func(text string) {
		t.Helper()
		err := remote.Wait(ctx, func() bool {
			for _, p := range remote.Posts() {
				if p.Text == text {
					return true
				}
			}
			return false
		})
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
	}

	a.mustSend("two@riders.example", here, "m1@x", "", "Kontis am Plärrer")
	posted("Kontis am Plärrer")
	box.waitFor(t, "one@riders.example", "Kontis am Plärrer")

	remote.Write(scaffoldtest.Message{Author: "shyrider", Text: "Kontis in der U3", Private: true})
	l := box.waitFor(t, "one@riders.example", "Kontis in der U3")
	posted("Kontis in der U3")
	if strings.Contains(l.Body, "shyrider") {
		t.Error("the mail names the author")
	}

	c, err := a.server.db.FindCity(t.Context(), "nuernberg")
	if err != nil {
		t.Fatal(err)
	}
	remote.Write(scaffoldtest.Message{Author: "rider", Text: "nothing to see here"})
	waitUntil(t, "the report without a trigger to be refused", func() bool {
		refused, err := a.server.db.Reports(t.Context(), c.ID, false, time.Hour, 10)
		return err == nil && len(refused) == 1
	})
	a.settled()
	if n := len(remote.Posts()); n != 2 {
		t.Errorf("%d posts, want 2: what has no trigger is not relayed", n)
	}

	remote.RevokeToken()
	a.mustSend("two@riders.example", here, "m2@x", "", "Kontis überall")
	box.waitFor(t, "moderator@nuernberg.example", "this token is not valid")
	waitUntil(t, "the bot to need attention", func() bool {
		b, err := a.server.db.FindBot(t.Context(), c.ID, "scaffold")
		return err == nil && b.State == report.BotAttention
	})
	a.login("moderator@nuernberg.example").post("/settings/scaffold/connect",
		url.Values{"address": {remote.URL}, "token": {remote.Token()}}, http.StatusOK)
	waitUntil(t, "the bot to run again", func() bool {
		b, err := a.server.db.FindBot(t.Context(), c.ID, "scaffold")
		return err == nil && b.State == report.BotRunning
	})
	remote.Write(scaffoldtest.Message{Author: "rider", Text: "Kontis am Ende"})
	posted("Kontis am Ende")
}
