// Package frontend is the web site: the pages of riders, the login of
// moderators and their settings. It mounts the pages of every network.
package frontend

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/alexedwards/scs/v2"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/config"
	"ticketfrei/internal/i18n"
	"ticketfrei/internal/mailer"
	"ticketfrei/internal/secret"
)

// Options is what the site needs. Metrics may be nil: there is no /metrics
// then. Everything else is required.
type Options struct {
	Config  *config.Config
	DB      *db.DB
	Secrets *secret.Box
	Texts   *i18n.Catalogue
	Log     *slog.Logger
	Now     func() time.Time
	// SendMail puts a mail into the queue; when it returns nil the mail is on
	// disk and will be sent.
	SendMail func(context.Context, mailer.Mail) error
	// Changed says that something about a city has changed in the database.
	Changed func(ctx context.Context, cityID int64)
	// TakeBack takes a passed report back wherever it was posted.
	TakeBack func(ctx context.Context, cityID int64, reportID string) error
	// Ready says why the program cannot work at the moment; nil when it can.
	Ready   func(context.Context) error
	Metrics http.Handler
	// Demo makes the stand-ins of HandleDemo part of the site and tells
	// visitors that this is a demo.
	Demo bool
}

// Network is one network as the site mounts it.
type Network struct {
	bots.Definition
	Network bots.Network
}

// Site is the web site. It is safe for use by many goroutines.
type Site struct {
	Options
	sessions  *scs.SessionManager
	passwords *passwords
	assets    *assets
	cache     *cache
	live      *broker
	// networks and views are set by Routes, before the first request.
	networks []Network
	views    map[string]view

	demoMu sync.RWMutex
	demos  map[string]http.Handler
}

var _ bots.Site = (*Site)(nil)

// NewSite returns the site; Routes makes its handler. Close it.
func NewSite(o Options) (*Site, error) {
	if o.Config == nil || o.DB == nil || o.Secrets == nil || o.Texts == nil || o.Log == nil ||
		o.Now == nil || o.SendMail == nil || o.Changed == nil || o.TakeBack == nil || o.Ready == nil {
		return nil, errors.New("frontend: an option is missing")
	}
	s := &Site{Options: o, demos: map[string]http.Handler{}}
	s.sessions = newSessions(o, s.sessionFailed)
	var err error
	if s.passwords, err = newPasswords(); err != nil {
		return nil, fmt.Errorf("frontend: %w", err)
	}
	if s.assets, err = loadAssets(); err != nil {
		return nil, fmt.Errorf("frontend: %w", err)
	}
	s.cache = newCache(o.Now)
	s.live = startBroker(s.cityReports, o.Log)
	s.Changed = func(ctx context.Context, cityID int64) {
		s.cache.drop(cityID)
		o.Changed(ctx, cityID)
	}
	return s, nil
}

// Passed says that a report of the city passed or was taken back: the city's
// page is made anew, and everybody who has it open sees the change at once. It
// does not wait for them.
func (s *Site) Passed(cityID int64) {
	s.cache.drop(cityID)
	s.live.changed(cityID)
}

// Close ends the open event streams, which http.Server.Shutdown would wait
// for, and returns when no more are fed.
func (s *Site) Close() { s.live.close() }

// HandleDemo serves h at /demo/<name> and below, as the path of a chi router
// that is mounted there. It may be called while the site is running.
func (s *Site) HandleDemo(name string, h http.Handler) {
	s.demoMu.Lock()
	defer s.demoMu.Unlock()
	s.demos[name] = h
}

// network returns the network of that name.
func (s *Site) network(name string) (Network, bool) {
	for _, n := range s.networks {
		if n.Name == name {
			return n, true
		}
	}
	return Network{}, false
}

// everywhere are the names of the networks that every city has a bot of.
func (s *Site) everywhere() []string {
	var names []string
	for _, n := range s.networks {
		if n.Everywhere {
			names = append(names, n.Name)
		}
	}
	return names
}

// link makes a public URL of a path.
func (s *Site) link(path string) string { return s.Config.Web.URL + path }
