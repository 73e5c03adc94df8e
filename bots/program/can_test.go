package program_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/kittest"
	"ticketfrei/bots/program"
	"ticketfrei/db"
	"ticketfrei/internal/bus"
	"ticketfrei/internal/report"
)

// ready waits until the program runs.
func (o *outside) ready() { o.t.Helper(); o.waitForFile("heard", `"check"`) }

func TestTask(t *testing.T) {
	o := newOutside(t, "toy", `can = ["task"]`, toy)
	o.work(nil)
	o.ready()
	tasker := o.Network.(bots.Tasker)
	r := o.Elsewhere(o.city, "U1 Plärrer")
	r.Author, r.Results = "somebody", `{"gtfs":{"line":"U1"}}`
	got, err := tasker.Task(t.Context(), o.bot, r)
	if err != nil || string(got.Results) != `{"line": "U1", "before": {"gtfs": {"line": "U1"}}}` || got.Refuse != "" {
		t.Errorf("the task says %s, %v", got.Results, err)
	}
	if heard := o.file("heard"); strings.Contains(heard, "somebody") || strings.Contains(heard, "author") {
		t.Errorf("the program learns who wrote it: %s", heard)
	}
	r.ID, r.Text = "2", "refuse this"
	if got, err := tasker.Task(t.Context(), o.bot, r); err != nil || got.Refuse != "no such line" {
		t.Errorf("refused: %+v, %v", got, err)
	}
	r.ID, r.Text = "4", "answer me"
	if got, err := tasker.Task(t.Context(), o.bot, r); err != nil || got.Answer != "in 5 minutes" {
		t.Errorf("who wrote is answered: %+v, %v", got, err)
	}
	r.ID, r.Text = "3", "big"
	if got, err := tasker.Task(t.Context(), o.bot, r); err != nil || len(got.Results) < 5000 {
		t.Errorf("5,000 bytes of results, which the relay refuses: %d, %v", len(got.Results), err)
	}
	if n := len(o.Deliveries(o.bot, r)); n != 0 {
		t.Errorf("what only looks is sent %d deliveries", n)
	}
}

func TestOnlyTaskersAreTaskers(t *testing.T) {
	o := newOutside(t, "echo", `can = ["send"]`, echo)
	if _, is := o.Network.(bots.Tasker); is {
		t.Error("a program that only sends looks at reports")
	}
	if _, is := o.Network.(bots.Recipients); is {
		t.Error("a program without recipients has some")
	}
}

func TestCommand(t *testing.T) {
	o := newOutside(t, "toy", "can = [\"command\"]\n[[command]]\nword = \"fahrplan\"\nentities = [\"line\", \"stop\"]\n", toy)
	o.work(nil)
	o.ready()
	n := o.Network.(bots.Commander)
	if list, err := n.Commands(t.Context(), o.bot); err != nil || !slices.Equal(list, []string{"fahrplan"}) {
		t.Errorf("the commands are %v, %v", list, err)
	}
	said, err := n.Command(t.Context(), o.bot, bots.Command{Word: "fahrplan", Text: "U1", Reading: report.Reading{Line: "U1", Toward: "Fürth"}})
	if err != nil || said != `fahrplan U1{"line": "U1"}` {
		t.Errorf("it answers %q, %v", said, err)
	}
}

func TestRecipients(t *testing.T) {
	o := newOutside(t, "toy", `can = ["receive", "send", "recipients", "retract"]`, toy)
	b, _ := o.work(nil)
	o.ready()
	n := o.Network.(bots.Recipients)
	say := func(line string) {
		t.Helper()
		// A text that is a line is said by the program; the recipient of this one is nobody's.
		if _, err := b.Send(t.Context(), report.NewDelivery(o.Elsewhere(o.city, line), o.bot, 0)); err != nil {
			t.Fatal(err)
		}
	}
	say(`{"type":"recipient","id":"+49 911","on":true}`)
	say(`{"type":"recipient","id":"+49 912"}`)
	o.waitFor("two recipients", func() bool { c, err := n.CountRecipients(t.Context(), o.bot); return err == nil && c == 2 })
	say(`{"type":"recipient","id":"+49 912","on":false}`)
	o.waitFor("one recipient", func() bool { c, err := n.CountRecipients(t.Context(), o.bot); return err == nil && c == 1 })
	list := o.Deliveries(o.bot, o.Elsewhere(o.city, "U1"))
	if len(list) != 1 {
		t.Fatalf("%d deliveries", len(list))
	}
	if len(o.Deliveries(o.bot, o.Heard(o.bot, bots.Incoming{ID: "1", Author: "+49 911", Text: "U1"}))) != 0 {
		t.Error("who wrote it is sent it")
	}
	receipt, err := b.Send(t.Context(), list[0])
	if err != nil {
		t.Fatal(err)
	}
	list[0].Retract = &receipt
	if err := b.(bots.Retracter).Retract(t.Context(), list[0]); err != nil {
		t.Error(err)
	}
	o.waitForFile("heard", `"receipt": {"id": "r1", "url": "https://toy.example/1"}, "recipient": "+49 911"`)
	if err := n.RemoveRecipient(t.Context(), o.bot, list[0].Recipient); err != nil {
		t.Error(err)
	}
	_, err = b.Send(t.Context(), list[0])
	kittest.WantKind(t, err, bots.KindGone)
}

func TestRoutes(t *testing.T) {
	o := newOutside(t, "toy", "[[route]]\npath = \"status/now\"\n", toy)
	visitor := o.Browser()
	visitor.Get("/city/leeds/toy/status/now", http.StatusNotFound) // not connected
	o.work(nil)
	o.ready()
	p := visitor.Get("/city/leeds/toy/status/now", http.StatusOK)
	var asked struct{ Method, Path, Query, Body string }
	if err := json.Unmarshal([]byte(p.Body), &asked); err != nil || asked.Method != http.MethodGet || asked.Path != "status/now" || asked.Query != "" {
		t.Errorf("asked %s, %v", p.Body, err)
	}
	p = visitor.Post("/city/leeds/toy/status/now", url.Values{"ö": {"ü&"}}, http.StatusCreated)
	if err := json.Unmarshal([]byte(p.Body), &asked); err != nil || asked.Method != http.MethodPost || asked.Body != "%C3%B6=%C3%BC%26" {
		t.Errorf("posted %s, %v", p.Body, err)
	}
	visitor.Get("/city/leeds/toy/status/now?type=application/javascript", http.StatusBadGateway)
	visitor.Get("/city/leeds/toy/other", http.StatusNotFound)
	visitor.Post("/city/leeds/toy/status/now", url.Values{"a": {strings.Repeat("x", 70_000)}}, http.StatusRequestEntityTooLarge)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, o.Config.Web.URL+"/city/leeds/toy/status/now", strings.NewReader("a=b"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Origin", "https://elsewhere.example")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	if rec := serve(o, r); rec.Code != http.StatusForbidden {
		t.Errorf("a form of another site is answered with %d", rec.Code)
	}
	r, err = http.NewRequestWithContext(t.Context(), http.MethodGet, o.Config.Web.URL+"/city/leeds/toy/status/now?type=text/html", nil)
	if err != nil {
		t.Fatal(err)
	}
	if rec := serve(o, r); rec.Header().Get("Content-Type") != "text/html; charset=utf-8" || !strings.Contains(rec.Header().Get("Content-Security-Policy"), "script-src 'self'") {
		t.Errorf("served with %v", rec.Header())
	}
}

// TestEvents has two programs talk by events; one does not hear another city.
func TestEvents(t *testing.T) {
	o := newOutside(t, "toy", "can = [\"send\"]\nsubscribe = [\"bat-signal-*\", \"report.passed\"]\n", toy)
	b, _ := o.work(nil)
	o.ready()
	elsewhere := o.Bus.Subscribe(0, 500, "bat-signal-*")
	defer elsewhere.Close()
	o.waitFor("it listens", func() bool { return o.Bus.Wanted(o.city.ID, bus.ReportPassed) })
	o.Bus.Publish(bus.Event{CityID: o.city.ID + 1, Name: "bat-signal-other"})
	o.Bus.Publish(bus.Event{CityID: o.city.ID, Name: bus.ReportPassed, Payload: json.RawMessage(`{"line":"U1"}`)})
	o.waitForFile("heard", `"type": "event", "name": "report.passed", "payload": {"line": "U1"}, "slug": "leeds"`)
	if _, err := o.send(b, `{"type":"publish","name":"bat-signal-main","payload":[1,"ö"]}`); err != nil {
		t.Fatal(err)
	}
	o.waitForFile("heard", `"name": "bat-signal-main", "payload": [1, "\u00f6"]`)
	if strings.Contains(o.file("heard"), "bat-signal-other") {
		t.Error("it hears another city")
	}
	for name, why := range map[string]string{"report.passed": "server's own", "No Name": "lower case", "bot.off": "server's own"} {
		if _, err := o.send(b, `{"type":"publish","name":"`+name+`"}`); err != nil {
			t.Fatal(err)
		}
		o.waitForFile("heard", why)
	}
	if _, err := o.send(b, strings.Repeat(`{"type":"publish","name":"bat-signal-x"}`+"\n", 150)[:150*41-1]); err != nil {
		t.Fatal(err)
	}
	o.waitForFile("heard", `"error": "too many"`)
	if n := len(elsewhere.C); n < 90 || n > 130 {
		t.Errorf("%d events were published at once", n)
	}
}

func TestServerScope(t *testing.T) {
	o := newOutside(t, "toy", "can = [\"send\"]\nsubscribe = [\">\"]\nscope = \"server\"\n", toy)
	other := o.AddCity("york", "en")
	o.work(nil)
	o.ready()
	o.waitFor("it listens", func() bool { return o.Bus.Wanted(other.ID, "x") })
	o.Bus.Publish(bus.Event{CityID: other.ID, Name: "x"})
	o.waitForFile("heard", `"name": "x", "payload": null, "slug": "york"`)
}

func TestSchedule(t *testing.T) {
	o := newOutside(t, "toy", "can = [\"send\"]\n[[schedule]]\nevery = \"1s\"\n", toy)
	o.work(nil)
	o.ready()
	o.waitForFile("heard", `"type": "tick", "time": "`)
}

func TestTimesOfSchedules(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	at := func(s string) time.Time {
		v, err := time.ParseInLocation("2006-01-02 15:04", s, berlin)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, c := range []struct {
		every       time.Duration
		clock       time.Duration
		after, want string
	}{
		{15 * time.Minute, -1, "2026-11-27 08:01", "2026-11-27 08:16"},
		{24 * time.Hour, 4 * time.Hour, "2026-11-27 03:59", "2026-11-27 04:00"},
		{24 * time.Hour, 4 * time.Hour, "2026-11-27 04:00", "2026-11-28 04:00"},
		{24 * time.Hour, 4 * time.Hour, "2026-03-28 12:00", "2026-03-29 04:00"}, // a day of 23 hours
		{24 * time.Hour, 4 * time.Hour, "2026-10-24 12:00", "2026-10-25 04:00"}, // one of 25
		{48 * time.Hour, 4 * time.Hour, "2026-11-27 04:00", "2026-11-29 04:00"},
		{6 * time.Hour, 4 * time.Hour, "2026-11-27 08:00", "2026-11-27 10:00"},
		{6 * time.Hour, 4 * time.Hour, "2026-11-27 23:00", "2026-11-28 04:00"},
		{6 * time.Hour, 23 * time.Hour, "2026-11-27 00:30", "2026-11-27 05:00"},
	} {
		if got := (program.Schedule{Every: c.every, At: c.clock}).Next(at(c.after), berlin); !got.Equal(at(c.want)) {
			t.Errorf("every %s at %s after %s is %s, want %s", c.every, c.clock, c.after, got.In(berlin), c.want)
		}
	}
}

// TestStore has what was stored be there after a restart, and nowhere in the clear.
func TestStore(t *testing.T) {
	o := newOutside(t, "toy", `can = ["send"]`, toy)
	b, r := o.work(nil)
	say := func(line, want string) {
		t.Helper()
		if _, err := o.send(b, line); err != nil {
			t.Fatal(err)
		}
		o.waitForFile("heard", want)
	}
	say(`{"type":"put","id":"1","key":"stops/1","value":{"name":"Pl\u00e4rrer"},"revision":0}`, `"type": "value", "id": "1", "key": "stops/1"`)
	say(`{"type":"put","id":"2","key":"stops/1","value":1,"revision":0}`, `"id": "2", "text": "put"`)
	say(`{"type":"put","id":"3","key":"a b","value":1}`, `"id": "3", "text": "put"`)
	_ = r.Stop()
	b = o.open()
	kittest.Receive(t, b, o.Inbox)
	say(`{"type":"get","id":"4","key":"stops/1"}`, `"id": "4", "key": "stops/1", "value": {"name": "Pl\u00e4rrer"}, "revision": `)
	say(`{"type":"delete","id":"5","key":"stops/1"}`, `"id": "5", "key": "stops/1", "value": null, "revision": 0`)
	say(`{"type":"get","id":"6","key":"stops/1"}`, `"id": "6", "key": "stops/1", "value": null, "revision": 0`)
}

// storing says lines about the store, the longest that there may be among them, and then
// many of its log.
const storing = `
import json, sys
for raw in sys.stdin:
    open("heard", "a").write(raw)
    if json.loads(raw)["type"] != "begin": continue
    open("starts", "a").write("1\n")
    put = '{"type":"put","id":"2","key":"own","value":"'
    print('{"type":"ready"}', '{"type":"get","id":"1","key":"long"}', put + "x" * (65536 - len(put) - 2) + '"}', '{"type":"get","id":"3","key":"own"}', sep="\n")
    for i in range(1000): print('{"type":"log","text":"line %d"}' % i)
    print('{"type":"get","id":"4","key":"own"}', flush=True)
`

// TestLongValues has what fits into no line of the store be refused, and the program go on.
func TestLongValues(t *testing.T) {
	o := newOutside(t, "store", `can = ["receive"]`, storing)
	store := o.DB.Store(o.Secrets, o.city.ID, "store")
	if _, err := store.Put(t.Context(), "long", strconv.Quote(strings.Repeat("x", 64<<10-2)), db.AnyRevision); err != nil {
		t.Fatal(err)
	}
	o.work(nil)
	for _, want := range []string{
		`"id":"1","text":"get","error":"with its value, a line would have more than 64 KiB"`, `"id":"2","text":"put","error":"with its value`,
		`"id":"3","key":"own","value":null`, `"id":"4","key":"own","value":null`,
	} {
		o.waitForFile("heard", want)
	}
	if _, _, err := store.Get(t.Context(), "own"); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("what was refused is stored: %v", err)
	}
	if n := len(strings.Fields(o.file("starts"))); n != 1 {
		t.Errorf("started %d times", n)
	}
}

// TestManyLogLines has a program that logs without end fill no log.
func TestManyLogLines(t *testing.T) {
	o := newOutside(t, "store", `can = ["receive"]`, storing)
	o.work(nil)
	o.waitForFile("heard", `"text":"log","error":"too many"`)
	o.waitForFile("heard", `"id":"4"`)
	if n := strings.Count(o.Lines.String(), "line "); n < 50 || n > 200 {
		t.Errorf("%d of 1,000 lines are in the log", n)
	}
}

// TestWrongFields has a line with a field of another kind be answered, and nothing be lost.
func TestWrongFields(t *testing.T) {
	o := newOutside(t, "toy", `can = ["send", "receive", "recipients"]`, toy)
	b, _ := o.work(nil)
	o.ready()
	say := func(lines string) {
		t.Helper()
		if _, err := o.send(b, lines); err != nil {
			t.Fatal(err)
		}
	}
	for line, want := range map[string]string{
		`{"type":"report","id":5,"text":"U1"}`:    `"text": "report", "error": "its field id is a JSON number"`,
		`{"type":"recipient","id":"r","on":"no"}`: `"id": "r", "text": "recipient", "error": "its field on is a JSON string"`,
	} {
		say(line)
		o.waitForFile("heard", want)
	}
	say("{\"type\":\"pong\"}\n \t\n\r\n{\"type\":\"report\",\"id\":\"6\",\"text\":\"U2\"}") // lines with nothing in them are passed over
	o.Inbox.WaitFor(t, "U2")
	if n := len(strings.Fields(o.file("starts"))); n != 1 {
		t.Errorf("started %d times", n)
	}
}

func TestStatus(t *testing.T) {
	o := newOutside(t, "toy", `can = ["send"]`, toy)
	b, _ := o.work(nil)
	page := func() *kittest.Page { return o.Moderator(o.city).Get("/settings/networks", http.StatusOK) }
	for _, word := range []string{"SUCCESS", "FAIL", "REGRESSION", "FIXED"} {
		if _, err := o.send(b, `{"type":"status","status":"`+word+`","job":"modem of ö"}`); err != nil {
			t.Fatal(err)
		}
		o.waitFor("the card says "+word, func() bool { return strings.Contains(page().Text(), "It says of itself: "+word+" modem of ö") })
	}
	if says := o.Network.(bots.Speaker).Says(o.bot); says != "FIXED modem of ö" {
		t.Errorf("it says %q", says)
	}
	if !strings.Contains(o.Lines.String(), "program.log.fixed") {
		t.Error("that it works again is not in the log")
	}
	if _, err := o.send(b, `{"type":"status","status":"GREAT"}`); err != nil {
		t.Fatal(err)
	}
	o.waitForFile("heard", "status is one of")
	if _, err := o.send(b, `{"type":"status","status":"ABORTED","job":"no credit"}`); err != nil {
		t.Fatal(err)
	}
	o.waitFor("it is switched off", func() bool { return !o.Bots(o.city)[0].Enabled })
}

// TestWorkers has several processes of a program.
func TestWorkers(t *testing.T) {
	o := newOutside(t, "toy", "can = [\"send\"]\nworkers = 3\n", toy)
	b, _ := o.work(nil)
	o.waitFor("three processes", func() bool { return strings.Count(o.file("starts"), "\n") == 3 })
	if n := b.(bots.Concurrent).Concurrency(); n != 12 {
		t.Errorf("%d at a time", n)
	}
	if _, err := o.send(b, "U1"); err != nil {
		t.Error(err)
	}
}
