package frontend

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"ticketfrei/db"
	"ticketfrei/internal/i18n"
	"ticketfrei/manage"
)

// inviteLife is how long the link of an invitation works.
const inviteLife = 30 * 24 * time.Hour

// cityModeratorRoutes are the routes of the part about moderators.
func (s *Site) cityModeratorRoutes(r chi.Router) {
	r.Get("/invite", backTo(pagePeople, partModerators))
	r.With(s.limitModerator(inviteLimit, "settings.moderators.too_many")).Post("/invite", s.Handler(s.handleInvite))
	r.Post("/withdraw", s.Handler(s.handleWithdraw))
	r.Get("/remove", s.Handler(s.handleRemoveAsk))
	r.Post("/remove", s.Handler(s.handleRemove))
}

// peoplePage is what settings/people.tmpl shows: who may do what with the city.
type peoplePage struct {
	Moderators moderatorsPart
	Keys       keysPart
}

func (s *Site) handlePeople(w http.ResponseWriter, r *http.Request) error {
	return s.showPeople(w, r, http.StatusOK, func(*peoplePage) {})
}

// showPeople writes the page. set replaces what is stored with what was typed.
func (s *Site) showPeople(w http.ResponseWriter, r *http.Request, status int, set func(*peoplePage)) error {
	var p peoplePage
	var err error
	if p.Moderators, err = s.moderatorsPart(r); err != nil {
		return err
	}
	if p.Keys, err = s.keysPart(r); err != nil {
		return err
	}
	set(&p)
	return s.showDesk(w, r, status, pagePeople, p)
}

// moderatorsPart is the part of the page about moderators.
type moderatorsPart struct {
	Moderators  []db.Moderator
	Invitations []db.Invitation
	Email       string // as typed
	EmailError  string
}

// Last reports whether nobody may be removed.
func (m moderatorsPart) Last() bool { return len(m.Moderators) == 1 }

func (s *Site) moderatorsPart(r *http.Request) (moderatorsPart, error) {
	list, err := s.DB.CityModerators(r.Context(), s.City(r).ID)
	if err != nil {
		return moderatorsPart{}, err
	}
	open, err := s.DB.CityInvitations(r.Context(), s.City(r).ID)
	return moderatorsPart{Moderators: list, Invitations: open}, err
}

func (s *Site) handleInvite(w http.ResponseWriter, r *http.Request) error {
	typed := strings.TrimSpace(r.PostFormValue("email"))
	email, problem, err := s.checkInvitee(r, typed)
	if err != nil {
		return err
	}
	if problem != "" {
		return s.showPeople(w, r, http.StatusUnprocessableEntity, func(p *peoplePage) {
			p.Moderators.Email, p.Moderators.EmailError = typed, problem
		})
	}
	if err := s.sendInvitation(r, email); err != nil {
		return err
	}
	said := "settings.moderators.invited"
	if s.AccountMails.Delayed() {
		said = "settings.moderators.invited_delayed"
	}
	return s.saved(w, r, pagePeople, partModerators, s.T(r, said, "Email", email))
}

// checkInvitee returns the address as it is stored, or what is wrong with it.
func (s *Site) checkInvitee(r *http.Request, typed string) (email, problem string, err error) {
	email = manage.NormalEmail(typed)
	if id := manage.CheckEmail(email); id != "" {
		return "", s.T(r, id), nil
	}
	list, err := s.DB.CityModerators(r.Context(), s.City(r).ID)
	if err != nil {
		return "", "", err
	}
	if slices.ContainsFunc(list, func(m db.Moderator) bool { return m.Email == email }) {
		return "", s.T(r, "settings.moderators.email_is_moderator", "Email", email, "City", s.City(r).Name), nil
	}
	return email, "", nil
}

// sendInvitation stores the invitation and mails its link, in the language of
// the city: nothing else is known about the person.
func (s *Site) sendInvitation(r *http.Request, email string) error {
	c := s.City(r)
	inv, err := s.DB.CreateInvitation(r.Context(), c.ID, email)
	if err != nil {
		return err
	}
	token := s.Secrets.Sign(purposeInvite, strconv.FormatInt(inv.ID, 10), s.Now().Add(inviteLife))
	return s.mailTo(r.Context(), i18n.ForModerators(c.Language), email, "settings.invite_mail.subject", "settings.invite_mail.text",
		"Address", s.cityAddress(c.Slug), "Site", s.Config.Web.URL, linkName, s.link("/invitation/"+token))
}

func (s *Site) handleWithdraw(w http.ResponseWriter, r *http.Request) error {
	id, err := formID(r, "invitation")
	if err != nil {
		return err
	}
	if err := s.DB.DeleteInvitation(r.Context(), s.City(r).ID, id); err != nil {
		return err
	}
	return s.saved(w, r, pagePeople, partModerators, s.T(r, "settings.moderators.withdrawn"))
}

// cityModerator returns the moderator of this city with that id.
func (s *Site) cityModerator(r *http.Request, id int64) (db.Moderator, error) {
	list, err := s.DB.CityModerators(r.Context(), s.City(r).ID)
	if err != nil {
		return db.Moderator{}, err
	}
	i := slices.IndexFunc(list, func(m db.Moderator) bool { return m.ID == id })
	if i < 0 {
		return db.Moderator{}, gone(db.ErrNotFound)
	}
	return list[i], nil
}

// handleRemoveAsk shows what removing means, and the button for it.
func (s *Site) handleRemoveAsk(w http.ResponseWriter, r *http.Request) error {
	id, err := strconv.ParseInt(r.URL.Query().Get("moderator"), 10, 64)
	if err != nil {
		return gone(err)
	}
	m, err := s.cityModerator(r, id)
	if err != nil {
		return err
	}
	lead := "settings.moderators.remove_lead"
	if m.ID == s.moderator(r).ID {
		lead = "settings.moderators.remove_self_lead"
	}
	return s.ask(w, r, question{
		Title:  s.T(r, "settings.moderators.remove_title", "Email", m.Email),
		Lead:   s.T(r, lead, "Email", m.Email, "City", s.City(r).Name),
		Action: "/settings/moderators/remove",
		Button: s.T(r, "settings.moderators.remove_button"),
		Keep:   s.T(r, "settings.moderators.remove_keep"),
		Back:   partPath(pagePeople, partModerators),
		Field:  "moderator",
		Value:  strconv.FormatInt(m.ID, 10),
	})
}

func (s *Site) handleRemove(w http.ResponseWriter, r *http.Request) error {
	id, err := formID(r, "moderator")
	if err != nil {
		return err
	}
	m, err := s.cityModerator(r, id)
	if err != nil {
		return err
	}
	c := s.City(r)
	err = s.DB.RemoveModerator(r.Context(), c.ID, m.ID)
	switch {
	case errors.Is(err, db.ErrTaken):
		return s.saved(w, r, pagePeople, partModerators, s.T(r, "settings.moderators.last", "City", c.Name))
	case errors.Is(err, db.ErrNotFound):
		return gone(err)
	case err != nil:
		return err
	}
	if m.ID == s.moderator(r).ID {
		return s.leave(w, r, s.T(r, "settings.moderators.removed_self", "City", c.Name))
	}
	return s.saved(w, r, pagePeople, partModerators, s.T(r, "settings.moderators.removed", "Email", m.Email, "City", c.Name))
}

// leave says goodbye to moderators who have just lost the city they were
// looking at. It leads to their next city. If they have none, their login is
// gone too, and it leads to the start page.
func (s *Site) leave(w http.ResponseWriter, r *http.Request, goodbye string) error {
	next := "/settings"
	if len(visitOf(r.Context()).cities) <= 1 {
		if err := s.logOut(r.Context()); err != nil {
			return err
		}
		next = "/"
	}
	s.flash(r.Context(), goodbye)
	http.Redirect(w, r, next, http.StatusSeeOther)
	return nil
}
