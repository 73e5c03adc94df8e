package program_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/kittest"
	"ticketfrei/bots/program"
	"ticketfrei/internal/cage"
	"ticketfrei/internal/report"
)

// TestMain lets the test binary be the helper that cages programs.
func TestMain(m *testing.M) {
	if code, is := cage.Helper(os.Args[1:]); is {
		os.Exit(code)
	}
	os.Exit(m.Run())
}

// echo is a program in sh: what it is sent comes back as a report.
const echo = `#!/bin/sh
while read -r line; do
  id=$(printf '%s' "$line" | sed -n 's/.*"id":"\([^"]*\)".*/\1/p')
  text=$(printf '%s' "$line" | sed -n 's/.*"text":"\(.*\)","time".*/\1/p')
  case $line in
  '{"type":"begin"'*) echo '{"type":"ready","protocol":1}' ;;
  '{"type":"ping"'*) echo '{"type":"pong"}' ;;
  '{"type":"send"'*)
    printf '{"type":"report","id":"%s","author":"rider","text":"%s"}\n' "$id" "$text"
    printf '{"type":"sent","id":"%s","receipt":{"id":"r-%s"}}\n' "$id" "$id" ;;
  '{"type":"end"'*) exit 0 ;;
  esac
done
`

// toy is a program in Python that does what it is sent.
const toy = `
import json, os, sys, time
def say(**m): print(json.dumps(m), flush=True)
def note(s): print(s, file=sys.stderr, flush=True)
for line in sys.stdin:
    m = json.loads(line)
    kind, text = m["type"], m.get("text") or ""
    if kind == "begin":
        json.dump(m, open("begin.json", "w"))
        with open("starts", "a") as f: f.write(str(os.getpid()) + "\n")
        say(type="ready", protocol=1)
    elif kind == "ping": say(type="pong")
    elif kind == "end":
        if os.path.exists("stubborn"): time.sleep(60)
        break
    elif kind == "send":
        with open("sent", "a") as f: f.write(text + "\n")
        if "crashme" in text: os.kill(os.getpid(), 9)
        if "memory" in text: x = bytearray(2 << 30)
        if "exit3" in text: sys.exit(3)
        if "exit0" in text: say(type="sent", id=m["id"]); sys.exit(0)
        if "hangme" in text: time.sleep(60)
        if "garbage" in text: print("no line of the protocol", flush=True)
        if "longline" in text: print("x" * 200000, flush=True)
        if "refuse" in text: say(type="failed", id=m["id"], kind="permanent", error="the modem says no"); continue
        if "later" in text: say(type="failed", id=m["id"], kind="later", after=7, error="busy"); continue
        if "gone" in text: say(type="failed", id=m["id"], kind="gone", error="no such number"); continue
        if "badly" in text: say(type="failed", id=m["id"], kind="refused", error="wrong PIN"); continue
        if text.startswith("{"): print(text, flush=True)
        say(type="sent", id=m["id"], receipt={"id": "r1", "url": "https://toy.example/1"})
    else:
        note("D! " + json.dumps(m))
        with open("heard", "a") as f: f.write(json.dumps(m) + "\n")
        if kind == "retract": say(type="sent", id=m["id"])
        if kind == "task":
            t = m["report"]["text"]
            if "answer" in t: say(type="answer", to=m["id"], text="in 5 minutes")
            if "refuse" in t: say(type="result", id=m["id"], verdict={"refuse": True, "reason": "no such line"})
            elif "big" in t: say(type="result", id=m["id"], results="x" * 5000)
            else: say(type="result", id=m["id"], results={"line": t.split()[0], "before": m.get("results")})
        if kind == "command": say(type="answer", to=m["from"], text=m["word"] + " " + m["text"] + json.dumps(m["entities"]))
        if kind == "request":
            say(type="answer", to=m["id"], text=json.dumps(m), content_type=m.get("query", "").replace("type=", "") or "application/json", status=201 if m["method"] == "POST" else 200)
`

// outside is the network of a program, with a city and its bot.
type outside struct {
	*kittest.Host
	t    *testing.T
	dir  string // of the program
	city report.City
	bot  report.Bot
}

// pingEvery is how often programs are pinged.
const pingEvery = 100 * time.Millisecond

// newOutside makes a network of a program: its manifest, which need not say name and command,
// and its file.
func newOutside(t *testing.T, name, manifest, code string) *outside {
	t.Helper()
	t.Parallel()
	dir := t.TempDir()
	interpreter, file := "sh", name+".sh"
	if !strings.HasPrefix(code, "#!/bin/sh") {
		interpreter, file = python(t), name+".py"
	}
	write(t, dir, filepath.Join(name, file), code)
	write(t, dir, filepath.Join(name, program.File), "name = \""+name+"\"\ncommand = [\""+interpreter+"\", \""+file+"\"]\n"+manifest)
	list, err := program.Pinging(dir, pingEvery, 10*pingEvery)
	if err != nil {
		t.Fatal(err)
	}
	o := &outside{Host: kittest.NewHost(t, list[0]), t: t, dir: filepath.Join(dir, name)}
	o.city = o.AddCity("leeds", "en")
	return o
}

// python is the interpreter that tests with more than a shell need.
func python(t *testing.T) string {
	t.Helper()
	for _, python := range []string{"/usr/bin/python3", "python3"} { // the system's first: what stands before it may be a slow script
		if path, err := exec.LookPath(python); err == nil {
			return path
		}
	}
	if os.Getenv("CI") == "" {
		t.Skip("install python3")
	}
	t.Fatal("install python3")
	return ""
}

// connect connects the city's bot, and returns it as it works.
func (o *outside) connect(values map[string]string) bots.Bot {
	o.t.Helper()
	b, err := o.Network.(bots.Connector).Connect(o.t.Context(), o.city, 0, values)
	if err != nil {
		o.t.Fatal(err)
	}
	o.bot = b
	return o.open()
}

func (o *outside) open() bots.Bot {
	o.t.Helper()
	made, err := o.Open(o.bot)
	if err != nil {
		o.t.Fatal(err)
	}
	return made
}

// work connects the bot and has it receive.
func (o *outside) work(values map[string]string) (bots.Bot, *kittest.Receiving) {
	o.t.Helper()
	made := o.connect(values)
	return made, kittest.Receive(o.t, made, o.Inbox)
}

// send sends a text of another network.
func (o *outside) send(b bots.Bot, text string) (report.Receipt, error) {
	o.t.Helper()
	ctx, done := context.WithTimeout(o.t.Context(), kittest.Patience)
	defer done()
	return b.Send(ctx, report.NewDelivery(o.Elsewhere(o.city, text), o.bot, 0))
}

// file is what the program wrote.
func (o *outside) file(name string) string {
	raw, err := os.ReadFile(filepath.Join(o.dir, name))
	if err != nil {
		return ""
	}
	return string(raw)
}

// waitFor waits until something is so.
func (o *outside) waitFor(what string, is func() bool) {
	o.t.Helper()
	for late := time.Now().Add(kittest.Patience); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(late) {
			o.t.Fatalf("%s: not so\n%s", what, o.Lines)
		}
	}
}

// waitForFile waits until the program has written something.
func (o *outside) waitForFile(name, part string) {
	o.t.Helper()
	o.waitFor(name+" has "+part, func() bool { return strings.Contains(o.file(name), part) })
}

// serve answers a request as the site does.
func serve(o *outside, r *http.Request) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	r.RemoteAddr = "192.0.2.99:1"
	r.RequestURI = r.URL.RequestURI()
	o.Site.ServeHTTP(rec, r)
	return rec
}
