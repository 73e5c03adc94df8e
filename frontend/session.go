package frontend

import (
	"context"
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
	"ticketfrei/manage"
)

const (
	// sessionIdle is how long a moderator stays logged in without a request;
	// sessionLife is how long at most.
	sessionIdle = 30 * 24 * time.Hour
	sessionLife = 365 * 24 * time.Hour
)

// What a session holds.
const (
	keyLogin = "login" // int64: id of the login
	keyCity  = "city"  // int64: id of the city being looked at
	keyFlash = "flash" // string: what the next page says once
	// What a passkey is asked for: see passkeys. JSON of a webauthn.SessionData.
	keyPasskeyAdd   = "passkey_add"
	keyPasskeyLogin = "passkey_login"
)

func newSessions(o Options, failed func(http.ResponseWriter, *http.Request, error)) *scs.SessionManager {
	// scs.New would start a store in memory with a goroutine that never ends.
	return &scs.SessionManager{
		Store: o.DB.Sessions(), Codec: scs.GobCodec{}, HashTokenInStore: true,
		IdleTimeout: sessionIdle, Lifetime: sessionLife, ErrorFunc: failed,
		Cookie: scs.SessionCookie{Name: cookieName("ticketfrei", o.secure()), Path: "/", HttpOnly: true, Persist: true,
			SameSite: http.SameSiteLaxMode, Secure: o.secure()},
	}
}

// sessionFailed answers when a session cannot be read or stored.
func (s *Site) sessionFailed(w http.ResponseWriter, r *http.Request, err error) {
	s.fail(w, r, fmt.Errorf("session: %w", err))
}

// logIn gives the request's session to the moderator, with a new token. Call it
// again after a change of the password, which ends all logins.
func (s *Site) logIn(w http.ResponseWriter, r *http.Request, m db.Moderator) error {
	ctx := r.Context()
	login, err := s.DB.LogIn(ctx, m, browserName(r.UserAgent()))
	if err != nil {
		return err
	}
	if err := s.sessions.RenewToken(ctx); err != nil {
		return fmt.Errorf("log in: %w", err)
	}
	s.sessions.Put(ctx, keyLogin, login.ID)
	s.knowDevice(w, m)
	return nil
}

// logOut ends the request's session and its login.
func (s *Site) logOut(ctx context.Context) error {
	if m := visitOf(ctx).moderator; m != nil {
		if err := s.DB.EndLogin(ctx, m.ID, s.sessions.GetInt64(ctx, keyLogin)); err != nil {
			return err
		}
	}
	if err := s.sessions.Destroy(ctx); err != nil {
		return fmt.Errorf("log out: %w", err)
	}
	return nil
}

// flash makes the next page of this visitor show text once. The request must
// have a session; only those below /city and /demo have none.
func (s *Site) flash(ctx context.Context, text string) { s.sessions.Put(ctx, keyFlash, text) }

// popFlash returns what the page is to say. A session that was made for it alone
// ends.
func (s *Site) popFlash(ctx context.Context) string {
	text := s.sessions.PopString(ctx, keyFlash)
	if text != "" && len(s.sessions.Keys(ctx)) == 0 {
		if err := s.sessions.Destroy(ctx); err != nil {
			s.Log.Error("a session could not be ended", "err", err)
		}
	}
	return text
}

// withSession reads the session and finds out who it belongs to.
func (s *Site) withSession(next http.Handler) http.Handler {
	return s.sessions.LoadAndSave(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		visitOf(r.Context()).session = true
		if err := s.recognize(r.Context()); err != nil {
			s.fail(w, r, err)
			return
		}
		if m := visitOf(r.Context()).moderator; m != nil {
			r = r.WithContext(manage.As(r.Context(), manage.Actor{ID: m.ID, Name: m.Email, Role: visitOf(r.Context()).role}))
		}
		next.ServeHTTP(w, r)
	}))
}

// recognize finds the moderator and the city of the session. It reads both
// again for every request, so that somebody who was removed, or whose login was
// ended elsewhere, is logged out with the next click.
func (s *Site) recognize(ctx context.Context) error {
	id := s.sessions.GetInt64(ctx, keyLogin)
	if id == 0 {
		return nil
	}
	m, err := s.DB.LoggedIn(ctx, id)
	if errors.Is(err, db.ErrNotFound) {
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
	if v.operator, err = s.DB.IsOperator(ctx, m.ID); err != nil {
		return err
	}
	v.moderator, v.cities = &m, cities
	if len(cities) > 0 {
		chosen := s.sessions.GetInt64(ctx, keyCity)
		if v.city = currentCity(cities, chosen); v.city.ID != chosen { // it stays, also where another one comes first by name
			s.sessions.Put(ctx, keyCity, v.city.ID)
		}
	}
	roles, err := s.DB.Roles(ctx, m.ID)
	v.role = roles[v.city.ID]
	return err
}

// currentCity returns the city with that id if it is among cities, otherwise
// the first one.
func currentCity(cities []report.City, id int64) report.City {
	for _, c := range cities {
		if c.ID == id {
			return c
		}
	}
	return cities[0]
}

// requireLogin sends visitors who are not logged in to /login, and those who
// have no city to the page where they can add one, or to the operator's room.
func (s *Site) requireLogin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := visitOf(r.Context())
		switch {
		case v.moderator == nil:
			s.Handler(s.askLogin)(w, r)
		case len(v.cities) == 0 && v.operator:
			http.Redirect(w, r, roomPath, http.StatusSeeOther)
		case len(v.cities) == 0:
			http.Redirect(w, r, "/register", http.StatusSeeOther)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// loginURL returns the login page that leads back to where the visitor wanted
// to go.
func loginURL(r *http.Request) string {
	next := pageOfForm(r)
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		next = r.URL.RequestURI()
	}
	return "/login?next=" + url.QueryEscape(next)
}

// localPath returns next if it is a path of this site, otherwise "/settings". A
// link to our login must not lead to somebody else's page.
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

// handleSwitchCity changes which of the moderator's cities the settings show.
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
