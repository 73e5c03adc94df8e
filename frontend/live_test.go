package frontend

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/db"
	"ticketfrei/internal/clients"
	"ticketfrei/internal/report"
)

// here is the audience of a broker by itself.
var here = audience{1, "de"}

// event is one event of a stream.
type event struct{ name, id, data string }

// watcher reads an event stream.
type watcher struct {
	t    *testing.T
	resp *http.Response
	in   *bufio.Scanner
}

func (tn *town) watch(path string, headers ...string) *watcher {
	tn.t.Helper()
	ctx, cancel := context.WithTimeout(tn.t.Context(), 20*time.Second)
	tn.t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, tn.url+path, nil)
	if err != nil {
		tn.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		tn.t.Fatal(err)
	}
	tn.t.Cleanup(func() { resp.Body.Close() })
	if got := resp.Header.Get("Content-Type"); !strings.HasPrefix(got, "text/event-stream") {
		tn.t.Fatalf("content type %s", got)
	}
	return &watcher{t: tn.t, resp: resp, in: bufio.NewScanner(resp.Body)}
}

// next returns the next event with a name; ok is false at the end.
func (w *watcher) next() (e event, ok bool) {
	var data []string
	for w.in.Scan() {
		name, value, _ := strings.Cut(w.in.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch name {
		case "event":
			e.name = value
		case "id":
			e.id = value
		case "data":
			data = append(data, value)
		case "":
			if e.name != "" {
				e.data = strings.Join(data, "\n")
				return e, true
			}
		}
	}
	return event{}, false
}

// until reads events up to the one that ends an update. It returns their names,
// the last event, and all their texts.
func (w *watcher) until() (names []string, last event, all string) {
	w.t.Helper()
	for {
		e, ok := w.next()
		if !ok {
			w.t.Fatal("the stream ended")
		}
		if e.name == "version" {
			return names, e, all
		}
		names = append(names, e.name)
		all += e.data
	}
}

// liveURL is where the page of the city listens.
func (tn *town) liveURL(c report.City) string {
	tn.t.Helper()
	list := tn.browser().get("/city/" + c.Slug).id("reports")
	return attr(list, "data-live") + "&v=" + attr(list, "data-version")
}

// knows waits until the broker knows what the city's page shows. A report that
// came sooner would make it send the whole list.
func (tn *town) knows(c report.City) {
	tn.t.Helper()
	b := tn.site.live
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		b.mu.Lock()
		_, known := b.latest[audience{c.ID, "en"}]
		b.mu.Unlock()
		if known {
			return
		}
		if time.Now().After(deadline) {
			tn.t.Fatal("the broker has not looked at the city")
		}
	}
}

func TestLive(t *testing.T) {
	tn := newTown(t)
	c := tn.members("nuernberg", "Nürnberg", "rider@example.org")
	other := tn.members("fuerth", "Fürth", "other@example.org")
	tn.tell(c, "one", "Kontrolle Plärrer", time.Hour)
	live := tn.liveURL(c)
	w := tn.watch(live)
	tn.knows(c)

	tn.tell(other, "elsewhere", "Kontrolle in Fürth", 0)
	tn.tell(c, "two", "Kontrolle <i>weg</i>\r\nevent: list\r\n\r\nU1", time.Minute)
	names, version, html := w.until()
	if diff := cmp.Diff([]string{"report"}, names); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(html, "Kontrolle &lt;i&gt;weg&lt;/i&gt;") || !strings.Contains(html, `id="report-two"`) || strings.Contains(html, "author") {
		t.Errorf("event: %s", html)
	}

	t.Run("taken back", func(t *testing.T) {
		if err := tn.db.TakeBack(t.Context(), c.ID, "one"); err != nil {
			t.Fatal(err)
		}
		tn.notices.Passed(c.ID)
		names, _, data := w.until()
		if diff := cmp.Diff([]string{"removed"}, names); diff != "" || data != "one" {
			t.Errorf("%s %q", diff, data)
		}
	})
	t.Run("edited", func(t *testing.T) {
		j, err := tn.db.Report(t.Context(), c.ID, "two")
		if err != nil {
			t.Fatal(err)
		}
		j.Report.Text = "Kontrolle Weißer Turm"
		if err := tn.db.Edit(t.Context(), db.Edit{Report: j.Report, Verdict: report.Verdict{Passed: true}}); err != nil {
			t.Fatal(err)
		}
		tn.notices.Passed(c.ID)
		names, _, html := w.until()
		if diff := cmp.Diff([]string{"report"}, names); diff != "" || !strings.Contains(html, j.Report.Text) || strings.Contains(html, "weg") {
			t.Errorf("%s %q", diff, html)
		}
	})
	t.Run("who comes back gets what was missed", func(t *testing.T) {
		w := tn.watch(live, "Last-Event-ID", version.id)
		names, now, _ := w.until()
		if len(names) != 1 || now.id == version.id {
			t.Errorf("events %v", names)
		}
	})
	t.Run("an older page gets the whole list", func(t *testing.T) {
		names, _, html := tn.watch("/city/nuernberg/live?v=long-ago").until()
		if diff := cmp.Diff([]string{"list"}, names); diff != "" || !strings.Contains(html, "report-two") {
			t.Errorf("%s %s", diff, html)
		}
	})
	t.Run("a page that is up to date gets the next report only", func(t *testing.T) {
		w := tn.watch(tn.liveURL(c))
		tn.tell(c, "three", "Kontrolle Opernhaus", 0)
		names, _, html := w.until()
		if diff := cmp.Diff([]string{"report"}, names); diff != "" || strings.Contains(html, "report-two") {
			t.Errorf("%s %s", diff, html)
		}
	})
	t.Run("a report that is older than others comes alone", func(t *testing.T) {
		w := tn.watch(tn.liveURL(c))
		tn.tell(c, "late", "Kontrolle gestern", 5*time.Hour)
		names, _, html := w.until()
		if diff := cmp.Diff([]string{"report"}, names); diff != "" || !strings.Contains(html, "report-late") {
			t.Errorf("%s %s", diff, html)
		}
	})
	t.Run("ends when the site closes", func(t *testing.T) {
		w := tn.watch(live)
		tn.site.Close()
		for {
			if _, ok := w.next(); !ok {
				break
			}
		}
		if err := w.in.Err(); err != nil {
			t.Errorf("the stream broke off: %v", err)
		}
		resp, _ := tn.request(http.MethodGet, live, "")
		if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
			t.Errorf("status %d", resp.StatusCode)
		}
	})
}

// lists is what a broker reads from, which a test can change.
type lists struct {
	mu   sync.Mutex
	list liveList
	err  error
}

func (l *lists) cityReports(context.Context, int64, string) (liveList, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.list, l.err
}

func (l *lists) slug(context.Context, int64) string { return "nuernberg" }

func (l *lists) set(version string, ids ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = liveList{version: version}
	for _, id := range ids {
		l.list.items = append(l.list.items, liveItem{id: id, look: id, html: []byte("<li>" + id + "</li>")})
	}
}

func TestFiveThousandStreamsAreToldAtOnce(t *testing.T) {
	const streams = 5000
	src := &lists{}
	src.set("v1", "a")
	b := startBroker(src, false, []string{"de"}, clients.NewRoom(5000, 5000), slog.New(slog.DiscardHandler))
	t.Cleanup(b.close)
	all := make([]*stream, streams)
	for i := range all {
		var err error
		if all[i], err = b.join(netip.Prefix{}, here, "older"); err != nil {
			t.Fatal(err)
		}
	}
	told := func(name string) {
		t.Helper()
		for i, st := range all {
			select {
			case m := <-st.out:
				if !strings.Contains(string(m), "event: "+name) {
					t.Fatalf("stream %d: %s", i, m)
				}
			case <-time.After(5 * time.Second):
				t.Fatalf("stream %d was not told", i)
			}
		}
	}
	told("list")
	// The best of several runs: the machine may be busy with something else.
	best := time.Hour
	for i := range 5 {
		src.set(fmt.Sprint("v", i+2), fmt.Sprint("b", i), "a")
		start := time.Now()
		b.changed(1)
		told("report")
		best = min(best, time.Since(start))
	}
	if best > 250*time.Millisecond {
		t.Errorf("it took %s", best)
	}
	for _, st := range all {
		b.leave(here, st)
	}
	if len(b.streams) != 0 || len(b.latest) != 0 {
		t.Errorf("left over: %d, %d", len(b.streams), len(b.latest))
	}
}

func TestSlowStreamIsEnded(t *testing.T) {
	src := &lists{}
	src.set("v0")
	b := startBroker(src, false, []string{"de"}, clients.NewRoom(5000, 5000), slog.New(slog.DiscardHandler))
	t.Cleanup(b.close)
	slow, err := b.join(netip.Prefix{}, here, "v0")
	if err != nil {
		t.Fatal(err)
	}
	fast, err := b.join(netip.Prefix{}, here, "v0")
	if err != nil {
		t.Fatal(err)
	}
	for i := range maxBehind + 1 {
		src.set(fmt.Sprint("v", i+1), fmt.Sprint(i))
		b.changed(1)
		<-fast.out
	}
	select {
	case <-slow.gone:
	case <-time.After(5 * time.Second):
		t.Fatal("the slow one is still there")
	}
	select {
	case <-fast.gone:
		t.Error("the fast one was ended")
	default:
	}
	b.leave(here, slow)
	b.leave(here, fast)
}

func TestHeartbeatAlsoTriesAgain(t *testing.T) {
	src := &lists{err: errors.New("the database is busy")}
	b := startBroker(src, false, []string{"de"}, clients.NewRoom(5000, 5000), slog.New(slog.DiscardHandler))
	t.Cleanup(b.close)
	st, err := b.join(netip.Prefix{}, here, "old")
	if err != nil {
		t.Fatal(err)
	}
	b.beat()
	if m := <-st.out; string(m) != "event: beat\ndata:\n\n" {
		t.Errorf("heartbeat %q", m)
	}
	src.mu.Lock()
	src.err = nil
	src.mu.Unlock()
	src.set("new", "a")
	for deadline := time.Now().Add(5 * time.Second); len(st.out) == 0; time.Sleep(time.Millisecond) {
		// The broker's own look may still be under way.
		if b.tellAll(t.Context()); time.Now().After(deadline) {
			t.Fatal("the city was forgotten")
		}
	}
	if m := <-st.out; !strings.Contains(string(m), "event: list") {
		t.Errorf("update %q", m)
	}
	b.leave(here, st)
}
