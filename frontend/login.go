package frontend

import (
	"context"
	"errors"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"

	"ticketfrei/db"
	"ticketfrei/internal/clients"
	"ticketfrei/manage"
)

// loginForm is what login.tmpl shows.
type loginForm struct {
	Email string
	Next  string
	Kept  string // a form that was sent after the login had run out: see keep
	Again bool   // it had
	Error string
	// Passkeys reports whether one can log in with a passkey here.
	Passkeys bool
}

func (s *Site) handleLoginForm(w http.ResponseWriter, r *http.Request) error {
	next := localPath(r.URL.Query().Get("next"))
	if visitOf(r.Context()).moderator != nil {
		http.Redirect(w, r, next, http.StatusSeeOther)
		return nil
	}
	return s.loginPage(w, r, http.StatusOK, loginForm{Next: next})
}

func (s *Site) loginPage(w http.ResponseWriter, r *http.Request, status int, form loginForm) error {
	form.Passkeys = s.passkeys != nil
	return s.render(w, r, status, "login.tmpl", s.T(r, "login.title"), form)
}

func (s *Site) handleLogin(w http.ResponseWriter, r *http.Request) error {
	form := loginForm{Email: manage.NormalEmail(r.PostFormValue("email")), Next: localPath(r.PostFormValue("next")), Kept: r.PostFormValue("kept")}
	m, err := s.DB.FindModerator(r.Context(), form.Email)
	if err != nil && !errors.Is(err, db.ErrNotFound) {
		return err
	}
	ok, tooMany, err := s.tryPassword(r.Context(), s.wrongLogins(r, form.Email, m), r.PostFormValue("password"), m)
	switch {
	case err != nil:
		return err
	case tooMany:
		s.loginFailed(r)
		form.Error = s.T(r, "login.too_many")
		return s.loginPage(w, r, http.StatusTooManyRequests, form)
	case !ok:
		s.loginFailed(r)
		form.Error = s.T(r, "login.wrong")
		return s.loginPage(w, r, http.StatusUnauthorized, form)
	}
	if m, err = s.renewHash(r.Context(), m, r.PostFormValue("password")); err != nil {
		return err
	}
	if err := s.logIn(w, r, m); err != nil {
		return err
	}
	if kept, ok := keptOf(form.Kept); ok {
		return s.showAgain(w, r, kept)
	}
	http.Redirect(w, r, form.Next, http.StatusSeeOther)
	return nil
}

// renewHash has a hash that another program made, or this one with other settings, die out: of
// the password that was right one of ours is stored. It returns the moderator as they are now.
func (s *Site) renewHash(ctx context.Context, m db.Moderator, password string) (db.Moderator, error) {
	if manage.IsOwnHash(m.Password) {
		return m, nil
	}
	hash, err := s.passwords.hash(ctx, password)
	if err != nil {
		return m, err
	}
	switch err := s.DB.RenewHash(ctx, m, hash); {
	case err == nil:
		m.Password = hash
		return m, nil
	case !errors.Is(err, db.ErrNotFound):
		return m, err
	}
	// Somebody else was faster: where it was them too, in another window, they are in.
	now, err := s.DB.Moderator(ctx, m.ID)
	if err != nil {
		return m, err
	}
	if ok, err := s.passwords.match(ctx, password, now); err != nil || !ok {
		return m, err
	}
	return now, nil
}

// loginFailed writes into the log where somebody comes from who could not log in as a
// moderator, for programs such as fail2ban. Behind an address where everybody may be, as that
// of a proxy, nobody is named: to shut it out would shut out all.
func (s *Site) loginFailed(r *http.Request) {
	s.failedLogins.Inc()
	client := "unknown"
	if s.ClientNetwork(r).IsValid() {
		client = clients.RequestAddr(r, s.Config.Web.TrustedProxies).String()
	}
	s.Log.Info("login failed", "client", client)
}

// countLogins returns what counts the logins that failed.
func countLogins(reg prometheus.Registerer) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: "ticketfrei_logins_failed_total", Help: "Logins of moderators that failed: a wrong password or passkey, or too many of them."})
	if reg != nil {
		reg.MustRegister(c)
	}
	return c
}

// handleLogout logs a moderator out. Of somebody who is not logged in nothing is
// stored.
func (s *Site) handleLogout(w http.ResponseWriter, r *http.Request) error {
	if visitOf(r.Context()).moderator == nil {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	}
	if err := s.logOut(r.Context()); err != nil {
		return err
	}
	s.flash(r.Context(), s.T(r, "login.logged_out"))
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}
