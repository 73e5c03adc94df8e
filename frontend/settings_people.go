package frontend

import (
	"net/http"
	"strconv"
	"strings"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/report"
	"ticketfrei/manage"
)

// peoplePage is what settings/people.tmpl shows: who may do what with the city, and who did
// what.
type peoplePage struct {
	Moderators moderatorsPart
	Keys       keysPart
	Acts       actsPart
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
	if p.Acts, err = s.actsPart(r); err != nil {
		return err
	}
	set(&p)
	return s.showDesk(w, r, status, pagePeople, p)
}

// moderatorsPart is the part of the page about moderators.
type moderatorsPart struct {
	Moderators  []db.Member
	Invitations []db.Invitation
	Roles       []report.Role
	Email       string // as typed
	EmailError  string
	Role        report.Role // as chosen
}

// LastOwner reports whether p is the only owner, who stays.
func (m moderatorsPart) LastOwner(p db.Member) bool {
	owners := 0
	for _, other := range m.Moderators {
		if other.Role == report.Owner {
			owners++
		}
	}
	return p.Role == report.Owner && owners == 1
}

func (s *Site) moderatorsPart(r *http.Request) (moderatorsPart, error) {
	list, err := s.Cities.People(r.Context(), s.City(r).ID)
	if err != nil {
		return moderatorsPart{}, err
	}
	open, err := s.DB.CityInvitations(r.Context(), s.City(r).ID)
	return moderatorsPart{Moderators: list, Invitations: open, Roles: report.Roles(), Role: report.Moderator}, err
}

// actsShown is how many acts a page has.
const actsShown = 25

// actsPart says who did what.
type actsPart struct {
	Acts  []shownAct
	Older int64 // id of the last one shown; 0: there are no older ones
	Paged bool  // these are not the last ones
}

// shownAct is an act in words.
type shownAct struct {
	db.Act
	Says string
}

func (s *Site) actsPart(r *http.Request) (actsPart, error) {
	before, err := strconv.ParseInt(r.URL.Query().Get("before"), 10, 64)
	if err != nil {
		before = 0 // nobody has asked for older ones
	}
	list, err := s.Cities.Acts(r.Context(), s.City(r).ID, before, actsShown+1)
	part := actsPart{Paged: before != 0}
	if len(list) > actsShown {
		list = list[:actsShown]
		part.Older = list[actsShown-1].ID
	}
	t := func(id string, data ...any) string { return s.T(r, id, data...) }
	for _, a := range list {
		shown := shownAct{Act: a, Says: s.sayAct(t, a)}
		shown.Who = manage.SayWho(t, a.Who)
		part.Acts = append(part.Acts, shown)
	}
	return part, err
}

// sayAct says what was done.
func (s *Site) sayAct(t bots.T, a db.Act) string {
	subject := a.Subject
	if person, role, ok := strings.Cut(subject, manage.RoleSign); ok && a.Act == manage.ActRole {
		subject = person + manage.RoleSign + t("people.role."+role)
	}
	if n, err := s.Cities.Network(subject); err == nil && !strings.HasPrefix(a.Act, "key.") {
		subject = t(n.Name + ".title")
	}
	return t("acts."+a.Act, "Subject", subject)
}
