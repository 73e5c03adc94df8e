package frontend

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/report"
)

const (
	// sessionIdle is after how long without a request a moderator is logged
	// out, sessionLife after how long in any case.
	sessionIdle = 30 * 24 * time.Hour
	sessionLife = 365 * 24 * time.Hour
)

// What a session holds.
const (
	keyModerator = "moderator" // int64: id
	keyStamp     = "stamp"     // string: stamp of the password at login
	keyCity      = "city"      // int64: id of the city being looked at
	keyFlash     = "flash"     // string: what the next page says once
)

func newSessions(o Options, failed func(http.ResponseWriter, *http.Request, error)) *scs.SessionManager {
	// scs.New would start a goroutine that never ends, for a store in memory.
	return &scs.SessionManager{
		Store: o.DB.Sessions(), Codec: scs.GobCodec{}, HashTokenInStore: true,
		IdleTimeout: sessionIdle, Lifetime: sessionLife, ErrorFunc: failed,
		Cookie: scs.SessionCookie{Name: "ticketfrei", Path: "/", HttpOnly: true, Persist: true,
			SameSite: http.SameSiteLaxMode, Secure: strings.HasPrefix(o.Config.Web.URL, "https://")},
	}
}

// sessionFailed answers where a session cannot be read or stored.
func (s *Site) sessionFailed(w http.ResponseWriter, r *http.Request, err error) {
	s.fail(w, r, fmt.Errorf("session: %w", err))
}

// stamp stands for a password hash: a session or a link made with it is worth
// nothing once the password has changed.
func stamp(passwordHash string) string {
	sum := sha256.Sum256([]byte(passwordHash))
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// logIn makes the request's session that of the moderator, with a new token.
// Call it again after the password has changed: it is what keeps this session
// while all others end.
func (s *Site) logIn(ctx context.Context, m db.Moderator) error {
	if err := s.sessions.RenewToken(ctx); err != nil {
		return fmt.Errorf("log in: %w", err)
	}
	s.sessions.Put(ctx, keyModerator, m.ID)
	s.sessions.Put(ctx, keyStamp, stamp(m.Password))
	return nil
}

// logOut ends the request's session.
func (s *Site) logOut(ctx context.Context) error {
	if err := s.sessions.Destroy(ctx); err != nil {
		return fmt.Errorf("log out: %w", err)
	}
	return nil
}

// flash has the next page of this visitor show text once. The request must
// have a session: that is all but those below /city and /demo.
func (s *Site) flash(ctx context.Context, text string) { s.sessions.Put(ctx, keyFlash, text) }

// withSession reads the session and who it belongs to.
func (s *Site) withSession(next http.Handler) http.Handler {
	return s.sessions.LoadAndSave(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		visitOf(r.Context()).session = true
		if err := s.recognize(r.Context()); err != nil {
			s.fail(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	}))
}

// recognize finds the moderator and the city of the session. Both are read
// again for every request: who was removed, or whose password was changed
// elsewhere, is logged out with the next click.
func (s *Site) recognize(ctx context.Context) error {
	id := s.sessions.GetInt64(ctx, keyModerator)
	if id == 0 {
		return nil
	}
	m, err := s.DB.Moderator(ctx, id)
	if errors.Is(err, db.ErrNotFound) || err == nil && s.sessions.GetString(ctx, keyStamp) != stamp(m.Password) {
		return s.logOut(ctx)
	}
	if err != nil {
		return err
	}
	cities, err := s.DB.ModeratorCities(ctx, m.ID)
	if err != nil {
		return err
	}
	v := visitOf(ctx)
	v.moderator, v.cities = &m, cities
	if len(cities) > 0 {
		v.city = currentCity(cities, s.sessions.GetInt64(ctx, keyCity))
	}
	return nil
}

// currentCity is the city of that id where it is among cities, else the first.
func currentCity(cities []report.City, id int64) report.City {
	for _, c := range cities {
		if c.ID == id {
			return c
		}
	}
	return cities[0]
}

// requireLogin sends visitors to /login who are not logged in, and those who
// have no city to where they can make one.
func (s *Site) requireLogin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := visitOf(r.Context())
		switch {
		case v.moderator == nil:
			http.Redirect(w, r, loginURL(r), http.StatusSeeOther)
		case len(v.cities) == 0:
			http.Redirect(w, r, "/register", http.StatusSeeOther)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// loginURL is the login page that leads back to where the visitor wanted to
// go. A form cannot be sent again after the login, so it leads to the page.
func loginURL(r *http.Request) string {
	next := "/settings"
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		next = r.URL.RequestURI()
	}
	return "/login?next=" + url.QueryEscape(next)
}

// localPath returns next where it is a path of this site, else "/settings":
// a link to our login must not lead to somebody else's page.
func localPath(next string) string {
	const fallback = "/settings"
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || u.User != nil || !strings.HasPrefix(next, "/") {
		return fallback
	}
	// Browsers read "/\" as "//", which begins a host name, and skip control
	// characters.
	if strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\t\r\n") {
		return fallback
	}
	return next
}

// handleSwitchCity changes which of the moderator's cities the settings are
// about.
func (s *Site) handleSwitchCity(w http.ResponseWriter, r *http.Request) error {
	id, err := strconv.ParseInt(r.PostFormValue("city"), 10, 64)
	if err != nil {
		return &bots.PageError{Status: http.StatusBadRequest, ID: "error.bad_form", Err: err}
	}
	for _, c := range visitOf(r.Context()).cities {
		if c.ID == id {
			s.sessions.Put(r.Context(), keyCity, id)
			http.Redirect(w, r, "/settings", http.StatusSeeOther)
			return nil
		}
	}
	return &bots.PageError{Status: http.StatusNotFound, ID: "error.no_such_city"}
}
