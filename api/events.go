package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"ticketfrei/db"
	"ticketfrei/internal/apikey"
	"ticketfrei/internal/bus"
	"ticketfrei/internal/clients"
	"ticketfrei/internal/report"
)

const (
	// heartbeat is how often an idle stream gets a sign of life.
	heartbeat = 15 * time.Second
	// maxBehind is how many events a stream may fall behind before it is ended: its client
	// opens another, and gets what it missed.
	maxBehind = 256
	// streamWrite bounds one write, streamLife all of a stream: a client opens another.
	streamWrite = 10 * time.Second
	streamLife  = time.Hour
	// replayAtOnce is how many reports are read into memory at a time.
	replayAtOnce = 200
)

// publicEvents are those that everybody may hear.
var publicEvents = []string{bus.ReportPassed, bus.ReportTakenBack}

// events is the open streams of events.
type events struct {
	room *clients.Room

	ctx    context.Context
	cancel context.CancelFunc

	mu   sync.Mutex // while it is decided whether one more opens
	open sync.WaitGroup
}

func newEvents(room *clients.Room) *events {
	e := &events{room: room}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	return e
}

// begin tells whether a stream may open; then leave is to be called when it ends. gone ends
// it from here.
func (e *events) begin(client netip.Prefix, gone func()) (leave func(), ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ctx.Err() != nil {
		return nil, false
	}
	place, ok := e.room.Enter(client, gone)
	if !ok {
		return nil, false
	}
	e.open.Add(1)
	return func() {
		place.Leave()
		e.open.Done()
	}, true
}

// close ends the streams and waits until nobody writes to them.
func (e *events) close() {
	e.mu.Lock()
	e.cancel()
	e.mu.Unlock()
	e.open.Wait()
}

func (a *API) eventRoutes() {
	op := a.operation(route{id: "follow-events", method: http.MethodGet, path: "/cities/{city}/events", tag: "events", summary: "What happens, as it happens",
		about: "A stream of server-sent events: the name of each is its subject, its data JSON (for reports, a report). " +
			"A client that comes back with Last-Event-ID first gets the reports that have passed since. " +
			"Without a key there are report.passed and report.taken_back.",
		takes: []string{"subjects", "Last-Event-ID"},
	}, reflect.TypeFor[none](), reflect.TypeFor[string]())
	op.DefaultStatus = http.StatusOK
	op.Responses = map[string]*huma.Response{"200": {Description: "A stream of events.", Content: map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: "string"}}}}}
	register(a, op, a.followEvents)
}

// eventsRequest is a request for a stream of events.
type eventsRequest struct {
	City     string `path:"city" maxLength:"40" doc:"The city's name in addresses." example:"gotham"`
	Subjects string `query:"subjects" maxLength:"500" default:"report.*" doc:"Patterns of subjects with commas between them: * stands for anything within a part, > for all that follows." example:"report.*,bot.>"`
	LastID   string `header:"Last-Event-ID" maxLength:"100" doc:"The id of the last event that was heard."`
}

// patterns reads the subjects that are wanted.
func (in eventsRequest) patterns() ([]bus.Pattern, error) {
	var list []bus.Pattern
	for part := range strings.SplitSeq(in.Subjects, ",") {
		p := bus.Pattern(strings.TrimSpace(part))
		if err := p.Check(); err != nil {
			return nil, wrong("query.subjects", err.Error(), in.Subjects)
		}
		list = append(list, p)
	}
	return list, nil
}

func (a *API) followEvents(ctx context.Context, in *eventsRequest) (*huma.StreamResponse, error) {
	patterns, err := in.patterns()
	if err != nil {
		return nil, err
	}
	f := &follower{api: a, ctx: ctx, city: city(ctx), lastID: in.LastID, all: may(ctx, apikey.Read), patterns: patterns}
	if !f.all && !f.wants(bus.ReportPassed) && !f.wants(bus.ReportTakenBack) {
		return nil, unauthorized("these events need a key with the right read", "")
	}
	if err := f.enter(); err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(c huma.Context) {
		defer f.end()
		_, w := humachi.Unwrap(c)
		f.follow(w)
	}}, nil
}

// follower is one open stream.
type follower struct {
	api      *API
	ctx      context.Context
	city     report.City
	patterns []bus.Pattern
	all      bool // it may hear everything
	lastID   string
	sub      *bus.Subscription
	gone     context.CancelFunc
	leave    func() // the room

	out      *http.ResponseController
	w        http.ResponseWriter
	replayed map[string]bool // reports that were sent as they had passed before
}

// enter takes a place in the room, and subscribes: what happens from now on is not missed.
func (f *follower) enter() error {
	f.ctx, f.gone = context.WithCancel(f.ctx)
	r := f.ctx.Value(requestOf{}).(*http.Request)
	var ok bool
	if f.leave, ok = f.api.events.begin(clients.OfRequest(r, f.api.Config.Web.TrustedProxies), f.gone); !ok {
		f.gone()
		return later(http.StatusServiceUnavailable, "too many event streams are open: try again", 30*time.Second)
	}
	f.sub = f.api.Bus.Subscribe(f.city.ID, maxBehind, f.patterns...)
	return nil
}

func (f *follower) end() {
	f.gone()
	f.sub.Close()
	f.leave()
}

func (f *follower) wants(name string) bool {
	return slices.ContainsFunc(f.patterns, func(p bus.Pattern) bool { return p.Matches(name) }) &&
		(f.all || slices.Contains(publicEvents, name))
}

// follow writes events until either side ends the stream.
func (f *follower) follow(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("X-Accel-Buffering", "no") // nginx
	f.w, f.out = w, http.NewResponseController(w)
	// The server's limits are for pages. A stream has its own.
	_ = f.out.SetReadDeadline(time.Time{})
	if !f.push([]byte("retry: 3000\n\n")) || !f.replay() {
		return
	}
	tick, end := time.NewTicker(heartbeat), time.NewTimer(streamLife)
	defer tick.Stop()
	defer end.Stop()
	for {
		ok := false
		select {
		case e := <-f.sub.C:
			ok = f.holds() && f.tell(e) && !f.sub.Missed()
		case <-tick.C:
			ok = f.holds() && f.push([]byte(": still here\n\n"))
		case <-end.C:
		case <-f.ctx.Done():
		case <-f.api.events.ctx.Done():
		}
		if !ok {
			return
		}
	}
}

// holds tells whether the key that the stream was opened with still holds: it may have been
// removed, or have expired.
func (f *follower) holds() bool {
	k, known := key(f.ctx)
	if !known {
		return true
	}
	ok, err := f.api.DB.HasAPIKey(f.ctx, k.ID)
	if err != nil && f.ctx.Err() == nil {
		f.api.Log.Error("a stream of events was ended: its key cannot be looked up", "city", f.city.Slug, "err", err)
	}
	return ok && !k.Expired(f.api.Now())
}

// replay sends the reports that have passed since the last event that the client has heard.
func (f *follower) replay() bool {
	for last := f.lastID; last != "" && f.wants(bus.ReportPassed); {
		list, err := f.api.DB.PassedAfter(f.ctx, f.city.ID, last, replayAtOnce)
		if err != nil {
			f.api.Log.Error("a stream of events was ended: what had passed cannot be read", "city", f.city.Slug, "err", err)
			return false
		}
		last = ""
		for _, j := range list {
			old := !f.all && f.api.tooOld(j.Report)
			if !old && !f.again(j) {
				return false
			}
			last = j.Report.ID
		}
		if len(list) < replayAtOnce {
			break
		}
	}
	return true
}

// again sends a report that has passed before.
func (f *follower) again(j db.Judged) bool {
	form := j.Report.Form(f.city.Slug, j.Verdict)
	if !f.all {
		form = public(form)
	}
	raw, err := json.Marshal(form)
	if err != nil {
		return false
	}
	if f.replayed == nil {
		f.replayed = make(map[string]bool)
	}
	f.replayed[j.Report.ID] = true
	return f.send(j.Report.ID, bus.ReportPassed, raw)
}

// tell sends an event, unless the client must not hear it or has heard it.
func (f *follower) tell(e bus.Event) bool {
	if !f.wants(e.Name) {
		return true
	}
	if !strings.HasPrefix(e.Name, "report.") {
		return f.send("", e.Name, e.Payload)
	}
	var form report.Form
	if err := json.Unmarshal(e.Payload, &form); err != nil {
		return true
	}
	id := ""
	if e.Name == bus.ReportPassed { // after another one, nothing could be found again
		if id = form.ID; f.replayed[id] {
			delete(f.replayed, id)
			return true
		}
	}
	if !f.all {
		form = public(form)
		if e.Name == bus.ReportTakenBack {
			form = report.Form{ID: form.ID, City: form.City, Time: form.Time}
		}
	}
	raw, err := json.Marshal(form)
	return err == nil && f.send(id, e.Name, raw)
}

// send writes an event; without an id, the client keeps the last.
func (f *follower) send(id, name string, data []byte) bool {
	var b bytes.Buffer
	if id != "" {
		fmt.Fprintf(&b, "id: %s\n", id)
	}
	if len(data) == 0 {
		data = []byte("{}")
	}
	fmt.Fprintf(&b, "event: %s\ndata: %s\n\n", name, data)
	return f.push(b.Bytes())
}

// push writes to the client. Between writes there is no deadline: with HTTP/2 one that passes
// ends the stream, even if nothing is being written.
func (f *follower) push(p []byte) bool {
	_ = f.out.SetWriteDeadline(time.Now().Add(streamWrite))
	if _, err := f.w.Write(p); err != nil || f.out.Flush() != nil {
		return false
	}
	_ = f.out.SetWriteDeadline(time.Time{})
	return true
}
