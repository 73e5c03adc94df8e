package frontend

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/go-chi/chi/v5"

	"ticketfrei/bots"
	"ticketfrei/censor"
	"ticketfrei/db"
	"ticketfrei/internal/secret"
)

// confirmPage is what confirm.tmpl shows of a sign-up: a button and, if the
// name was taken in the meantime, a field for another one.
type confirmPage struct {
	City    string
	Address string
	Rename  bool
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
	data := confirmPage{City: reg.CityName, Address: s.cityAddress(reg.Slug)}
	if _, err := s.DB.FindCity(r.Context(), reg.Slug); err == nil {
		data = nameTaken(reg.CityName)
	} else if !errors.Is(err, db.ErrNotFound) {
		return err
	}
	return s.confirmPage(w, r, http.StatusOK, data)
}

func (s *Site) confirmPage(w http.ResponseWriter, r *http.Request, status int, data confirmPage) error {
	return s.render(w, r, status, "confirm.tmpl", s.T(r, "confirm.title"), data)
}

// nameTaken returns the page that asks for another name.
func nameTaken(name string) confirmPage {
	return confirmPage{City: name, Rename: true, Errors: fieldErrors{"city": "confirm.taken"}}
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
	if name := cityName(r.PostFormValue("city")); name != "" {
		wrong := fieldErrors{}
		slug, err := s.checkCityName(r.Context(), name, wrong)
		if err != nil {
			return err
		}
		if len(wrong) > 0 {
			return s.confirmPage(w, r, http.StatusUnprocessableEntity, confirmPage{City: name, Rename: true, Errors: wrong})
		}
		reg.CityName, reg.Slug = name, slug
	}
	return s.confirm(w, r, reg)
}

// confirm creates the moderator and the city of a sign-up and logs the
// moderator in.
func (s *Site) confirm(w http.ResponseWriter, r *http.Request, reg db.Registration) error {
	ctx := r.Context()
	made, m, err := s.DB.ConfirmRegistration(ctx, reg.ID, censor.NewCity(reg.Slug, reg.CityName, reg.Language), s.everywhere())
	switch {
	case errors.Is(err, db.ErrTaken):
		return s.confirmPage(w, r, http.StatusConflict, nameTaken(reg.CityName))
	case errors.Is(err, db.ErrNotFound):
		return s.confirmedAlready(w, r)
	case err != nil:
		return err
	}
	if err := s.logIn(ctx, m); err != nil {
		return err
	}
	s.welcome(w, r, made)
	return nil
}

// usedLink is the error for a link that could be used only once.
func usedLink(err error) error {
	return &bots.PageError{Status: http.StatusGone, ID: "error.link_used", Err: err}
}
