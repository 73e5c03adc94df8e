package frontend

import (
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"ticketfrei/manage"
)

// accountRoutes are the page about the account of a moderator.
func (s *Site) accountRoutes(r chi.Router) {
	r.Get("/", s.Handler(s.handleAccount))
	r.Get("/password", backTo(pageAccount, pageAccount))
	r.Get("/delete", backTo(pageAccount, pageAccount))
	r.Get("/passkeys", backTo(pageAccount, partPasskeys))
	r.Post("/restore", s.Handler(s.handleRestore))
	r.Post("/passkeys", s.Handler(s.handlePasskeyAdd))
	r.Post("/passkeys/remove", s.Handler(s.handlePasskeyRemove))
	r.Post("/logins/end", s.Handler(s.handleEndLogin))
	r.Post("/logins/end-others", s.Handler(s.handleEndOtherLogins))
	// They ask for the password, so one limit on guessing covers all.
	r = r.With(s.limitModerator(passwordLimit, "settings.error.too_many"))
	r.Post("/password", s.Handler(s.handlePasswordChange))
	r.Post("/delete", s.Handler(s.handleDeleteCity))
	r.Post("/passkeys/begin", s.Handler(s.handlePasskeyBegin))
}

// accountPage is what settings/account.tmpl shows.
type accountPage struct {
	Account  accountForms
	Logins   loginsPart
	Passkeys passkeysPart
}

// accountForms are the forms of the page about the account. A typed password is
// never shown again.
type accountForms struct {
	Min, Max  int // of a new password
	OldError  string
	NewError  string
	Slug      string // as typed, to delete the city
	SlugError string
	// DeletePasswordError is about the password typed to delete the city.
	DeletePasswordError string
}

// Deleting reports whether the form that deletes the city was posted.
func (f accountForms) Deleting() bool {
	return f.SlugError+f.DeletePasswordError != ""
}

func (s *Site) showAccount(w http.ResponseWriter, r *http.Request, status int, f accountForms) error {
	f.Min, f.Max = manage.MinPassword, manage.MaxPassword
	logins, err := s.loginsPart(r)
	if err != nil {
		return err
	}
	passkeys, err := s.passkeysPart(r)
	if err != nil {
		return err
	}
	return s.showDesk(w, r, status, pageAccount, accountPage{f, logins, passkeys})
}

func (s *Site) handleAccount(w http.ResponseWriter, r *http.Request) error {
	return s.showAccount(w, r, http.StatusOK, accountForms{})
}

func (s *Site) handlePasswordChange(w http.ResponseWriter, r *http.Request) error {
	form, err := s.checkPasswordChange(r)
	if err != nil {
		return err
	}
	if form.OldError+form.NewError != "" {
		return s.showAccount(w, r, http.StatusUnprocessableEntity, form)
	}
	m := s.moderator(r)
	hash, err := s.passwords.hash(r.Context(), r.PostFormValue("new"))
	if err != nil {
		return err
	}
	if err := s.DB.SetPassword(r.Context(), m, hash); err != nil {
		return err
	}
	m.Password = hash
	// Every login has ended; this one starts again.
	if err := s.logIn(w, r, m); err != nil {
		return err
	}
	return s.saved(w, r, pageAccount, pageAccount, s.T(r, "settings.account.password_saved"))
}

func (s *Site) checkPasswordChange(r *http.Request) (accountForms, error) {
	var f accountForms
	ok, err := s.passwords.match(r.Context(), r.PostFormValue("old"), s.moderator(r))
	if err != nil {
		return f, err
	}
	if !ok {
		f.OldError = s.T(r, "settings.account.old_wrong")
	}
	if id := manage.CheckPassword(r.PostFormValue("new"), s.moderator(r).Email, s.City(r).Name, s.City(r).Slug); id != "" {
		f.NewError = s.T(r, id, "Min", manage.MinPassword, "Max", manage.MaxPassword)
	}
	return f, nil
}

func (s *Site) handleDeleteCity(w http.ResponseWriter, r *http.Request) error {
	c := s.City(r)
	form := accountForms{Slug: strings.TrimSpace(r.PostFormValue("slug"))}
	if !strings.EqualFold(form.Slug, c.Slug) {
		form.SlugError = s.T(r, "settings.account.delete_wrong", "Slug", c.Slug)
	}
	ok, err := s.passwords.match(r.Context(), r.PostFormValue("password"), s.moderator(r))
	if err != nil {
		return err
	}
	if !ok {
		form.DeletePasswordError = s.T(r, "settings.account.old_wrong")
	}
	if form.Deleting() {
		return s.showAccount(w, r, http.StatusUnprocessableEntity, form)
	}
	if _, err := s.Cities.Delete(r.Context(), c.ID); err != nil {
		return err
	}
	return s.saved(w, r, pageAccount, pageAccount, s.T(r, "settings.account.deleted", "City", c.Name))
}
