package frontend

import (
	"errors"
	"net/http"

	"ticketfrei/db"
	"ticketfrei/internal/report"
	"ticketfrei/manage"
)

// invitationPage is what invitation.tmpl shows.
type invitationPage struct {
	Email  string
	City   string
	Role   report.Role
	New    bool // the address has no account yet, so a password is asked for
	Errors fieldErrors
}

// invited is an open invitation and who it is for.
type invited struct {
	db.Invitation
	City      report.City
	Moderator *db.Moderator // nil if the address has no account yet
}

// invitationOf finds the invitation of the link.
func (s *Site) invitationOf(r *http.Request) (invited, error) {
	id, err := s.linkID(r, manage.PurposeInvite)
	if err != nil {
		return invited{}, err
	}
	ctx := r.Context()
	var inv invited
	if inv.Invitation, err = s.DB.Invitation(ctx, id); err != nil {
		if errors.Is(err, db.ErrNotFound) {
			return invited{}, usedLink(err)
		}
		return invited{}, err
	}
	if inv.City, err = s.DB.City(ctx, inv.CityID); err != nil {
		return invited{}, err
	}
	m, err := s.DB.FindModerator(ctx, inv.Email)
	if err == nil {
		inv.Moderator = &m
	} else if !errors.Is(err, db.ErrNotFound) {
		return invited{}, err
	}
	return inv, nil
}

func (s *Site) handleInvitationForm(w http.ResponseWriter, r *http.Request) error {
	inv, err := s.invitationOf(r)
	if err != nil {
		return err
	}
	return s.invitationPage(w, r, http.StatusOK, inv, nil)
}

func (s *Site) invitationPage(w http.ResponseWriter, r *http.Request, status int, inv invited, wrong fieldErrors) error {
	data := invitationPage{Email: inv.Email, City: inv.City.Name, Role: inv.Role, New: inv.Moderator == nil, Errors: wrong}
	return s.render(w, r, status, "invitation.tmpl", s.T(r, "invitation.title"), data)
}

// handleInvitation accepts an invitation. Somebody new sets a password and is
// logged in; somebody with an account logs in with the password they have: if it was made
// a moment ago, hash is not theirs.
func (s *Site) handleInvitation(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	inv, err := s.invitationOf(r)
	if err != nil {
		return err
	}
	var hash string
	if inv.Moderator == nil {
		password, wrong := r.PostFormValue("password"), fieldErrors{}
		wrong.set("password", manage.CheckPassword(password, inv.Email, inv.City.Name, inv.City.Slug))
		if len(wrong) > 0 {
			return s.invitationPage(w, r, http.StatusUnprocessableEntity, inv, wrong)
		}
		if hash, err = s.passwords.hash(ctx, password); err != nil {
			return err
		}
	}
	m, err := s.Cities.Join(ctx, inv.City, inv.Invitation, hash)
	if errors.Is(err, db.ErrNotFound) {
		err = usedLink(err)
	}
	if err != nil {
		return err
	}
	s.flash(ctx, s.T(r, "invitation.accepted", "City", inv.City.Name))
	if s.moderator(r).ID != m.ID && m.Password != hash {
		http.Redirect(w, r, "/login", http.StatusSeeOther)
		return nil
	}
	if err := s.logIn(w, r, m); err != nil {
		return err
	}
	s.sessions.Put(ctx, keyCity, inv.CityID)
	http.Redirect(w, r, "/settings", http.StatusSeeOther)
	return nil
}
