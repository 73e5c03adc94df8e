package frontend

import (
	"cmp"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"ticketfrei/db"
	"ticketfrei/internal/report"
	"ticketfrei/manage"
)

// cityModeratorRoutes are the routes of the part about moderators.
func (s *Site) cityModeratorRoutes(r chi.Router) {
	r.Get("/invite", backTo(pagePeople, partModerators))
	r.With(s.limitModerator(inviteLimit, "settings.moderators.too_many")).Post("/invite", s.Handler(s.handleInvite))
	r.Post("/withdraw", s.Handler(s.handleWithdraw))
	r.Get("/role", backTo(pagePeople, partModerators))
	r.Post("/role", s.Handler(s.handleRole))
	r.Get("/remove", s.Handler(s.handleRemoveAsk))
	r.Post("/remove", s.Handler(s.handleRemove))
}

func (s *Site) handleInvite(w http.ResponseWriter, r *http.Request) error {
	typed, role := strings.TrimSpace(r.PostFormValue("email")), report.Role(cmp.Or(r.PostFormValue("role"), string(report.Moderator)))
	inv, err := s.Cities.Invite(r.Context(), s.City(r), typed, role)
	wrong, err := problems(err)
	if err != nil {
		return err
	}
	if wrong != nil {
		return s.showPeople(w, r, http.StatusUnprocessableEntity, func(p *peoplePage) {
			p.Moderators.Email, p.Moderators.EmailError, p.Moderators.Role = typed, cmp.Or(s.say(r, wrong, "email"), s.say(r, wrong, "role")), role
		})
	}
	said := "settings.moderators.invited"
	if s.AccountMails.Delayed() {
		said = "settings.moderators.invited_delayed"
	}
	return s.saved(w, r, pagePeople, partModerators, s.T(r, said, "Email", inv.Email))
}

func (s *Site) handleWithdraw(w http.ResponseWriter, r *http.Request) error {
	id, err := formID(r, "invitation")
	if err != nil {
		return err
	}
	err = s.Cities.Withdraw(r.Context(), s.City(r).ID, id)
	if err != nil && !errors.Is(err, db.ErrNotFound) { // a second click: it has been done already
		return err
	}
	return s.saved(w, r, pagePeople, partModerators, s.T(r, "settings.moderators.withdrawn"))
}

// handleRole gives a moderator another role.
func (s *Site) handleRole(w http.ResponseWriter, r *http.Request) error {
	m, err := s.cityModerator(r, r.PostFormValue("moderator"))
	if err != nil {
		return err
	}
	role := report.Role(r.PostFormValue("role"))
	err = s.Cities.SetRole(r.Context(), s.City(r), m.ID, role)
	wrong, err := problems(err)
	switch {
	case errors.Is(err, manage.ErrLastOwner):
		return s.saved(w, r, pagePeople, partModerators, s.T(r, "settings.moderators.last", "City", s.City(r).Name))
	case err != nil:
		return err
	case wrong != nil: // the form has nothing of the kind
		return badForm(wrong)
	}
	said := s.T(r, "settings.moderators.role_saved", "Email", m.Email, "Role", s.T(r, "people.role."+string(role)))
	if m.ID == s.moderator(r).ID && !role.May(roleFor(deskPath(pagePeople))) {
		s.flash(r.Context(), said)
		http.Redirect(w, r, "/settings", http.StatusSeeOther)
		return nil
	}
	return s.saved(w, r, pagePeople, partModerators, said)
}

// cityModerator returns the moderator of this city with that id.
func (s *Site) cityModerator(r *http.Request, typed string) (db.Member, error) {
	id, err := strconv.ParseInt(typed, 10, 64)
	if err != nil {
		return db.Member{}, gone(err)
	}
	m, err := s.Cities.Person(r.Context(), s.City(r).ID, id)
	if errors.Is(err, db.ErrNotFound) {
		err = gone(err)
	}
	return m, err
}

// handleRemoveAsk shows what removing means, and the button for it.
func (s *Site) handleRemoveAsk(w http.ResponseWriter, r *http.Request) error {
	m, err := s.cityModerator(r, r.URL.Query().Get("moderator"))
	if err != nil {
		return err
	}
	if m.ID != s.moderator(r).ID && !visitOf(r.Context()).role.May(report.Owner) {
		return manage.ErrNotAllowed
	}
	lead, back := "settings.moderators.remove_lead", partPath(pagePeople, partModerators)
	if m.ID == s.moderator(r).ID {
		lead, back = "settings.moderators.remove_self_lead", deskPath(pageAccount)
	}
	return s.ask(w, r, question{
		Title:  s.T(r, "settings.moderators.remove_title", "Email", m.Email),
		Lead:   s.T(r, lead, "Email", m.Email, "City", s.City(r).Name),
		Action: "/settings/moderators/remove",
		Button: s.T(r, "settings.moderators.remove_button"),
		Keep:   s.T(r, "settings.moderators.remove_keep"),
		Back:   back,
		Fields: []keptField{{"moderator", strconv.FormatInt(m.ID, 10)}},
	})
}

func (s *Site) handleRemove(w http.ResponseWriter, r *http.Request) error {
	m, err := s.cityModerator(r, r.PostFormValue("moderator"))
	if err != nil {
		return err
	}
	c, self := s.City(r), m.ID == s.moderator(r).ID
	err = s.Cities.RemoveModerator(r.Context(), c, m.ID)
	switch {
	case errors.Is(err, manage.ErrLastOwner):
		return s.saved(w, r, pagePeople, partModerators, s.T(r, "settings.moderators.last", "City", c.Name))
	case errors.Is(err, db.ErrNotFound):
		return gone(err)
	case err != nil:
		return err
	case self:
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
