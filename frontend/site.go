// Package frontend is the web site: the pages of riders, and the login and the
// settings of moderators. It mounts the pages of every network.
package frontend

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/prometheus/client_golang/prometheus"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/bus"
	kept "ticketfrei/internal/cache"
	"ticketfrei/internal/clients"
	"ticketfrei/internal/config"
	"ticketfrei/internal/i18n"
	"ticketfrei/internal/notice"
	"ticketfrei/internal/secret"
	"ticketfrei/manage"
)

// Options is what the site needs. Where nothing else is said, it is required.
type Options struct {
	Config       *config.Config
	DB           *db.DB
	Secrets      *secret.Box
	Texts        *i18n.Catalogue
	Log          *slog.Logger
	Now          func() time.Time
	AccountMails bots.AccountMails
	Notices      *notice.Board
	// Cities are what the settings change. Its networks are mounted in their order.
	Cities *manage.Cities
	Health Health
	// Bus tells of reports and bots as it happens; nil: nothing is told.
	Bus *bus.Bus
	// Metrics takes the figures of the site; nil: nobody asks for them.
	Metrics prometheus.Registerer
	// Streams is the room for event streams. If it is nil, there is much.
	Streams *clients.Room
	// API is served below /api/v1; nil: there is none.
	API http.Handler
	// Demo adds the stand-ins of HandleDemo to the site and tells visitors that
	// this is a demo.
	Demo bool
	// Files is how the site looks; without any, as it was built.
	Files Files
	// Fresh reads Files and the texts again for each request, for a developer: see fresh.
	Fresh bool
	// Dev tells the browsers of a developer of changes; nil: nobody is told.
	Dev *Dev
}

// Health is what the site tells whoever watches over the program.
type Health interface {
	// Ready says why the program cannot work at the moment; nil when it can.
	Ready(ctx context.Context) error
}

// NotedHealth is a Health that has something to say also when the program works.
type NotedHealth interface {
	// Notes says what whoever watches should know, a line each.
	Notes() []string
}

// Network is one network as the site mounts it.
type Network = manage.Network

// Site is the web site. It is the handler of all pages and serves the networks'
// pages with what they need. It is safe for use by many goroutines.
type Site struct {
	Options
	Networks     []Network
	sessions     *scs.SessionManager
	failedLogins prometheus.Counter
	passwords    *passwords
	passkeys     *webauthn.WebAuthn // nil: none can be used at this address
	cache        *cache
	drawn        *kept.Cache[drawnKey, []byte] // reports as HTML
	live         *broker
	look         atomic.Pointer[look]
	routes       http.Handler
	feeds        chan struct{}   // room for timetables that are being brought
	stop         []func()        // end the listening to notices
	closing      context.Context // ends when the site does

	demoMu sync.RWMutex
	demos  map[string]http.Handler
}

var (
	_ bots.Site    = (*Site)(nil)
	_ http.Handler = (*Site)(nil)
)

// NewSite returns the site. It reads every template. A broken one is an error,
// except for a developer. Close the site in the end.
func NewSite(o Options) (*Site, error) {
	if o.Config == nil || o.DB == nil || o.Secrets == nil || o.Texts == nil || o.Log == nil ||
		o.Now == nil || o.AccountMails == nil || o.Notices == nil || o.Cities == nil || o.Health == nil {
		return nil, errors.New("frontend: an option is missing")
	}
	if o.Streams == nil {
		o.Streams = clients.NewRoom(maxStreams, maxStreams)
	}
	s := &Site{Options: o, Networks: o.Cities.Networks, demos: map[string]http.Handler{}, feeds: make(chan struct{}, feedsAtOnce)}
	s.failedLogins = countLogins(o.Metrics)
	s.sessions = newSessions(o, s.sessionFailed)
	var err error
	if s.passwords, err = newPasswords(s.Log); err != nil {
		return nil, fmt.Errorf("frontend: %w", err)
	}
	if s.passkeys, err = newPasskeys(o.Config.Web.URL); err != nil {
		return nil, fmt.Errorf("frontend: %w", err)
	}
	s.cache, s.drawn = newCache(o.Now), kept.New[drawnKey, []byte](maxDrawn, 0)
	if s.developing() {
		s.cache.keepFor = 0
	}
	if err := s.readLook(); err != nil && !o.Fresh {
		return nil, fmt.Errorf("frontend: %w", err)
	}
	if s.routes, err = s.newRoutes(); err != nil {
		return nil, fmt.Errorf("frontend: %w", err)
	}
	s.sayOwnTexts()
	s.live = startBroker(s, o.DB.OnServer(), o.Texts.Languages(), o.Streams, o.Log)
	var end context.CancelFunc
	s.closing, end = context.WithCancel(context.Background())
	s.stop = []func(){end, o.Notices.OnChanged(s.cache.drop), o.Notices.OnPassed(s.passed)}
	return s, nil
}

// ServeHTTP answers a request for any page.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.Fresh || s.fresh(w) {
		s.routes.ServeHTTP(w, r)
	}
}

// passed drops what is cached of the city's page and sends the change to
// everybody who has it open. It does not wait for them.
func (s *Site) passed(cityID int64) {
	s.cache.drop(cityID)
	s.live.changed(cityID)
}

// Close ends the open event streams, for which http.Server.Shutdown would wait,
// and returns when nobody writes to them any more.
func (s *Site) Close() {
	for _, stop := range s.stop {
		stop()
	}
	s.live.close()
	if s.Dev != nil {
		s.Dev.end()
	}
}

// HandleDemo serves h at /demo/<name> and below, as if h were a mounted chi
// router. It may be called while the site is running.
func (s *Site) HandleDemo(name string, h http.Handler) {
	s.demoMu.Lock()
	defer s.demoMu.Unlock()
	s.demos[name] = h
}

// link returns the public URL of a path.
func (s *Site) link(path string) string { return s.Config.Web.URL + path }
