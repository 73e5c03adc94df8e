package frontend

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/go-chi/chi/v5"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/secret"
	"ticketfrei/manage"
)

// confirmPage is what confirm.tmpl shows of a sign-up: a field for the password,
// unless the address has an account by now, and, if the name was taken in the
// meantime, one for another name.
type confirmPage struct {
	Email   string
	City    cityNames
	Address string
	New     bool // the address has no account yet, so a password is asked for
	Rename  bool
	Waits   bool // the city begins when the operator lets it
	Errors  fieldErrors
}

// registrationOf finds the sign-up of the link. The error is db.ErrNotFound if
// it was confirmed before.
func (s *Site) registrationOf(r *http.Request) (db.Registration, error) {
	id, err := s.linkID(r, purposeRegister)
	if err != nil {
		return db.Registration{}, err
	}
	return s.DB.Registration(r.Context(), id)
}

// linkID returns the id in the token of the path.
func (s *Site) linkID(r *http.Request, purpose string) (int64, error) {
	payload, err := s.Secrets.Verify(purpose, chi.URLParam(r, "token"), s.Now())
	if err != nil {
		return 0, err
	}
	id, err := strconv.ParseInt(payload, 10, 64)
	if err != nil {
		return 0, errors.Join(secret.ErrTokenInvalid, err)
	}
	return id, nil
}

func (s *Site) handleConfirmForm(w http.ResponseWriter, r *http.Request) error {
	reg, err := s.registrationOf(r)
	if errors.Is(err, db.ErrNotFound) {
		return s.confirmedAlready(w, r)
	}
	if err != nil {
		return err
	}
	problem, err := s.Cities.Taken(r.Context(), reg.Slug)
	if err != nil {
		return err
	}
	wrong := fieldErrors{}
	if problem != "" {
		wrong.set("city", nameTaken)
	}
	return s.confirmPage(w, r, http.StatusOK, reg, wrong)
}

// confirmPage shows a sign-up. If its city cannot be had, wrong["city"] says so.
func (s *Site) confirmPage(w http.ResponseWriter, r *http.Request, status int, reg db.Registration, wrong fieldErrors) error {
	known, err := s.hasAccount(r.Context(), reg.Email)
	if err != nil {
		return err
	}
	data := confirmPage{Email: reg.Email, City: typedNames(r), Address: s.cityAddress(reg.Slug), New: !known,
		Rename: wrong["city"]+wrong["short"] != "", Waits: s.isApproved(), Errors: wrong}
	data.City.Name = reg.CityName
	return s.render(w, r, status, "confirm.tmpl", s.T(r, "confirm.title"), data)
}

func (s *Site) hasAccount(ctx context.Context, email string) (bool, error) {
	_, err := s.DB.FindModerator(ctx, email)
	if errors.Is(err, db.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// confirmedAlready answers a link that was used before.
func (s *Site) confirmedAlready(w http.ResponseWriter, r *http.Request) error {
	if visitOf(r.Context()).moderator != nil {
		http.Redirect(w, r, "/settings", http.StatusSeeOther)
		return nil
	}
	return s.render(w, r, http.StatusOK, "confirmed.tmpl", s.T(r, "confirm.already.title"), nil)
}

func (s *Site) handleConfirm(w http.ResponseWriter, r *http.Request) error {
	reg, err := s.registrationOf(r)
	if errors.Is(err, db.ErrNotFound) {
		return s.confirmedAlready(w, r)
	}
	if err != nil {
		return err
	}
	wrong := fieldErrors{}
	if err := s.chooseName(r, &reg, wrong); err != nil {
		return err
	}
	known, err := s.hasAccount(r.Context(), reg.Email)
	if err != nil {
		return err
	}
	password, hash := r.PostFormValue("password"), ""
	if !known {
		wrong.set("password", manage.CheckPassword(password, reg.Email, reg.CityName, reg.Slug))
	}
	if len(wrong) > 0 {
		return s.confirmPage(w, r, statusOfName(wrong), reg, wrong)
	}
	if !known {
		if hash, err = s.passwords.hash(r.Context(), password); err != nil {
			return err
		}
	}
	return s.confirm(w, r, reg, hash)
}

// chooseName puts the name that was typed, if one was, into the sign-up. If its
// city cannot be had, wrong["city"] says why.
func (s *Site) chooseName(r *http.Request, reg *db.Registration, wrong fieldErrors) error {
	if names := typedNames(r); names.Name != "" {
		slug, err := s.checkCityName(r.Context(), names, wrong)
		reg.CityName, reg.Slug = names.Name, slug
		return err
	}
	problem, err := s.Cities.Taken(r.Context(), reg.Slug)
	if problem != "" {
		wrong.set("city", nameTaken)
	}
	return err
}

// nameTaken is the text id for a name that was free when the mail was sent.
const nameTaken = "confirm.taken"

func statusOfName(wrong fieldErrors) int {
	if wrong["city"] == nameTaken {
		return http.StatusConflict
	}
	return http.StatusUnprocessableEntity
}

// confirm creates the city of a sign-up, and its moderator with that password
// where there is none yet, and logs the moderator in.
func (s *Site) confirm(w http.ResponseWriter, r *http.Request, reg db.Registration, hash string) error {
	made, m, err := s.Cities.Confirm(r.Context(), reg, hash)
	switch {
	case errors.Is(err, db.ErrTaken):
		return s.confirmPage(w, r, http.StatusConflict, reg, fieldErrors{"city": nameTaken})
	case errors.Is(err, db.ErrNotFound):
		return s.confirmedAlready(w, r)
	case err != nil:
		return err
	}
	if err := s.logIn(w, r, m); err != nil {
		return err
	}
	s.welcome(w, r, made)
	return nil
}

// usedLink is the error for a link that could be used only once.
func usedLink(err error) error {
	return &bots.PageError{Status: http.StatusGone, ID: "error.link_used", Title: "error.title_link_over", Err: err}
}
