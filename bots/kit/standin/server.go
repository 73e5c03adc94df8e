// Package standin is what a stand-in of a network needs: a server on loopback
// that can be made to fail and tells what it was asked, and the page of the demo
// that shows it. The demo runs the stand-ins, and so do tests.
package standin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// maxRequests is how many requests a server remembers.
const maxRequests = 10_000

// Server is the HTTP server of a stand-in, listening on 127.0.0.1. Its methods
// may be called from many goroutines.
type Server struct {
	URL string // as "http://127.0.0.1:40404"

	// Paths are what the paths of calls begin with, where that is the same for all
	// accounts. Set it before the server is used.
	Paths map[Call]string

	logins
	handler http.Handler
	http    *http.Server
	quit    chan struct{}
	done    sync.WaitGroup
	once    sync.Once

	mu       sync.Mutex
	changed  chan struct{} // closed and replaced when something happens
	waiting  int
	faults   []*fault
	requests []Request
}

// Request is a request that the server was sent.
type Request struct {
	Method string
	Path   string // with the query
	Header http.Header
	Body   string
}

// Fault answers a request in place of the stand-in.
type Fault func(w http.ResponseWriter, r *http.Request)

type fault struct {
	path   string
	left   int
	fault  Fault
	mended context.Context
	mend   context.CancelFunc
}

// meet answers a request whose context also ends when the fault is mended.
func (f *fault) meet(w http.ResponseWriter, r *http.Request) {
	ctx, done := context.WithCancel(r.Context())
	defer done()
	defer context.AfterFunc(f.mended, done)()
	f.fault(w, r.WithContext(ctx))
}

// Start starts a server that answers with h; Close ends it.
func Start(h http.Handler) (*Server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start a stand-in: %w", err)
	}
	s := &Server{URL: "http://" + listener.Addr().String(), handler: h, quit: make(chan struct{}), changed: make(chan struct{})}
	s.http = &http.Server{Handler: s.note(h), ReadHeaderTimeout: 10 * time.Second}
	s.done.Go(func() { _ = s.http.Serve(listener) }) // ends with Close
	return s, nil
}

// Close ends every request and stops the server.
func (s *Server) Close() error {
	s.once.Do(func() { close(s.quit) })
	err := s.http.Close()
	s.done.Wait()
	return err
}

// Closed is closed when the server is.
func (s *Server) Closed() <-chan struct{} { return s.quit }

// note remembers every request and lets it fail where it is to.
func (s *Server) note(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		if err != nil {
			return // who asked has gone
		}
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		if f := s.take(Request{r.Method, r.URL.RequestURI(), r.Header.Clone(), string(body)}); f != nil {
			f.meet(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// take notes a request and returns the fault that it meets.
func (s *Server) take(r Request) *fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.requests) < maxRequests {
		s.requests = append(s.requests, r)
	}
	s.happened()
	for _, f := range s.faults {
		if f.left != 0 && strings.HasPrefix(r.Path, f.path) {
			f.left--
			return f
		}
	}
	return nil
}

// Fail lets the next n requests whose path begins with path end in f; a negative
// n lets all of them, until Mend.
func (s *Server) Fail(path string, n int, f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	mended, mend := context.WithCancel(context.Background())
	s.faults = append(s.faults, &fault{path, n, f, mended, mend})
}

// Mend ends all faults, and the requests that hang in them.
func (s *Server) Mend() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		f.mend()
	}
	s.faults = nil
}

// Requests returns the requests so far whose path begins with path.
func (s *Server) Requests(path string) []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []Request
	for _, r := range s.requests {
		if strings.HasPrefix(r.Path, path) {
			list = append(list, r)
		}
	}
	return list
}

// ErrClosed is what Wait returns when the server was closed.
var ErrClosed = errors.New("the stand-in was closed")

// Wait returns when ok does, which is asked after every request and everything
// that Happened, or the error of ctx. ok may call every method of the server.
func (s *Server) Wait(ctx context.Context, ok func() bool) error {
	for {
		s.mu.Lock()
		changed := s.changed
		s.waiting++
		s.mu.Unlock()
		if ok() {
			return nil
		}
		select {
		case <-changed:
		case <-s.quit:
			return ErrClosed
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Changed returns a channel that is closed when something happens next.
func (s *Server) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting++
	return s.changed
}

// Happened tells those who wait that something has changed.
func (s *Server) Happened() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.happened()
}

func (s *Server) happened() {
	if s.waiting > 0 {
		close(s.changed)
		s.changed, s.waiting = make(chan struct{}), 0
	}
}

// Status answers with an HTTP status and a body of JSON.
func Status(status int, body string) Fault {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// Limited answers 429 and asks to wait some seconds.
func Limited(seconds int, body string) Fault {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
		Status(http.StatusTooManyRequests, body)(w, r)
	}
}

// HTML answers with the page of a firewall or a proxy, which is not the
// network's own word.
func HTML(status int) Fault {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "<!doctype html><title>Attention required</title><h1>Checking your browser</h1>")
	}
}

// Hang never answers. When it is mended, the connections are cut.
func Hang() Fault {
	return func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	}
}

// Cut ends the connection without an answer.
func Cut() Fault {
	return func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
}
