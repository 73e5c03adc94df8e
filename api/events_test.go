package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"ticketfrei/internal/apikey"
	"ticketfrei/internal/bus"
)

// event is one that a client hears.
type event struct{ id, name, data string }

// following is an open stream of events.
type following struct {
	w      *world
	events chan event
	end    context.CancelFunc
}

// follow opens a stream, and waits until it is open.
func (w *world) follow(query, key string, headers ...string) *following {
	w.Helper()
	ctx, end := context.WithCancel(w.Context())
	req := must(http.NewRequestWithContext(ctx, http.MethodGet, w.url+"/cities/gotham/events"+query, nil))(w.T)
	req.Header.Set("X-Forwarded-For", "198.51.100.1")
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp := must(http.DefaultClient.Do(req))(w.T)
	if resp.StatusCode != http.StatusOK || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		w.Fatalf("%d %v", resp.StatusCode, resp.Header)
	}
	f := &following{w, make(chan event, 1000), end}
	go f.read(resp)
	w.Cleanup(end)
	return f
}

// read reads the stream until it ends.
func (f *following) read(resp *http.Response) {
	defer resp.Body.Close()
	defer close(f.events)
	var e event
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		field, value, _ := strings.Cut(lines.Text(), ": ")
		switch field {
		case "id":
			e.id = value
		case "event":
			e.name = value
		case "data":
			e.data = value
		case "":
			if e.name != "" {
				f.events <- e
			}
			e = event{}
		}
	}
}

// next waits for the next event.
func (f *following) next() event {
	f.w.Helper()
	select {
	case e, ok := <-f.events:
		if !ok {
			f.w.Fatal("the stream has ended")
		}
		return e
	case <-time.After(patience):
		f.w.Fatal("no event comes")
		return event{}
	}
}

// text is that of a report in an event.
func (e event) text() string {
	var r reportForm
	_ = json.Unmarshal([]byte(e.data), &r)
	return r.Text
}

// TestEvents follows what happens, with a key and without.
func TestEvents(t *testing.T) {
	w := newWorld(t)
	all := w.key(apikey.All)
	everybody, mine := w.follow("", ""), w.follow("?subjects=report.*,bot.>,batsignal-*", all)
	r := w.post(all, "Kontis U1")
	e := everybody.next()
	if e.id != r.ID || e.name != "report.passed" || e.text() != "Kontis U1" || strings.Contains(e.data, "reason") {
		t.Errorf("%+v", e)
	}
	if e := mine.next(); e.id != r.ID || !strings.Contains(e.data, `"reason":"trigger"`) {
		t.Errorf("%+v", e)
	}
	w.bus.Tell(w.city.ID, "bot.trouble", w.clock(), bus.BotState{Bot: 1, Network: "mail", State: "trouble"})
	w.bus.Tell(w.city.ID+1, "bot.trouble", w.clock(), nil)
	w.bus.Tell(w.city.ID, "report.refused", w.clock(), map[string]string{"id": "x", "text": "secret"})
	w.bus.Tell(w.city.ID, "batsignal-main", w.clock(), nil)
	for _, want := range []string{"bot.trouble", "report.refused", "batsignal-main"} {
		if e := mine.next(); e.name != want || e.id != "" || !json.Valid([]byte(e.data)) {
			t.Errorf("%+v, want %s", e, want)
		}
	}
	w.do("POST", "/cities/gotham/reports/"+r.ID+"/take-back", all, nil).want(204)
	if e := everybody.next(); e.name != "report.taken_back" || e.text() != "" || !strings.Contains(e.data, r.ID) || e.id != "" {
		t.Errorf("everybody hears %+v", e)
	}
	if e := mine.next(); e.name != "report.taken_back" || e.text() != "Kontis U1" {
		t.Errorf("%+v", e)
	}
}

// TestEventsAreMadeUpFor has a client come back with the last event that it has heard.
func TestEventsAreMadeUpFor(t *testing.T) {
	w := newWorld(t, "TICKETFREI_BRAKES_AUTHOR=0", "TICKETFREI_API_REQUESTS=1000")
	all := w.key(apikey.All)
	first := w.post(all, "Kontis 0")
	var missed []string
	for i := range 250 { // more than are read at once
		missed = append(missed, w.post(all, fmt.Sprint("Kontis U", i)).Text)
	}
	f := w.follow("", "", "Last-Event-ID", first.ID)
	last := ""
	for _, want := range missed {
		e := f.next()
		if e.text() != want {
			t.Fatalf("%s comes, want %s", e.text(), want)
		}
		last = e.id
	}
	w.post(all, "Kontis am Plärrer")
	if e := f.next(); e.text() != "Kontis am Plärrer" {
		t.Errorf("%s comes", e.text())
	}
	for _, id := range []string{last, "unknown"} {
		f := w.follow("?subjects=report.passed", "", "Last-Event-ID", id)
		w.post(all, "Kontis nach "+id)
		if e := f.next(); id == last && e.text() != "Kontis am Plärrer" || id != last && e.text() != "Kontis nach unknown" {
			t.Errorf("after %s: %s", id, e.text())
		}
		f.end()
	}
}

// TestEventsThatNobodyMayHear asks for others than there are.
func TestEventsThatNobodyMayHear(t *testing.T) {
	w := newWorld(t)
	const path = "/cities/gotham/events?subjects="
	w.do("GET", path+"bot.*", "", nil).problem(401, "these events need a key with the right read", "")
	w.do("GET", path+"bot.*", w.key(apikey.Report), nil).problem(401, "the right read", "")
	w.do("GET", path+"BOT", "", nil).problem(422, "is no pattern of events", "query.subjects")
	for range 4 {
		w.follow("", "")
	}
	f := w.follow("", "") // the oldest of them goes
	w.post(w.key(apikey.All), "Kontis")
	f.next()
}

// TestEventsEndWithTheServer closes the API while clients follow.
func TestEventsEndWithTheServer(t *testing.T) {
	w := newWorld(t)
	f := w.follow("", "")
	w.api.Close()
	select {
	case _, open := <-f.events:
		if open {
			t.Error("an event comes")
		}
	case <-time.After(patience):
		t.Error("the stream is still open")
	}
	w.do("GET", "/cities/gotham/events", "", nil).problem(503, "too many event streams are open", "")
}

// TestEventsOfAKeyThatIsRemoved removes a key, and has another expire, while streams are open
// with them.
func TestEventsOfAKeyThatIsRemoved(t *testing.T) {
	w := newWorld(t)
	removed, expired := apikey.New("gotham"), apikey.New("gotham")
	k := must(w.db.AddAPIKey(t.Context(), apikey.Key{CityID: w.city.ID, Rights: []apikey.Right{apikey.Read}}, apikey.Hash(removed)))(t)
	must(w.db.AddAPIKey(t.Context(), apikey.Key{CityID: w.city.ID, Rights: []apikey.Right{apikey.Read}, Expires: w.clock().Add(time.Minute)}, apikey.Hash(expired)))(t)
	everybody := w.follow("", "")
	for name, c := range map[string]struct {
		key string
		end func() error
	}{
		"removed": {removed, func() error { return w.db.RemoveAPIKey(t.Context(), w.city.ID, k.ID) }},
		"expired": {expired, func() error { w.pass(time.Minute); return nil }},
	} {
		t.Run(name, func(t *testing.T) {
			f := w.follow("", c.key)
			w.bus.Tell(w.city.ID, "report.refused", w.clock(), map[string]string{"id": "x", "text": "one"})
			f.next()
			if err := c.end(); err != nil {
				t.Fatal(err)
			}
			w.bus.Tell(w.city.ID, "report.refused", w.clock(), map[string]string{"id": "y", "text": "two"})
			select {
			case e, open := <-f.events:
				if open {
					t.Errorf("%+v", e)
				}
			case <-time.After(patience):
				t.Error("the stream is still open")
			}
		})
	}
	w.post(w.key(apikey.All), "Kontis U1")
	everybody.next()
}

// TestOldReportsAreNotPublic has somebody without a key come back to what is older than a day.
func TestOldReportsAreNotPublic(t *testing.T) {
	w := newWorld(t)
	all := w.key(apikey.All)
	first, old := w.post(all, "Kontis U1"), w.post(all, "Kontis U2")
	w.do("GET", "/cities/gotham/reports/"+old.ID, "", nil).want(200)
	w.pass(25 * time.Hour)
	w.post(all, "Kontis U3")
	if e := w.follow("", "", "Last-Event-ID", first.ID).next(); e.text() != "Kontis U3" {
		t.Errorf("everybody hears %q", e.text())
	}
	if e := w.follow("", all, "Last-Event-ID", first.ID).next(); e.text() != "Kontis U2" {
		t.Errorf("with a key comes %q", e.text())
	}
	w.do("GET", "/cities/gotham/reports/"+old.ID, "", nil).want(404)
	w.do("GET", "/cities/gotham/reports/"+old.ID, all, nil).want(200)
}
