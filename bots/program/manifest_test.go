package program_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ticketfrei/bots/program"
	"ticketfrei/internal/bus"
	"ticketfrei/internal/config"
)

// write puts a file into a directory of programs.
func write(tb testing.TB, dir, name, content string) {
	tb.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
		tb.Fatal(err)
	}
}

const whole = `
name = {en = "Signal", de = "Signal-Messenger"}
description = "Reports by Signal"
version = "1.2.0"
author = "A. Nonymous"
website = "https://signal.example"
command = ["sh", "signal.sh"]
can = ["send", "receive", "answer", "recipients"]
workers = 2
answer = "5s"
memory = 64
files = ["/usr"]
network = false
subscribe = ["report.passed", "bat-signal-*"]
requires = ["sh"]
labels = {kind = "sms"}
[[setting]]
name = "PHONE"
label = {de = "Nummer", en = "Number"}
[[setting]]
name = "token"
secret = true
default = ""
[[command]]
word = "fahrplan"
entities = ["line"]
[[route]]
path = "status/now"
[[schedule]]
every = "24h"
at = "04:00"
[[schedule]]
every = "15m"
`

func TestManifest(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "signal/program.toml", whole)
	write(t, dir, "nothing/README.md", "no program")
	write(t, dir, "README.md", "no directory")
	write(t, dir, "off/program.toml", "name = \"Off\"\nenabled = false\ncommand = [\"no-such-program\"]\ncan = [\"send\"]\nrequires = [\"no-such-program\"]\n")
	list, err := program.Load(dir, []string{"mail"})
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 2 || list[0].Network != "off" || list[0].Enabled {
		t.Fatalf("read %v", list)
	}
	want := &program.Manifest{Network: "signal", Dir: filepath.Join(dir, "signal"), Enabled: true,
		Name: program.Text{En: "Signal", De: "Signal-Messenger"}, Description: program.Text{En: "Reports by Signal", De: "Reports by Signal"},
		Version: "1.2.0", Author: "A. Nonymous", Website: "https://signal.example", Labels: map[string]string{"kind": "sms"},
		Command: []string{"sh", "signal.sh"}, Can: []string{"receive", "send", "answer", "recipients", "command", "route", "schedule"},
		Run: "stays", Start: "hot", Workers: 2, Answer: 5 * time.Second, Idle: 30 * time.Second, Memory: 64, Files: []string{"/usr"},
		Subscribe: []bus.Pattern{"report.passed", "bat-signal-*"}, Scope: "city", Requires: []string{"sh"},
		Settings: []program.Setting{{Name: "PHONE", Label: program.Text{En: "Number", De: "Nummer"}},
			{Name: "token", Label: program.Text{En: "token", De: "token"}, Secret: true, Optional: true}},
		Words: []program.Word{{Word: "fahrplan", Entities: []string{"line"}}}, Routes: []string{"status/now"},
		Schedule: []program.Schedule{{Every: 24 * time.Hour, At: 4 * time.Hour}, {Every: 15 * time.Minute, At: -1}},
	}
	if diff := cmp.Diff(want, list[1], cmpopts.IgnoreUnexported(program.Manifest{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestManifestErrors has each mistake named with file, line and key.
func TestManifestErrors(t *testing.T) {
	const well = "name = \"Echo\"\ncommand = [\"sh\"]\ncan = [\"send\"]\n"
	for _, c := range []struct{ name, content, want string }{
		{"unknown key", well + "comand = [\"sh\"]\n", "program.toml:4: comand: there is no such key; did you mean command?"},
		{"unknown key in a table", well + "[[setting]]\nname = \"A\"\nlabell = \"x\"\n", "program.toml:6: setting.labell: there is no such key; did you mean label?"},
		{"no TOML", well + "x = \n", "program.toml:4: is not valid TOML"},
		{"no command", "name = \"Echo\"\ncan = [\"send\"]\n", "command: is missing"},
		{"no name", "command = [\"sh\"]\ncan = [\"send\"]\n", "name: is missing"},
		{"nothing to do", "name = \"Echo\"\ncommand = [\"sh\"]\n", "can: is missing"},
		{"no such ability", well[:len(well)-8] + "\"sendd\"]\n", `program.toml:3: can: "sendd" is nothing that a program can`},
		{"no such program", "name = \"Echo\"\ncommand = [\"no-such-program\"]\ncan = [\"send\"]\n", "program.toml:2: command: no-such-program cannot be run"},
		{"no such file", "name = \"Echo\"\ncommand = [\"./echo\"]\ncan = [\"send\"]\n", "program.toml:2: command: ./echo cannot be run"},
		{"requirement", well + "requires = [\"no-such-program\"]\n", "program.toml:4: requires: no-such-program cannot be run"},
		{"workers", well + "workers = 17\n", "program.toml:4: workers: 17 does not work; write a number from 1 to 16"},
		{"workers as text", well + "workers = \"2\"\n", "program.toml:4: workers:"},
		{"answer", well + "answer = \"2m\"\n", `program.toml:4: answer: "2m" does not work`},
		{"run", well + "run = \"twice\"\n", `program.toml:4: run: "twice" is not known; write one of stays, once`},
		{"pattern", well + "subscribe = [\"A B\"]\n", "program.toml:4: subscribe:"},
		{"lazy", well[:len(well)-8] + "\"receive\"]\nstart = \"lazy\"\n", "start: is lazy"},
		{"retract alone", "name = \"Echo\"\ncommand = [\"sh\"]\ncan = [\"retract\"]\n", "can: says retract, which needs send too"},
		{"command without one", "name = \"Echo\"\ncommand = [\"sh\"]\ncan = [\"command\"]\n", "can: says command, and there is none"},
		{"setting", well + "[[setting]]\nname = \"Phone Number\"\n", `program.toml:5: setting.name: "Phone Number" is no name of a setting`},
		{"two settings", well + "[[setting]]\nname = \"A\"\n[[setting]]\nname = \"A\"\n", "program.toml:7: setting.name: there are two settings A"},
		{"word", well + "[[command]]\nword = \"/start\"\n", "program.toml:5: command.word:"},
		{"built-in word", well + "[[command]]\nword = \"stop\"\n", "program.toml:5: command.word: the bots themselves answer /stop"},
		{"entity", well + "[[command]]\nword = \"next\"\nentities = [\"author\"]\n", `program.toml:6: command.entities: "author" is not known`},
		{"path", well + "[[route]]\npath = \"../settings\"\n", `program.toml:5: route.path: "../settings" is no path`},
		{"schedule", well + "[[schedule]]\nat = \"25:00\"\n", `program.toml:5: schedule.at: "25:00" is no time of the day`},
		{"no schedule", well + "[[schedule]]\n", "schedule: says no time"},
		{"template", "name = \"{{.Secret}}\"\ncommand = [\"sh\"]\ncan = [\"send\"]\n", "program.toml:1: name: cannot be shown"},
		{"website", well + "website = \"javascript:alert(1)\"\n", "program.toml:4: website:"},
		{"label", well + "labels = {kind = 1}\n", "program.toml:4: labels.kind: is no label with a text"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "echo/program.toml", c.content)
			if _, err := program.Load(dir, nil); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "echo/program.toml") {
				t.Errorf("error is %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestManifestNames(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"mail", "settings", "Echo", "x", "my-echo", "kit", "fine"} {
		write(t, dir, name+"/program.toml", "name = \"Echo\"\ncommand = [\"sh\"]\ncan = [\"send\"]\nwrong = 1\n")
	}
	_, err := program.Load(dir, []string{"mail"})
	if err == nil {
		t.Fatal("all names can be used")
	}
	for _, want := range []string{
		"mail/program.toml: there is a network mail already", `settings/program.toml: the name "settings" cannot be used`, `Echo/program.toml: the network cannot be called "Echo"`,
		`x/program.toml: the network cannot be called "x"`, `my-echo/program.toml: the network cannot be called "my-echo"`, `kit/program.toml: the name "kit" cannot be used`,
		"fine/program.toml:4: wrong: there is no such key",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%s\nis not in\n%v", want, err)
		}
	}
}

func TestDirectoryOfPrograms(t *testing.T) {
	t.Chdir(t.TempDir())
	if list, err := program.Load("programs", nil); err != nil || list != nil {
		t.Errorf("without a directory: %v, %v", list, err)
	}
	if _, err := program.Load("elsewhere", nil); err == nil || !strings.Contains(err.Error(), "programs.dir") {
		t.Errorf("a chosen directory that is not there: %v", err)
	}
}

// TestDefinitions leaves out what is switched off, and warns of what cannot run now.
func TestDefinitions(t *testing.T) {
	dir := t.TempDir()
	const well = "name = \"Echo\"\ncommand = [\"sh\"]\ncan = [\"send\"]\n"
	write(t, dir, "off/program.toml", well+"enabled = false\n")
	write(t, dir, "sms/program.toml", well+"files = [\"/dev/no-such-modem\"]\n")
	write(t, dir, "echo/program.toml", well)
	cfg := &config.Config{Data: t.TempDir(), Programs: config.Programs{Dir: dir}}
	list, warnings, err := program.Definitions(cfg, nil)
	if err != nil || len(list) != 2 || list[0].Name != "echo" || list[1].Name != "sms" {
		t.Fatalf("there are %v, %v", list, err)
	}
	if !slices.ContainsFunc(warnings, func(w string) bool { return strings.Contains(w, "program sms cannot run now") }) {
		t.Errorf("warned of %q", warnings)
	}
	cfg.Programs.User = "no-such-user"
	if _, _, err := program.Definitions(cfg, nil); err == nil || !strings.Contains(err.Error(), "echo/program.toml: programs.user: there is no user") {
		t.Errorf("as a user that there is not: %v", err)
	}
}

// FuzzManifest has no file do more than fail to be read.
func FuzzManifest(f *testing.F) {
	f.Add(whole)
	f.Add("name = 1\ncommand = {}\n[[setting]]\n[setting.x]\n")
	f.Add("name = {de = \"x\"}\nlabels = []\nroute = [1]\n")
	f.Fuzz(func(t *testing.T, content string) {
		dir := t.TempDir()
		write(t, dir, "echo/program.toml", content)
		list, err := program.Load(dir, nil)
		if err == nil && (len(list) != 1 || list[0].Name.En == "" || len(list[0].Command) == 0) {
			t.Errorf("read %+v", list)
		}
	})
}
