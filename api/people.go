package api

import (
	"context"
	"net/http"
	"time"

	"ticketfrei/internal/apikey"
	"ticketfrei/internal/report"
)

// peopleRoutes are about who runs a city, and who did what.
func (a *API) peopleRoutes() {
	const path, one, tag = "/cities/{city}/moderators", "/cities/{city}/moderators/{id}", "people"
	needs := []apikey.Right{apikey.People}
	add(a, route{id: "list-moderators", method: http.MethodGet, path: path, tag: tag, summary: "Who runs a city, by address, and who is invited", needs: needs}, a.listModerators)
	addBody(a, route{id: "invite-moderator", method: http.MethodPost, path: path, tag: tag, summary: "Invite somebody to run a city", status: http.StatusCreated,
		about: "They are mailed a link that works for 30 days. A second invitation to an address takes the place of the first.", needs: needs}, a.inviteModerator)
	addBody(a, route{id: "change-moderator", method: http.MethodPatch, path: one, tag: tag, summary: "Give a moderator another role", numbered: true,
		about: "They and the others are mailed. A city's last owner stays one.", needs: needs, errors: []int{http.StatusConflict}}, a.changeModerator)
	add(a, route{id: "remove-moderator", method: http.MethodDelete, path: one, tag: tag, summary: "Take a moderator's rights on a city away", numbered: true,
		about: "They and the others are mailed. Keys that they made and invitations that they sent end, too. A city's last owner stays.", needs: needs, errors: []int{http.StatusConflict}}, a.removeModerator)
	add(a, route{id: "withdraw-invitation", method: http.MethodDelete, path: "/cities/{city}/invitations/{id}", tag: tag, summary: "Withdraw an invitation", numbered: true, needs: needs}, a.withdrawInvitation)
	add(a, route{id: "list-acts", method: http.MethodGet, path: "/cities/{city}/acts", tag: tag, summary: "Who did what with a city within 90 days, the last first",
		needs: needs, takes: []string{"limit", "before"}}, a.listActs)
}

type moderatorForm struct {
	ID    int64       `json:"id"`
	Email string      `json:"email"`
	Role  report.Role `json:"role" enum:"owner,moderator,helper"`
	Since *time.Time  `json:"since,omitempty" doc:"When they became one; left out: not known."`
	Seen  *time.Time  `json:"seen,omitempty" doc:"The day of their last visit; left out: they are logged in nowhere."`
}

type invitationForm struct {
	ID      int64       `json:"id"`
	Email   string      `json:"email"`
	Role    report.Role `json:"role" enum:"owner,moderator,helper"`
	Created time.Time   `json:"created"`
}

type moderatorList struct {
	Moderators  []moderatorForm  `json:"moderators" nullable:"false"`
	Invitations []invitationForm `json:"invitations" nullable:"false"`
}

func (a *API) listModerators(ctx context.Context, _ *request) (*reply[moderatorList], error) {
	people, err := a.Cities.People(ctx, city(ctx).ID)
	if err != nil {
		return nil, err
	}
	open, err := a.DB.CityInvitations(ctx, city(ctx).ID)
	list := moderatorList{make([]moderatorForm, len(people)), make([]invitationForm, len(open))}
	for i, p := range people {
		list.Moderators[i] = moderatorForm{p.ID, p.Email, p.Role, known(p.Since), known(p.Seen)}
	}
	for i, inv := range open {
		list.Invitations[i] = invitationForm{inv.ID, inv.Email, inv.Role, inv.Created.UTC()}
	}
	return answered(list, err)
}

// known is a time as forms have it: nil where it is not known.
func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

type newModerator struct {
	Email string `json:"email" maxLength:"254" example:"moderator@example.org"`
	Role  string `json:"role,omitempty" enum:"owner,moderator,helper" default:"moderator" doc:"What they may do: owners decide who else is there, helpers only look after reports."`
}

func (a *API) inviteModerator(ctx context.Context, _ *request, b *newModerator) (*reply[invitationForm], error) {
	role := report.Moderator
	if b.Role != "" {
		role = report.Role(b.Role)
	}
	inv, err := a.Cities.Invite(ctx, city(ctx), b.Email, role)
	return answered(invitationForm{inv.ID, inv.Email, inv.Role, inv.Created.UTC()}, err)
}

type newRole struct {
	Role string `json:"role" enum:"owner,moderator,helper"`
}

func (a *API) changeModerator(ctx context.Context, in *request, b *newRole) (*reply[none], error) {
	return nil, a.Cities.SetRole(ctx, city(ctx), in.number(), report.Role(b.Role))
}

func (a *API) removeModerator(ctx context.Context, in *request) (*reply[none], error) {
	return nil, a.Cities.RemoveModerator(ctx, city(ctx), in.number())
}

func (a *API) withdrawInvitation(ctx context.Context, in *request) (*reply[none], error) {
	return nil, a.Cities.Withdraw(ctx, city(ctx).ID, in.number())
}

type actForm struct {
	ID      int64     `json:"id"`
	At      time.Time `json:"at"`
	Who     string    `json:"who" doc:"The address of a moderator, operator, or key and its name; empty: the program itself."`
	Act     string    `json:"act" example:"rules.saved"`
	Subject string    `json:"subject,omitempty" doc:"What it was done to, as a network or somebody's address."`
}

type actList struct {
	Acts []actForm `json:"acts" nullable:"false"`
}

func (a *API) listActs(ctx context.Context, in *request) (*reply[actList], error) {
	acts, err := a.Cities.Acts(ctx, city(ctx).ID, in.Before, in.Limit)
	list := make([]actForm, len(acts))
	for i, act := range acts {
		list[i] = actForm{act.ID, act.At.UTC(), act.Who, act.Act, act.Subject}
	}
	return answered(actList{list}, err)
}
