// Package standin is a server that speaks Mastodon's API as the real ones
// do, as far as a bot uses it: OAuth, notifications with Link headers and
// opaque ids, user streaming over WebSocket with heartbeats, statuses, boosts,
// rate limits and errors. Tests, the demo and the benchmark talk to it.
//
// What it answers follows https://docs.joinmastodon.org/methods/.
package standin

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// Options of a server; the zero value is one like mastodon.social.
type Options struct {
	// Now tells the time; nil means time.Now.
	Now func() time.Time
	// Heartbeat is how often streams are pinged; zero means 30 s, which is
	// what Mastodon's streaming server does. Negative means never.
	Heartbeat time.Duration
	// MaxCharacters of a status; zero means 500.
	MaxCharacters int
	// RateLimit is how many requests an account may make in RateWindow (zero:
	// 5 minutes); zero means no limit. Mastodon's own is 300 in 5 minutes.
	RateLimit  int
	RateWindow time.Duration
	// IgnoreIdempotency makes the server post again what was posted with the
	// same Idempotency-Key, as some do.
	IgnoreIdempotency bool
	// Old leaves out what came with Mastodon 4: /api/v2/instance and the
	// notification policy.
	Old bool
}

// Fault is a way for the server to fail. The zero value is none.
type Fault struct {
	// Path limits the fault to requests whose path begins with it; empty
	// means all.
	Path string
	// Hang takes requests and never answers them.
	Hang bool
	// Status answers requests with this HTTP status and no useful body.
	Status int
	// LoseAnswer does what is asked and cuts the connection instead of
	// answering.
	LoseAnswer bool
}

// Server is the stand-in, listening on 127.0.0.1.
type Server struct {
	// URL of the server, as "http://127.0.0.1:40404".
	URL string

	options  Options
	domain   string
	http     *http.Server
	upgrader websocket.Upgrader
	quit     chan struct{}
	done     sync.WaitGroup

	mu       sync.Mutex
	changed  chan struct{} // closed and replaced when something changes
	waiting  int
	serial   uint64
	accounts []*Account
	tokens   map[string]*grant
	apps     map[string]*app
	codes    map[string]*grant
	statuses map[string]*status
	signedIn *Account
	fault    Fault
	requests map[string]int
}

// Start starts a server; Close ends it.
func Start(o Options) (*Server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start mastodontest: %w", err)
	}
	s := &Server{
		URL: "http://" + listener.Addr().String(), domain: listener.Addr().String(), options: o.withDefaults(),
		quit: make(chan struct{}), changed: make(chan struct{}),
		tokens: map[string]*grant{}, apps: map[string]*app{}, codes: map[string]*grant{},
		upgrader: newUpgrader(), statuses: map[string]*status{}, requests: map[string]int{},
	}
	s.http = &http.Server{Handler: s.handler(), ReadHeaderTimeout: 10 * time.Second}
	s.done.Go(func() { _ = s.http.Serve(listener) })
	s.done.Go(s.heartbeat)
	return s, nil
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Heartbeat == 0 {
		o.Heartbeat = 30 * time.Second
	}
	if o.MaxCharacters == 0 {
		o.MaxCharacters = 500
	}
	if o.RateWindow == 0 {
		o.RateWindow = 5 * time.Minute
	}
	return o
}

// Close stops the server and every stream.
func (s *Server) Close() error {
	select {
	case <-s.quit:
		return nil
	default:
		close(s.quit)
	}
	err := s.http.Close()
	s.DropStreams()
	s.done.Wait()
	return err
}

// Domain is the part of a handle after its second "@".
func (s *Server) Domain() string { return s.domain }

// SetFault makes the server fail from now on; the zero Fault mends it, and
// ends the requests that hang without an answer.
func (s *Server) SetFault(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
	s.notify()
}

// SetRateLimit changes how many requests an account may make in the window;
// zero means no limit. Every account starts anew.
func (s *Server) SetRateLimit(requests int, window time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.options.RateLimit, s.options.RateWindow = requests, window
	for _, a := range s.accounts {
		a.used, a.reset = 0, time.Time{}
	}
}

// Requests counts the requests so far by pattern, as "POST /api/v1/statuses".
func (s *Server) Requests(pattern string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests[pattern]
}

// Wait returns when ok is true, which is asked after every change on the
// server, or when ctx ends. ok may call every method of the server.
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
		case <-ctx.Done():
			return errors.New("mastodontest: what was waited for did not happen: " + ctx.Err().Error())
		}
	}
}

// notify wakes those who Wait. s.mu is held.
func (s *Server) notify() {
	if s.waiting > 0 {
		close(s.changed)
		s.changed, s.waiting = make(chan struct{}), 0
	}
}

// next returns the next id. s.mu is held.
func (s *Server) next() string {
	s.serial++
	return newID(s.options.Now(), s.serial)
}
