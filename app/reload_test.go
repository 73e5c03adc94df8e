package app

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"ticketfrei/internal/slow"
)

// TestHangup has a program read its settings again: what can change does at once, what cannot
// is said, and a broken file changes nothing.
func TestHangup(t *testing.T) {
	slow.Test(t, "builds and runs the program")
	t.Parallel()
	box := startMailbox(t)
	env, a := environment(t, t.TempDir(), box)
	file := filepath.Join(t.TempDir(), "config.toml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("[log]\nlevel = \"info\"\n")
	binary := buildProgram(t)
	mustAddCity(t, binary, env, "nuernberg")
	p := startProgram(t, binary, append(env, "TICKETFREI_CONFIG="+file)...)
	a.login("m@nuernberg.example").post("/settings/rules", map[string][]string{"triggers": {"kontis"}}, 200)
	read := func(line string) {
		t.Helper()
		if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		waitUntil(t, line, func() bool { return strings.Contains(p.log.String(), line) })
	}
	write("[log]\nlevel = \"debug\"\n[brakes]\ncity = 1\n[web]\nsignup = \"closed\"\n[mail]\nconnections = 16\n")
	read(`msg="the settings were read again" changed="brakes.city, log.level, web.signup"`)
	read(`msg="some settings take effect with a restart only" settings=mail.connections`)
	a.browser().post("/register", map[string][]string{"email": {"new@x.example"}, "city": {"Berlin"}}, 403)
	a.mustSend("one@x.example", here, "m1@x", "", "Kontis hier")
	a.mustSend("two@x.example", here, "m2@x", "", "Kontis dort")
	waitUntil(t, "the second report to be held", func() bool {
		return strings.Contains(p.log.String(), "passed=false reason=flood_city")
	})
	write("[log]\nlevel = \"loud\"\n")
	read(`msg="the settings are wrong: nothing was changed"`)
	if !strings.Contains(p.log.String(), "log.level") {
		t.Errorf("the log does not say what is wrong:\n%s", &p.log)
	}
	a.mustSend("three@x.example", here, "m3@x", "", "Kontis da")
}
