package program_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"ticketfrei/bots/program"
	"ticketfrei/internal/config"
)

// alone is a program without a server.
func alone(t *testing.T, manifest, code string) (*program.Alone, *bytes.Buffer) {
	t.Helper()
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "echo/echo.sh", code)
	write(t, dir, filepath.Join("echo", program.File), "name = \"Echo\"\ncommand = [\"sh\", \"echo.sh\"]\n"+manifest)
	list, err := program.Load(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	return &program.Alone{Manifest: list[0], Config: &config.Config{Data: filepath.Join(t.TempDir(), "data")}, Out: &out, Log: t.Output()}, &out
}

func TestCheck(t *testing.T) {
	a, out := alone(t, `can = ["receive", "send"]`, echo)
	if !a.Check(t.Context()) || strings.Contains(out.String(), "FAIL") {
		t.Errorf("a good program fails:\n%s", out)
	}
	for _, want := range []string{"ok    ready", "ok    send", "ok    it goes on after a line that it does not know", "ok    it ends when", "ok    it starts again after it was killed", "no JSON"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
}

func TestCheckFails(t *testing.T) {
	for name, c := range map[string]struct{ manifest, code, want string }{
		"never ready": {`can = ["send"]`, "#!/bin/sh\nexit 1\n", "FAIL  ready: the program ended with exit code 1"},
		"no answer":   {"can = [\"send\"]\nanswer = \"300ms\"\n", strings.Replace(echo, `"type":"sent"`, `"type":"sended"`, 1), "FAIL  send: the program did not answer within 300ms"},
		"garbage":     {`can = ["send"]`, strings.Replace(echo, `{"type":"sent"`, `oh no`, 1), "FAIL  send: the program wrote a line that is none of the protocol"},
		"refuses":     {`can = ["send"]`, strings.Replace(echo, `"type":"sent"`, `"type":"failed","error":"no SIM card"`, 1), "FAIL  send: the program answered failed: no SIM card"},
		"once":        {"can = [\"send\"]\nrun = \"once\"\n", "#!/bin/sh\nexit 4\n", "FAIL  send: the program ended with exit code 4"},
	} {
		t.Run(name, func(t *testing.T) {
			a, out := alone(t, c.manifest, c.code)
			if a.Check(t.Context()) || !strings.Contains(out.String(), c.want) {
				t.Errorf("%q is not in\n%s", c.want, out)
			}
		})
	}
}

// TestCheckRecipients has a program be sent something for a recipient that it has named
// itself, or else rightly say that it does not know the one that is made up.
func TestCheckRecipients(t *testing.T) {
	named := strings.Replace(echo, `"protocol":1}'`, `"protocol":1}'; echo '{"type":"recipient","id":"hall"}'`, 1)
	strict := strings.Replace(named, "    printf '{\"type\":\"sent\"", `    case $line in *'"recipient":"hall"'*) ;; *) echo '{"type":"failed","id":"send-1","kind":"gone","error":"no such room"}'; continue ;; esac
    printf '{"type":"sent"`, 1)
	for name, code := range map[string]string{"named": strict, "none": strings.Replace(strict, `"id":"hall"`, `"id":"hall","on":false`, 1)} {
		t.Run(name, func(t *testing.T) {
			a, out := alone(t, `can = ["send", "recipients"]`, code)
			if !a.Check(t.Context()) || !strings.Contains(out.String(), "ok    send") {
				t.Errorf("%s", out)
			}
		})
	}
}

// TestSettingsAlone has settings that the program does not have be refused, and those that
// are missing named.
func TestSettingsAlone(t *testing.T) {
	a, _ := alone(t, "can = [\"send\"]\n[[setting]]\nname = \"URL\"\ndefault = \"\"\n[[setting]]\nname = \"TOKEN\"\n", echo)
	var log bytes.Buffer
	a.Log = &log
	if err := a.CheckSettings(); err != nil || !strings.Contains(log.String(), "--set TOKEN=VALUE") {
		t.Errorf("%v, %s", err, &log)
	}
	a.Settings = map[string]string{"TOKN": "x"}
	if err := a.CheckSettings(); err == nil || !strings.Contains(err.Error(), "no setting TOKN: it has URL, TOKEN") {
		t.Error(err)
	}
}

func TestRun(t *testing.T) {
	a, out := alone(t, `can = ["receive", "send"]`, echo)
	if err := a.Run(t.Context(), `U1 "Kontis"`); err != nil {
		t.Error(err)
	}
	for _, want := range []string{`report send-1: U1 "Kontis"`, "sent, receipt r-send-1"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
}

func TestRunOnce(t *testing.T) {
	a, out := alone(t, "can = [\"task\"]\nrun = \"once\"\n", "#!/bin/sh\nread -r l\necho '{\"type\":\"result\",\"verdict\":{\"refuse\":true,\"reason\":\"no line\"}}'\n")
	if err := a.Run(t.Context(), "x"); err != nil || out.String() != "refused: no line\n" {
		t.Errorf("%q, %v", out, err)
	}
	if err := a.Run(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "--report") {
		t.Errorf("without a report: %v", err)
	}
}
