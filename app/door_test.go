package app

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"testing"
	"time"

	"ticketfrei/internal/clients"
)

// house is a server of pages behind a door, with one page that takes its time and
// one that is long.
type house struct {
	*testing.T
	*httptest.Server
	began  chan bool  // says that a page was asked for that takes its time
	answer chan bool  // lets one of the slow pages be answered
	ended  chan error // of a page that takes its time because of the client
	idle   chan bool  // says that a connection waits for another request
}

// openHouse lets so many in, in all and of each client. Where seen is false,
// everybody comes from a gateway.
func openHouse(t *testing.T, all, each int, seen bool) *house {
	t.Helper()
	h := &house{T: t, began: make(chan bool), answer: make(chan bool), ended: make(chan error, 1), idle: make(chan bool, 1000)}
	mux := http.NewServeMux()
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		h.began <- true
		select {
		case <-h.answer:
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("/ignored", func(http.ResponseWriter, *http.Request) { h.began <- true })
	mux.HandleFunc("/form", func(w http.ResponseWriter, r *http.Request) {
		h.began <- true
		_, _ = io.ReadAll(r.Body)
	})
	mux.HandleFunc("/long", func(w http.ResponseWriter, r *http.Request) {
		h.began <- true
		_, err := io.Copy(w, io.LimitReader(zeros{}, 1<<30))
		h.ended <- err
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "a page") })
	h.Server = httptest.NewUnstartedServer(nil)
	h.Config = webServer(mux, slog.New(slog.DiscardHandler))
	h.Config.ConnState = func(c net.Conn, state http.ConnState) {
		untilIdle(c, state)
		if state == http.StateIdle {
			h.idle <- true
		}
	}
	h.Listener = &door{Listener: h.Listener, room: clients.NewRoom(all, each),
		anybody: func(netip.Addr) bool { return !seen }}
	t.Cleanup(h.Close)
	return h
}

// zeros never end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// connect opens a connection, and asks for a page if path is not empty.
func (h *house) connect(path string) (net.Conn, *bufio.Reader) {
	h.Helper()
	c, err := net.Dial("tcp", h.Listener.Addr().String())
	if err != nil {
		h.Fatal(err)
	}
	h.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	if path != "" {
		h.ask(c, path)
	}
	return c, bufio.NewReader(c)
}

func (h *house) ask(c net.Conn, path string) {
	h.Helper()
	if _, err := io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		h.Fatal(err)
	}
}

// busy opens a connection whose request is being answered.
func (h *house) busy() *bufio.Reader {
	h.Helper()
	_, in := h.connect("/slow")
	h.mustBegin()
	return in
}

// mustBegin waits until a page was asked for that takes its time.
func (h *house) mustBegin() {
	h.Helper()
	select {
	case <-h.began:
	case <-time.After(5 * time.Second):
		h.Fatal("no request came")
	}
}

// page reads an answer, and waits until the server waits for the next request.
func (h *house) page(in *bufio.Reader) {
	h.Helper()
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		h.Fatal(err)
	}
	if _, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		h.Fatalf("status %d, %v", resp.StatusCode, err)
	}
	<-h.idle
}

// closed waits until the server has closed a connection.
func (h *house) closed(in *bufio.Reader) {
	h.Helper()
	if got, err := io.ReadAll(in); errors.Is(err, os.ErrDeadlineExceeded) || len(got) > 0 {
		h.Errorf("not closed: %q %v", got, err)
	}
}

// TestIdleVisitorsMakeRoom has connections without a request, with half of one, and
// with one that is answered, all from behind a gateway.
func TestIdleVisitorsMakeRoom(t *testing.T) {
	h := openHouse(t, 3, 1, false)
	h.Start()
	_, silent := h.connect("")
	half, halfRead := h.connect("")
	_, _ = io.WriteString(half, "GET / HTTP/1.1\r\nHost: ")
	_, answered := h.connect("/")
	h.page(answered)
	var busy []*bufio.Reader
	for _, in := range []*bufio.Reader{silent, halfRead, answered} {
		busy = append(busy, h.busy())
		h.closed(in)
	}
	_, refused := h.connect("/")
	h.closed(refused) // all are busy
	for range busy {
		h.answer <- true
	}
	for _, in := range busy {
		h.page(in)
	}
}

// TestHalfAFormMakesRoom leaves the server waiting in the middle of a request.
func TestHalfAFormMakesRoom(t *testing.T) {
	for _, path := range []string{"/form", "/ignored"} { // the latter is read by nobody but the server
		t.Run(path, func(t *testing.T) {
			h := openHouse(t, 1, 1, false)
			h.Start()
			c, form := h.connect("")
			if _, err := io.WriteString(c, "POST "+path+" HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf"); err != nil {
				t.Fatal(err)
			}
			h.mustBegin()
			start := time.Now()
			waitUntil(t, "a page for the next visitor", func() bool {
				next, in := h.connect("/")
				defer next.Close()
				_, err := http.ReadResponse(in, nil)
				return err == nil
			})
			if took := time.Since(start); took > h.Config.ReadTimeout/2 {
				t.Errorf("it took %s", took)
			}
			h.closed(form)
		})
	}
}

// TestVisitorsOfOneClientLeaveRoom has one client open far more connections than
// are for one.
func TestVisitorsOfOneClientLeaveRoom(t *testing.T) {
	h := openHouse(t, 10, 2, true)
	h.Start()
	var last *bufio.Reader
	_, first := h.connect("")
	for range 30 {
		_, last = h.connect("/")
		h.page(last)
	}
	h.closed(first)
	busy := []*bufio.Reader{h.busy(), h.busy()}
	h.closed(last)
	_, refused := h.connect("/")
	h.closed(refused)
	for range busy {
		h.answer <- true
	}
	for _, in := range busy {
		h.page(in)
	}
}

// TestPageOfWhoNeverReads asks for a long page and does not read it.
func TestPageOfWhoNeverReads(t *testing.T) {
	h := openHouse(t, 10, 10, true)
	if h.Config.WriteTimeout <= 0 || h.Config.WriteTimeout > time.Minute {
		t.Errorf("a page may take %s to be read", h.Config.WriteTimeout)
	}
	h.Config.WriteTimeout = 100 * time.Millisecond
	h.Start()
	h.connect("/long")
	h.mustBegin()
	select {
	case err := <-h.ended:
		if err == nil {
			t.Error("a gigabyte was written to nobody")
		}
	case <-time.After(5 * time.Second):
		t.Fatal("who never reads is held")
	}
}

// TestWhoNeverReadsMakesRoom fills the room with long pages that nobody reads.
func TestWhoNeverReadsMakesRoom(t *testing.T) {
	h := openHouse(t, 2, 2, true)
	h.Start()
	for range 2 {
		h.connect("/long")
		h.mustBegin()
	}
	waitUntil(t, "a page for the next visitor", func() bool {
		next, in := h.connect("/")
		defer next.Close()
		_, err := http.ReadResponse(in, nil)
		return err == nil
	})
	if err := <-h.ended; err == nil {
		t.Error("a gigabyte was written to nobody")
	}
}

// TestBusyOverHTTP2 has the door know who is busy behind TLS.
func TestBusyOverHTTP2(t *testing.T) {
	h := openHouse(t, 2, 2, true)
	h.EnableHTTP2 = true
	h.StartTLS()
	for range 2 {
		got := make(chan string, 1)
		go func() {
			resp, err := h.Client().Get(h.URL + "/slow")
			if err != nil {
				got <- err.Error()
				return
			}
			defer resp.Body.Close()
			got <- resp.Proto
		}()
		h.mustBegin()
		_, last := h.connect("")
		for range 10 {
			_, next := h.connect("")
			h.closed(last)
			last = next
		}
		select {
		case h.answer <- true:
		case proto := <-got:
			t.Fatalf("a page that was being answered: %s", proto)
		}
		if proto := <-got; proto != "HTTP/2.0" {
			t.Errorf("a page that was being answered: %s", proto)
		}
	}
}
