package frontend

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/secret"
	"ticketfrei/manage"
)

// passwordForm is what password.tmpl shows.
type passwordForm struct {
	Email  string
	Errors fieldErrors
}

func (s *Site) handlePasswordForm(w http.ResponseWriter, r *http.Request) error {
	return s.render(w, r, http.StatusOK, "password.tmpl", s.T(r, "password.title"), passwordForm{})
}

// handlePassword mails a link to set a new password. The answer does not reveal
// whether the address has an account, nor does its time.
func (s *Site) handlePassword(w http.ResponseWriter, r *http.Request) error {
	form := passwordForm{Email: manage.NormalEmail(r.PostFormValue("email")), Errors: fieldErrors{}}
	form.Errors.set("email", manage.CheckEmail(form.Email))
	if len(form.Errors) > 0 {
		return s.render(w, r, http.StatusUnprocessableEntity, "password.tmpl", s.T(r, "password.title"), form)
	}
	m, err := s.DB.FindModerator(r.Context(), form.Email)
	unknown := errors.Is(err, db.ErrNotFound)
	if err != nil && !unknown {
		return err
	}
	token := s.Secrets.Sign(manage.PurposePassword, manage.PasswordPayload(m), s.Now().Add(manage.PasswordFor))
	err = s.mailAsked(r, form.Email, bots.Asked{WayIn: true, Nobody: unknown},
		"account_mail.password.subject", "account_mail.password.text", linkName, s.link("/password/"+token))
	if err != nil {
		return err
	}
	http.Redirect(w, r, keepLanguage(visitOf(r.Context()).asked, "/password/sent"), http.StatusSeeOther)
	return nil
}

func (s *Site) handlePasswordSent(w http.ResponseWriter, r *http.Request) error {
	return s.showSent(w, r, "password.sent", "/password")
}

// resetOf returns the moderator whose password the link of the path may
// replace.
func (s *Site) resetOf(r *http.Request) (db.Moderator, error) {
	payload, err := s.Secrets.Verify(manage.PurposePassword, chi.URLParam(r, "token"), s.Now())
	if err != nil {
		return db.Moderator{}, err
	}
	idText, _, _ := strings.Cut(payload, ":")
	id, err := strconv.ParseInt(idText, 10, 64)
	if err != nil {
		return db.Moderator{}, errors.Join(secret.ErrTokenInvalid, err)
	}
	m, err := s.DB.Moderator(r.Context(), id)
	if errors.Is(err, db.ErrNotFound) || err == nil && payload != manage.PasswordPayload(m) {
		return db.Moderator{}, usedLink(err)
	}
	return m, err
}

func (s *Site) handleNewPasswordForm(w http.ResponseWriter, r *http.Request) error {
	m, err := s.resetOf(r)
	if err != nil {
		return err
	}
	return s.newPasswordPage(w, r, http.StatusOK, passwordForm{Email: m.Email})
}

func (s *Site) newPasswordPage(w http.ResponseWriter, r *http.Request, status int, form passwordForm) error {
	return s.render(w, r, status, "newpassword.tmpl", s.T(r, "password.new.title"), form)
}

// handleNewPassword stores the new password, which ends all sessions made with
// the old one, and logs the moderator in.
func (s *Site) handleNewPassword(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	m, err := s.resetOf(r)
	if err != nil {
		return err
	}
	password, wrong := r.PostFormValue("password"), fieldErrors{}
	wrong.set("password", manage.CheckPassword(password, m.Email))
	if len(wrong) > 0 {
		return s.newPasswordPage(w, r, http.StatusUnprocessableEntity, passwordForm{Email: m.Email, Errors: wrong})
	}
	hash, err := s.passwords.hash(ctx, password)
	if err != nil {
		return err
	}
	if err := s.DB.SetPassword(ctx, m, hash); err != nil {
		if errors.Is(err, db.ErrNotFound) { // the link was used a second time meanwhile
			err = usedLink(err)
		}
		return err
	}
	m.Password = hash
	if err := s.logIn(w, r, m); err != nil {
		return err
	}
	s.flash(ctx, s.T(r, "password.changed"))
	http.Redirect(w, r, "/settings", http.StatusSeeOther)
	return nil
}
