package app

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"ticketfrei/bots"
	"ticketfrei/bots/all"
	programs "ticketfrei/bots/program"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/cage"
	"ticketfrei/internal/report"
	"ticketfrei/internal/slow"
)

// TestMain lets the test binary be the helper that cages outside programs.
func TestMain(m *testing.M) {
	if code, is := cage.Helper(os.Args[1:]); is {
		os.Exit(code)
	}
	_ = os.Unsetenv(dbtest.ServerVariable) // the program refuses settings that it does not know
	debug.SetGCPercent(400)                // many small servers one after another: most garbage is never worth a look
	code := m.Run()
	_ = os.RemoveAll(programDir)
	os.Exit(code)
}

// hostileEcho writes down what it is sent and says it again as a report, unless it is told
// to do something bad.
const hostileEcho = `#!/bin/sh
while read -r line; do
  id=$(printf '%s' "$line" | sed -n 's/.*"id":"\([^"]*\)".*/\1/p')
  text=$(printf '%s' "$line" | sed -n 's/.*"text":"\(.*\)","time".*/\1/p')
  case $line in
  '{"type":"begin"'*) printf '%s' "$line" > begin; echo '{"type":"ready","protocol":1}' ;;
  '{"type":"ping"'*) echo '{"type":"pong"}' ;;
  *crashme*) kill -9 $$ ;;
  *hangme*) sleep 100 ;;
  *garbage*) echo 'oh no' ;;
  *longline*) head -c 70000 /dev/zero | tr '\0' x; echo ;;
  '{"type":"send"'*)
    printf '%s\n' "$text" >> sent
    printf '{"type":"report","id":"%s","author":"rider","text":"%s, says the echo"}\n' "$id" "$text"
    printf '{"type":"sent","id":"%s"}\n' "$id" ;;
  '{"type":"end"'*) exit 0 ;;
  esac
done
`

// outsideProgram writes a program into a directory of programs.
func outsideProgram(t *testing.T, dir, name, manifest, code string) {
	t.Helper()
	own := filepath.Join(dir, name)
	if err := os.MkdirAll(own, 0o755); err != nil {
		t.Fatal(err)
	}
	manifest = fmt.Sprintf("name = %q\ncommand = [\"sh\", \"program.sh\"]\n", name) + manifest
	for file, content := range map[string]string{"program.sh": code, programs.File: manifest} {
		if err := os.WriteFile(filepath.Join(own, file), []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// startPrograms runs a server with the programs in a directory.
func startPrograms(t *testing.T, dir string, box *mailbox) *app {
	t.Helper()
	definitions := all.Networks()
	cfg := appConfig(t, t.TempDir(), box, definitions, append(unbraked, "TICKETFREI_BRAKES_AUTHOR=0", "TICKETFREI_PROGRAMS_DIR="+dir)...)
	more, _, err := programs.Definitions(cfg, definitions)
	if err != nil {
		t.Fatal(err)
	}
	return runApp(t, cfg, append(definitions, more...))
}

// connectProgram connects a program for a city.
func (a *app) connectProgram(name string, city report.City, values map[string]string) report.Bot {
	a.Helper()
	b, err := a.server.networks[name].(bots.Connector).Connect(a.Context(), city, 0, values)
	if err != nil {
		a.Fatal(err)
	}
	return b
}

// reportHere writes a report on the page of a city.
func (a *app) reportHere(city report.City, text string) {
	a.Helper()
	a.browser().post("/city/"+city.Slug+"/web/report", url.Values{"text": {text}}, http.StatusOK)
}

// TestProgramRelaysBothWays has a program in sh send what is reported, and report itself.
func TestProgramRelaysBothWays(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	outsideProgram(t, dir, "echo", `can = ["receive", "send"]`, hostileEcho)
	a := startPrograms(t, dir, startMailbox(t))
	city := a.addCity("nuernberg", "*", "")
	dbtest.MustSavePlaces(t, a.server.db, city.ID, "U1: Plärrer, Rathaus\n"+manyStops())
	a.connectProgram("echo", city, nil)
	const soon = 100 * time.Millisecond
	best, tries := patience, 0
	for ; tries < 5 || best > soon && tries < 40; tries++ { // this machine may have much else to do
		i := tries
		began := time.Now()
		a.reportHere(city, fmt.Sprintf("U%d Plärrer", i))
		waitUntil(t, "the echo", func() bool { return slices.Contains(a.passed(city), fmt.Sprintf("U%d Plärrer, says the echo", i)) })
		best = min(best, time.Since(began))
	}
	t.Logf("from the page to the program and back to the page in %s", best)
	if best > soon && !slow.Racing() {
		t.Errorf("it took %s", best)
	}
	if raw, err := os.ReadFile(filepath.Join(dir, "echo", "begin")); err != nil || !strings.Contains(string(raw), `"lines":["U1","U2"],"stops":["Plärrer","Rathaus","Stop 0 x`) || len(raw) > 64<<10 {
		t.Errorf("it begins with %d bytes: %.200s, %v", len(raw), raw, err)
	}
	if list := a.passed(city); len(list) != 2*tries {
		t.Errorf("passed: %q", list)
	}
	if !strings.Contains(a.figures(), `ticketfrei_program_processes{network="echo",state="running"} 1`) {
		t.Error("its process is not counted")
	}
}

// manyStops is a line with more stops than have room in a line of the protocol.
func manyStops() string {
	var b strings.Builder
	b.WriteString("U2: ")
	for i := range 5000 {
		fmt.Fprintf(&b, "Stop %d of many, ", i)
	}
	return strings.ReplaceAll(strings.TrimSuffix(b.String(), ", "), " of many", strings.Repeat(" x", 10))
}

// TestHostileProgram has a program crash, hang and write nonsense with a report in hand:
// the next report comes through, also while others are tried again, and mail notices nothing.
func TestHostileProgram(t *testing.T) {
	slow.Test(t, "waits for a program that hangs")
	dir, box := t.TempDir(), startMailbox(t)
	outsideProgram(t, dir, "echo", "can = [\"receive\", \"send\"]\nanswer = \"1500ms\"\n", hostileEcho)
	a := startPrograms(t, dir, box)
	city := a.addCity("nuernberg", "*", "")
	a.subscribe(box, "nuernberg", "one@riders.example")
	bot := a.connectProgram("echo", city, nil)
	for i, bad := range []string{"crashme", "garbage", "longline", "hangme"} {
		began := time.Now()
		a.reportHere(city, bad)
		next := fmt.Sprintf("U%d Plärrer", i)
		a.reportHere(city, next)
		waitUntil(t, "the mail", func() bool { return len(box.to(t, "one@riders.example", next)) > 0 })
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("%s: the mail came after %s", bad, took)
		}
		waitUntil(t, "the next report", func() bool { return slices.Contains(a.passed(city), next+", says the echo") })
		if took := time.Since(began); took > 6*time.Second { // it waits for one answer at most
			t.Errorf("%s: the next report came through after %s", bad, took)
		} else {
			t.Logf("%s: the next report came through after %s", bad, took)
		}
	}
	a.settled()
	page := a.login("moderator@nuernberg.example").get("/settings/networks", http.StatusOK)
	for _, want := range []string{"The program ended 3 times while it sent this report.", "The program did not answer within 1.5 seconds."} {
		if !strings.Contains(page, want) && !strings.Contains(a.log.String(), want) {
			t.Errorf("the moderators do not read %q", want)
		}
	}
	if b, err := a.server.db.Bot(t.Context(), bot.ID); err != nil || b.State == report.BotAttention {
		t.Errorf("the bot is %v, %v", b.State, err)
	}
}

// TestProgramCommands uses the command line beside a server that runs.
func TestProgramCommands(t *testing.T) {
	dir := t.TempDir()
	outsideProgram(t, dir, "echo", "can = [\"receive\", \"send\"]\nlabels = {kind = \"demo\"}\n[[setting]]\nname = \"TOKEN\"\nsecret = true\n", hostileEcho)
	outsideProgram(t, dir, "off", "can = [\"send\"]\nenabled = false\n", "")
	a := startPrograms(t, dir, startMailbox(t))
	city := a.addCity("nuernberg", "*", "")
	t.Setenv("TICKETFREI_DATA", a.server.cfg.Data)
	t.Setenv("TICKETFREI_PROGRAMS_DIR", dir)
	defaults := builtIn(t)
	for _, c := range []struct {
		args   string
		stdin  string
		code   int
		stdout string
		stderr string
	}{
		{"program list", "", 0, "echo  echo            receive, send  stays, hot    kind=demo\noff   off             send           switched off", ""},
		{"program list --label kind=sms", "", 0, "NAME", ""},
		{"check-config", "", 0, "# echo (echo): receive, send; stays, hot\n", ""},
		{"program check echo", "", 0, "ok    ready", ""},
		{"program run echo --report U1", "", 0, "sent\n", ""},
		{"program check other", "", 1, "", "there is no program other"},
		{"program enable echo fuerth", "", 1, "", "there is no city fuerth"},
		{"program enable off nuernberg", "", 1, "", "switched off"},
		{"program enable echo nuernberg", "", 1, "", "TOKEN needs a value: ticketfrei program set nuernberg echo TOKEN"},
		{"program set nuernberg echo TOKKEN", "x\n", 1, "", "has no setting TOKKEN: it has TOKEN"},
		{"program set nuernberg echo TOKEN", "", 1, "", "nothing to read the value from"},
		{"program set nuernberg echo TOKEN", "a-secret\n", 0, "Stored.", ""},
		{"program enable echo nuernberg", "", 0, "Connected: echo works for", ""},
	} {
		var stdout, stderr bytes.Buffer
		setDatabase(t)
		code := run(&console{ctx: t.Context(), stdin: strings.NewReader(c.stdin), stdout: &stdout, stderr: &stderr, defaults: defaults}, strings.Fields(c.args))
		if code != c.code || !strings.Contains(stdout.String(), c.stdout) || !strings.Contains(stderr.String(), c.stderr) {
			t.Errorf("%s: code %d\n%s%s", c.args, code, &stdout, &stderr)
		}
		if strings.Contains(stdout.String()+stderr.String(), "a-secret") {
			t.Errorf("%s shows the secret", c.args)
		}
	}
	a.reportHere(city, "U1")
	waitUntil(t, "the echo", func() bool { return slices.Contains(a.passed(city), "U1, says the echo") })
	outsideProgram(t, dir, "wrong", "can = [\"send\"]\ncolour = 1\n", "")
	var stderr bytes.Buffer
	if code := run(&console{ctx: t.Context(), stdout: &bytes.Buffer{}, stderr: &stderr, defaults: defaults}, []string{"check-config"}); code != 1 ||
		!strings.Contains(stderr.String(), filepath.Join(dir, "wrong", programs.File)+":4: colour: there is no such key") {
		t.Errorf("check-config: code %d, %s", code, &stderr)
	}
	t.Setenv("TICKETFREI_PROGRAMS_DIR", "programs") // as where nothing is set
	here, err := filepath.Abs("programs")
	if err != nil {
		t.Fatal(err)
	}
	if said := a.command(0, "program", "list"); said != "" {
		t.Errorf("where there are none, it prints %q", said)
	}
	if said := a.command(1, "program", "check", "echo"); !strings.Contains(said, here) {
		t.Errorf("it does not say where it has looked: %s", said)
	}
}

// TestProgramEndsWithTheServer stops a server whose program sleeps.
func TestProgramEndsWithTheServer(t *testing.T) {
	slow.Test(t, "waits until a program has had its time to end")
	t.Parallel()
	dir := t.TempDir()
	outsideProgram(t, dir, "sleeper", `can = ["send"]`, "#!/bin/sh\necho $$ > pid\nread -r line; echo '{\"type\":\"ready\",\"protocol\":1}'\nsleep 100 & echo $! >> pid; wait; sleep 100\n")
	a := startPrograms(t, dir, startMailbox(t))
	a.connectProgram("sleeper", a.addCity("nuernberg", "*", ""), nil)
	var pids []string
	waitUntil(t, "the program", func() bool {
		raw, _ := os.ReadFile(filepath.Join(dir, "sleeper", "pid"))
		pids = strings.Fields(string(raw))
		return len(pids) == 2
	})
	began := time.Now()
	a.stop()
	if took := time.Since(began); took > 7*time.Second {
		t.Errorf("the server took %s to stop", took)
	}
	for _, pid := range pids {
		if _, err := os.Stat("/proc/" + pid); err == nil {
			t.Errorf("process %s is still there", pid)
		}
	}
}
