// Package standin is a server that speaks Mastodon's API as the real ones
// do, as far as a bot uses it: OAuth, notifications with Link headers and
// opaque ids, user streaming over WebSocket with heartbeats, statuses, boosts,
// rate limits and errors. Tests, the demo and the benchmark talk to it.
//
// What it answers follows https://docs.joinmastodon.org/methods/.
package standin

import (
	"net/http"
	"strings"
	"sync"
	"time"

	webpush "github.com/SherClockHolmes/webpush-go"

	kit "ticketfrei/bots/kit/standin"
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
	// Version and Source are the version and source_url that the server says it has;
	// empty means those of Mastodon.
	Version, Source string
	// WholeRead makes the stream want the whole scope read, as GoToSocial's does.
	WholeRead bool
	// DraftPush makes calls as servers did before Mastodon 4.4: aesgcm.
	DraftPush bool
}

// Server is the stand-in, listening on 127.0.0.1. Its embedded server lets it fail
// and tells what it was asked.
type Server struct {
	*kit.Server

	options Options
	domain  string
	handler http.Handler
	beating sync.WaitGroup

	mu       sync.Mutex
	serial   uint64
	accounts []*Account
	tokens   map[string]*grant
	apps     map[string]*app
	codes    map[string]*grant
	statuses map[string]*status
	signedIn *Account

	client                    *http.Client // of calls
	vapidPrivate, vapidPublic string
	callers                   chan struct{}
	calling                   sync.WaitGroup
	dropCalls                 bool
}

// Start starts a server; Close ends it.
func Start(o Options) (*Server, error) {
	s := &Server{options: o.withDefaults(), tokens: map[string]*grant{}, apps: map[string]*app{},
		codes: map[string]*grant{}, statuses: map[string]*status{},
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: callers}}, callers: make(chan struct{}, callers)}
	s.handler = s.routes()
	var err error
	if s.vapidPrivate, s.vapidPublic, err = webpush.GenerateVAPIDKeys(); err != nil {
		return nil, err
	}
	if s.Server, err = kit.Start(s.handler); err != nil {
		return nil, err
	}
	s.domain = strings.TrimPrefix(s.URL, "http://")
	s.beating.Go(s.heartbeat)
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
	if o.Version == "" {
		o.Version, o.Source = "4.3.0", "https://github.com/mastodon/mastodon"
	}
	if o.RateWindow == 0 {
		o.RateWindow = 5 * time.Minute
	}
	return o
}

// Close stops the server and every stream.
func (s *Server) Close() error {
	err := s.Server.Close()
	s.DropStreams()
	s.beating.Wait()
	s.calling.Wait()
	s.client.CloseIdleConnections()
	return err
}

// Domain is the part of a handle after its second "@".
func (s *Server) Domain() string { return s.domain }

// LoseAnswer is a fault: what is asked is done, and the connection cut instead of
// answered.
func (s *Server) LoseAnswer() kit.Fault {
	return func(_ http.ResponseWriter, r *http.Request) {
		s.handler.ServeHTTP(discard{http.Header{}}, r)
		panic(http.ErrAbortHandler)
	}
}

// discard is a ResponseWriter that answers nothing.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}

// SetRateLimit changes how many requests an account may make in the window;
// zero means no limit. Every account begins again with none.
func (s *Server) SetRateLimit(requests int, window time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.options.RateLimit, s.options.RateWindow = requests, window
	for _, a := range s.accounts {
		a.used, a.reset = 0, time.Time{}
	}
}

// next returns the next id. s.mu is held.
func (s *Server) next() string {
	s.serial++
	return newID(s.options.Now(), s.serial)
}
