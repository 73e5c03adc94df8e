package frontend

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"ticketfrei/internal/clients"
	"ticketfrei/internal/slow"
)

// ended waits until the stream has ended, without a fault.
func (w *watcher) ended() {
	w.t.Helper()
	for {
		if _, ok := w.next(); !ok {
			break
		}
	}
	if err := w.in.Err(); err != nil {
		w.t.Errorf("the stream broke off: %v", err)
	}
}

// TestStreamsOfOneClientLeaveRoomForOthers has one client open far more streams
// than are for one.
func TestStreamsOfOneClientLeaveRoomForOthers(t *testing.T) {
	tn := newTown(t, func(o *Options) {
		o.Config.Web.TrustedProxies = loopback
		o.Streams = clients.NewRoom(10, 3)
	})
	c := tn.members("nuernberg", "Nürnberg", "rider@example.org")
	live := tn.liveURL(c)
	from := func(address string) *watcher { return tn.watch(live, "X-Forwarded-For", address) }
	first := from("192.0.2.1")
	greedy := from("2001:db8::1")
	for range 30 {
		from("2001:db8::2:3") // the same network
	}
	greedy.ended()
	last := from("192.0.2.2")
	tn.knows(c)
	tn.tell(c, "one", "Kontrolle Plärrer", 0)
	for _, w := range []*watcher{first, last} {
		if _, _, html := w.until(); !strings.Contains(html, "Plärrer") {
			t.Errorf("told %s", html)
		}
	}
}

// TestOldestStreamMakesRoom has everybody come from one gateway: this machine.
func TestOldestStreamMakesRoom(t *testing.T) {
	tn := newTown(t, func(o *Options) { o.Streams = clients.NewRoom(3, 1) })
	c := tn.members("nuernberg", "Nürnberg", "rider@example.org")
	live := tn.liveURL(c)
	oldest := tn.watch(live)
	second := tn.watch(live)
	for range 2 {
		tn.watch(live)
	}
	oldest.ended()
	tn.knows(c)
	tn.tell(c, "one", "Kontrolle Plärrer", 0)
	if _, _, html := second.until(); !strings.Contains(html, "Plärrer") {
		t.Errorf("told %s", html)
	}
}

// feeder serves one stream by itself.
type feeder struct {
	*httptest.Server
	out   chan []byte
	ended chan struct{} // closed when the stream is over for the server
}

func newFeeder(t *testing.T, times streamTimes) *feeder {
	t.Helper()
	f := &feeder{out: make(chan []byte, 100), ended: make(chan struct{})}
	f.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(f.ended)
		_ = feed(w, r, &stream{out: f.out, gone: make(chan struct{})}, times)
	}))
	f.Config.WriteTimeout = 100 * time.Millisecond // that of pages, which is not for streams
	t.Cleanup(f.Close)
	return f
}

// mustEnd waits until the server has ended the stream.
func (f *feeder) mustEnd(t *testing.T) {
	t.Helper()
	select {
	case <-f.ended:
	case <-time.After(20 * time.Second):
		t.Fatal("the stream is held")
	}
}

// TestStreamOfWhoNeverReads asks for a stream and does not read it.
func TestStreamOfWhoNeverReads(t *testing.T) {
	f := newFeeder(t, streamTimes{write: 50 * time.Millisecond, life: time.Hour})
	f.Start()
	conn, err := net.Dial("tcp", f.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	update := []byte(strings.Repeat(":\n\n", 1<<19))
	for range 30 { // more than any buffer between takes
		f.out <- update
	}
	f.mustEnd(t)
}

// TestStreamIsNoPage has a stream be silent for longer than a write may take, over
// both versions of HTTP.
func TestStreamIsNoPage(t *testing.T) {
	slow.Test(t, "waits longer than a page may take")
	for name, second := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			f := newFeeder(t, streamTimes{write: 100 * time.Millisecond, life: time.Hour})
			f.EnableHTTP2 = second
			f.StartTLS()
			resp, err := f.Client().Get(f.URL)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if (resp.ProtoMajor == 2) != second {
				t.Fatalf("answered with %s", resp.Proto)
			}
			in := bufio.NewScanner(resp.Body)
			for _, text := range []string{"one", "two"} {
				f.out <- []byte("event: " + text + "\n\n")
				for in.Scan() && in.Text() != "event: "+text {
				}
				if in.Err() != nil || in.Text() != "event: "+text {
					t.Fatalf("%s did not come: %v", text, in.Err())
				}
				time.Sleep(300 * time.Millisecond) // silence is what is tested
			}
		})
	}
}

func TestStreamGrowsOld(t *testing.T) {
	f := newFeeder(t, streamTimes{write: time.Second, life: 20 * time.Millisecond})
	f.Start()
	resp, err := http.Get(f.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.ReadAll(resp.Body); err != nil {
		t.Errorf("the stream broke off: %v", err)
	}
	f.mustEnd(t)
}
