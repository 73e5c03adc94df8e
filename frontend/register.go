package frontend

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"ticketfrei/censor"
	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// Purposes of signed links.
const (
	purposeRegister = "register" // payload: id of the registration
	purposePassword = "password" // payload: see passwordPayload
	purposeInvite   = "invite"   // payload: id of the invitation
)

// registerFor is how long the link of a sign-up is good.
const registerFor = 48 * time.Hour

// maxCityName bounds a city's name, in characters.
const maxCityName = 60

// registerForm is what register.tmpl shows.
type registerForm struct {
	Email   string
	City    string
	Address string // the address that the city's name gives; empty if it gives none
	Errors  fieldErrors
	Member  bool // somebody is logged in, so only the name is asked for
}

func (s *Site) handleRegisterForm(w http.ResponseWriter, r *http.Request) error {
	return s.registerPage(w, r, http.StatusOK, registerForm{})
}

func (s *Site) registerPage(w http.ResponseWriter, r *http.Request, status int, form registerForm) error {
	form.Member = visitOf(r.Context()).moderator != nil
	if slug := report.Slug(form.City); report.CheckSlug(slug) == nil {
		form.Address = s.cityAddress(slug)
	}
	return s.render(w, r, status, "register.tmpl", s.T(r, "register.title"), form)
}

// cityAddress returns the mail address of the city with that slug.
func (s *Site) cityAddress(slug string) string { return slug + "@" + s.Config.Mail.Domain }

func (s *Site) handleRegister(w http.ResponseWriter, r *http.Request) error {
	form := registerForm{Email: normalEmail(r.PostFormValue("email")), City: cityName(r.PostFormValue("city")), Errors: fieldErrors{}}
	member := visitOf(r.Context()).moderator
	password := r.PostFormValue("password")
	slug, err := s.checkCityName(r.Context(), form.City, form.Errors)
	if err != nil {
		return err
	}
	if member == nil {
		form.Errors.set("email", checkEmail(form.Email))
		form.Errors.set("password", checkPassword(password))
	}
	if len(form.Errors) > 0 {
		return s.registerPage(w, r, http.StatusUnprocessableEntity, form)
	}
	if member != nil {
		return s.addCity(w, r, slug, form)
	}
	if err := s.signUp(r, form, slug, password); err != nil {
		return err
	}
	http.Redirect(w, r, "/register/sent", http.StatusSeeOther)
	return nil
}

// cityName returns a name as it is stored: on one line, without spaces around
// it.
func cityName(typed string) string { return strings.Join(strings.Fields(typed), " ") }

// checkCityName returns the slug for the name of a new city. If the name cannot
// be used, wrong["city"] says why.
func (s *Site) checkCityName(ctx context.Context, name string, wrong fieldErrors) (string, error) {
	slug := report.Slug(name)
	switch err := report.CheckSlug(slug); {
	case name == "":
		wrong.set("city", "form.city.empty")
	case utf8.RuneCountInString(name) > maxCityName:
		wrong.set("city", "form.city.long")
	case errors.Is(err, report.ErrReserved):
		wrong.set("city", "form.city.reserved")
	case err != nil:
		wrong.set("city", "form.city.invalid")
	}
	if len(wrong) > 0 {
		return "", nil
	}
	_, err := s.DB.FindCity(ctx, slug)
	if err == nil {
		wrong.set("city", "form.city.taken")
		return "", nil
	}
	if !errors.Is(err, db.ErrNotFound) {
		return "", err
	}
	return slug, nil
}

// signUp stores the sign-up and mails its link. If the address has an account,
// the mail says so instead. The visitor, who may be somebody else, is told the
// same either way and after the same work.
func (s *Site) signUp(r *http.Request, form registerForm, slug, password string) error {
	ctx, lang := r.Context(), visitOf(r.Context()).lang
	hash, err := s.passwords.hash(ctx, password)
	if err != nil {
		return err
	}
	_, err = s.DB.FindModerator(ctx, form.Email)
	if err == nil {
		return s.mailTo(ctx, lang, form.Email, "account_mail.known.subject", "account_mail.known.text",
			"City", form.City, linkName, s.link("/login?next=/register"))
	}
	if !errors.Is(err, db.ErrNotFound) {
		return err
	}
	reg, err := s.DB.CreateRegistration(ctx, db.Registration{Email: form.Email, Password: hash,
		CityName: form.City, Slug: slug, Language: lang})
	if err != nil {
		return err
	}
	token := s.Secrets.Sign(purposeRegister, strconv.FormatInt(reg.ID, 10), s.Now().Add(registerFor))
	return s.mailTo(ctx, lang, form.Email, "account_mail.register.subject", "account_mail.register.text",
		"City", form.City, "Address", s.cityAddress(slug), linkName, s.link("/confirm/"+token))
}

// addCity creates another city for a moderator who is logged in.
func (s *Site) addCity(w http.ResponseWriter, r *http.Request, slug string, form registerForm) error {
	ctx := r.Context()
	made, err := s.DB.CreateCity(ctx, censor.NewCity(slug, form.City, visitOf(ctx).lang), s.moderator(r).ID, s.everywhere())
	if errors.Is(err, db.ErrTaken) {
		form.Errors.set("city", "form.city.taken")
		return s.registerPage(w, r, http.StatusUnprocessableEntity, form)
	}
	if err != nil {
		return err
	}
	s.welcome(w, r, made)
	return nil
}

// welcome leads to the settings of a city that was just made.
func (s *Site) welcome(w http.ResponseWriter, r *http.Request, made report.City) {
	ctx := r.Context()
	s.Notices.Changed(made.ID)
	s.sessions.Put(ctx, keyCity, made.ID)
	s.flash(ctx, s.T(r, "register.welcome", "City", made.Name))
	http.Redirect(w, r, "/settings", http.StatusSeeOther)
}

func (s *Site) handleRegisterSent(w http.ResponseWriter, r *http.Request) error {
	return s.render(w, r, http.StatusOK, "sent.tmpl", s.T(r, "register.sent.title"), sentPage{
		Text: s.T(r, "register.sent.text"), Hint: s.T(r, "register.sent.hint")})
}

// sentPage is what sent.tmpl shows: a mail is on its way.
type sentPage struct{ Text, Hint string }

// handleRegisterName says what address a city's name would give. The form shows
// it while the name is typed.
func (s *Site) handleRegisterName(w http.ResponseWriter, r *http.Request) error {
	name, wrong := cityName(r.URL.Query().Get("city")), fieldErrors{}
	if name == "" {
		answerPlainly(w, http.StatusOK, "")
		return nil
	}
	slug, err := s.checkCityName(r.Context(), name, wrong)
	if err != nil {
		return err
	}
	text := s.T(r, "register.address", "Address", s.cityAddress(slug))
	if id, bad := wrong["city"]; bad {
		text = s.T(r, id)
	}
	answerPlainly(w, http.StatusOK, text)
	return nil
}
