package app

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"ticketfrei/db/dbtest"
	"ticketfrei/internal/freeport"
)

func TestCommandLine(t *testing.T) {
	dbtest.OnlyFile(t, "its backups")
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	t.Setenv("TICKETFREI_DATA", data)
	free, err := freeport.Address()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("TICKETFREI_WEB_LISTEN", free) // where nobody answers
	broken := filepath.Join(dir, "broken.toml")
	if err := os.WriteFile(broken, []byte("[mail]\nreley = \"x\"\n[log]\nlevel = \"loud\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	old := filepath.Join(dir, "old.toml")
	if err := os.WriteFile(old, []byte("[queue]\nurl = \"\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		args   []string
		code   int
		stdout string // part of it
		stderr string
	}{
		{"help", []string{"--help"}, 0, "city add", ""},
		{"help of a command", []string{"city", "add", "--help"}, 0, "--password", ""},
		{"version", []string{"version"}, 0, "ticketfrei 3", ""},
		{"version as a flag", []string{"--version"}, 0, "ticketfrei 3", ""},
		{"unknown command", []string{"sreve"}, 2, "", "--help"},
		{"unknown flag", []string{"serve", "--port", "1"}, 2, "", "--port"},
		{"no slug", []string{"city", "add", "--email", "m@x.example"}, 2, "", "slug"},
		{"nothing to back up", []string{"backup", filepath.Join(dir, "copy.db")}, 1, "", "no database to back up"},
		{"a key where no server was", []string{"key", "list"}, 1, "", "there is no data directory " + data + ": start the server once (\"ticketfrei serve\")"},
		{"a city where no server was", []string{"city", "add", "fuerth", "--email", "m@x.example"}, 1, "", "there is no data directory"},
		{"no cities yet", []string{"city", "list"}, 0, "", "no cities yet"},
		{"bad slug", []string{"city", "add", "Nürnberg", "--email", "m@x.example"}, 2, "", "lower case letters a to z, digits and hyphens between them, such as nuernberg; write the name with --name"},
		{"reserved slug", []string{"city", "add", "postmaster", "--email", "m@x.example"}, 2, "", "postmaster"},
		{"bad address", []string{"city", "add", "nuernberg", "--email", "nobody"}, 2, "", "mail address"},
		{"bad zone", []string{"city", "add", "nuernberg", "--email", "m@x.example", "--zone", "Europe/Nuernberg"}, 2, "", "such as Europe/Berlin"},
		{"short password", []string{"city", "add", "nuernberg", "--email", "m@x.example", "--password", "short"}, 2, "", "too short"},
		{"guessable password", []string{"city", "add", "nuernberg", "--email", "m@x.example", "--password", "nuernberg2026"}, 2, "", "easy to guess"},
		{"city", []string{"city", "add", "nuernberg", "--name", "Nürnberg", "--email", "M@x.example", "--password", password}, 0, "m@x.example", ""},
		{"the same city", []string{"city", "add", "nuernberg", "--email", "m@x.example", "--password", password}, 1, "", "already"},
		{"second city of a moderator", []string{"city", "add", "fuerth", "--email", "m@x.example"}, 0, "password stays", ""},
		{"made password", []string{"city", "add", "erlangen", "--email", "n@x.example"}, 0, "password ", ""},
		{"list", []string{"city", "list"}, 0, "Nürnberg", ""},
		{"settings", []string{"check-config"}, 0, "listen = ", ""},
		{"settings of an earlier version", []string{"check-config", "--config", old}, 0, "listen = ", "warning: " + old + ":2: queue.url: this setting is gone; delete the line\n"},
		{"broken settings", []string{"check-config", "--config", broken}, 1, "", "reley"},
		{"all mistakes at once", []string{"serve", "--config", broken}, 1, "", "log.level"},
		{"no settings file", []string{"serve", "--config", filepath.Join(dir, "none.toml")}, 1, "", "none.toml"},
		{"backup", []string{"backup", filepath.Join(dir, "copy.db")}, 0, "copy.db", ""},
		{"backup over a file", []string{"backup", broken}, 0, "broken.toml", ""},
		{"backup over a directory", []string{"backup", dir}, 1, "", "is not a file"},
		{"backup into no directory", []string{"backup", filepath.Join(dir, "none", "copy.db")}, 1, "", "no such file"},
		{"backup over the database", []string{"backup", filepath.Join(dir, "data", "ticketfrei.db")}, 1, "", "in use by the program itself"},
		{"backup over the key", []string{"backup", filepath.Join(dir, "data", "..", "data", "secret.key")}, 1, "", "in use by the program itself"},
		{"backup to standard output", []string{"backup", "-"}, 0, "SQLite format 3\x00", "wrote standard output"},
		{"health without a server", []string{"health"}, 1, "", "does not answer"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.name == "no cities yet" {
				if _, err := os.Stat(data); err == nil {
					t.Error("a command made the data directory")
				}
				mustBegin(t, data)
			}
			var stdout, stderr bytes.Buffer
			code := runCommand(t.Context(), t, &stdout, &stderr, tt.args...)
			if code != tt.code || !strings.Contains(stdout.String(), tt.stdout) || !strings.Contains(stderr.String(), tt.stderr) {
				t.Errorf("exit code %d, want %d\nstdout (want %q):\n%s\nstderr (want %q):\n%s", code, tt.code, tt.stdout, stdout.String(), tt.stderr, stderr.String())
			}
			if tt.code == 2 && strings.Count(stderr.String(), "\n") != 1 {
				t.Errorf("bad usage is answered with more than one line:\n%s", stderr.String())
			}
		})
	}
}

func TestSecondServerOnTheSameDataIsRefused(t *testing.T) {
	dir := t.TempDir()
	startApp(t, dir, startMailbox(t))
	t.Setenv("TICKETFREI_DATA", dir)
	var out bytes.Buffer
	if code := runCommand(t.Context(), t, &out, &out, "serve"); code != 1 || !strings.Contains(out.String(), "another ticketfrei") {
		t.Errorf("exit code %d: %s", code, out.String())
	}
}

func TestUnusableDataDirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TICKETFREI_DATA", file)
	var out bytes.Buffer
	if code := runCommand(t.Context(), t, &out, &out, "serve"); code != 1 || !strings.Contains(out.String(), "data directory") {
		t.Errorf("exit code %d: %s", code, out.String())
	}
}

// TestServeLogsWhatIsGone has a setting of an earlier version in the environment
// of a server that starts, as far as its data directory.
func TestServeLogsWhatIsGone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TICKETFREI_DATA", file)
	t.Setenv("TICKETFREI_QUEUE_URL", "")
	var out bytes.Buffer
	if code := runCommand(t.Context(), t, &out, &out, "serve"); code != 1 {
		t.Errorf("exit code %d", code)
	}
	for _, part := range []string{"level=WARN", "queue.url", "TICKETFREI_QUEUE_URL", "this setting is gone", "remove the variable"} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("no %s in the log:\n%s", part, out.String())
		}
	}
}

// TestServeWarnsOfWhatDoesNotFit starts a server, as far as its data directory,
// with settings that are right by themselves.
func TestServeWarnsOfWhatDoesNotFit(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TICKETFREI_DATA", file)
	for url, want := range map[string][]string{
		"http://localhost:8080":       nil,
		"https://tickets.example.org": {"web.trusted_proxies", "mail.domain"},
		"http://tickets.example.org":  {"web.url", "mail.domain"},
	} {
		t.Setenv("TICKETFREI_WEB_URL", url)
		var out bytes.Buffer
		if code := runCommand(t.Context(), t, &out, &out, "serve"); code != 1 {
			t.Errorf("exit code %d", code)
		}
		var warnings []string
		for line := range strings.Lines(out.String()) {
			if strings.Contains(line, "level=WARN") {
				warnings = append(warnings, line)
			}
		}
		if len(warnings) != len(want) {
			t.Fatalf("%s: warned of\n%s", url, warnings)
		}
		for i, key := range want {
			if !strings.Contains(warnings[i], key+": ") || !strings.Contains(warnings[i], ";") {
				t.Errorf("%s: want a warning of %s and what to set: %s", url, key, warnings[i])
			}
		}
	}
}

// TestPasswordFromTheEnvironment adds a city as a script does that keeps the
// password out of the list of processes.
func TestPasswordFromTheEnvironment(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TICKETFREI_DATA", dir)
	mustBegin(t, dir)
	t.Setenv("TICKETFREI_PASSWORD", "a password of the environment")
	var out bytes.Buffer
	if code := runCommand(t.Context(), t, &out, &out, "city", "add", "fuerth", "--email", "m@fuerth.example"); code != exitOK {
		t.Fatalf("exit code %d\n%s", code, out.String())
	}
	if strings.Contains(out.String(), "password") {
		t.Errorf("a password was made although one was given:\n%s", out.String())
	}
}

// TestSettingsOfTheSystem are read where no other file is named, and check-config says which
// they are.
func TestSettingsOfTheSystem(t *testing.T) {
	dir := t.TempDir()
	system, own := filepath.Join(dir, "system.toml"), filepath.Join(dir, "own.toml")
	for file, level := range map[string]string{system: "warn", own: "error"} {
		if err := os.WriteFile(file, []byte("[log]\nlevel = \""+level+"\"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	says := func(want string, args ...string) {
		t.Helper()
		var out bytes.Buffer
		c := &console{ctx: t.Context(), stdout: &out, stderr: &out, defaults: builtIn(t), world: world{settings: system}}
		code := run(c, append([]string{"check-config"}, args...))
		if code != exitOK || !strings.Contains(out.String(), want) {
			t.Errorf("%v: exit code %d, want %q:\n%s", args, code, want, out.String())
		}
	}
	says("what is in " + system)
	says(`level = "warn"`)
	says("what is in "+own, "--config", own)
	says(`level = "error"`, "--config", own)
	t.Setenv("TICKETFREI_CONFIG", own)
	says(`level = "error"`)
	t.Setenv("TICKETFREI_CONFIG", "")
	t.Setenv("TICKETFREI_LOG_LEVEL", "debug")
	says(`level = "debug"`)
	t.Setenv("TICKETFREI_LOG_LEVEL", "warn")
	if err := os.Remove(system); err != nil {
		t.Fatal(err)
	}
	says("no file of settings")
}

// TestCommandsForScripts has every command that says or does something print JSON, and every one
// that asks take the answer.
func TestCommandsForScripts(t *testing.T) {
	parser, err := kong.New(&commands{}, kong.Vars{"version": ""})
	if err != nil {
		t.Fatal(err)
	}
	of := func(n *kong.Node, flag string) bool {
		return slices.ContainsFunc(n.Flags, func(f *kong.Flag) bool { return f.Name == flag })
	}
	files := []string{"city places", "city export"} // whose standard output is a file
	asked := 0
	for _, n := range parser.Model.Leaves(true) {
		room, _, _ := strings.Cut(n.Path(), " ")
		if slices.Contains(files, n.Path()) || !slices.Contains([]string{"city", "moderator", "operator", "bot", "subscriber", "queue", "logs", "status", "mail-test", "backup", "restore", "doctor"}, room) {
			continue
		}
		if !of(n, "json") {
			t.Errorf("%s has no --json", n.Path())
		}
		if of(n, "yes") {
			asked++
		}
	}
	if asked != 5 { // city delete, moderator remove, operator remove, queue drop, restore
		t.Errorf("%d commands ask", asked)
	}
}

// TestInterruptedWhileReading interrupts a command that waits for what nobody types.
func TestInterruptedWhileReading(t *testing.T) {
	silent, open, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	ctx, interrupt := context.WithCancel(t.Context())
	var out bytes.Buffer
	ended := make(chan int)
	go func() {
		ended <- run(&console{ctx: ctx, stdin: silent, stdout: &out, stderr: &out, defaults: builtIn(t), world: world{settings: "testdata/none.toml"}},
			[]string{"city", "import", "-"})
	}()
	interrupt()
	if code := <-ended; code != exitError { // else the test hangs
		t.Errorf("exit code %d\n%s", code, &out)
	}
	if err := errors.Join(open.Close(), silent.Close()); err != nil {
		t.Error(err)
	}
}
