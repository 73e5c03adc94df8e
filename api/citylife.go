package api

import (
	"context"
	"net/http"

	"ticketfrei/internal/apikey"
	"ticketfrei/internal/report"
)

// lifeRoutes are about whether a city is there, and its names in addresses.
func (a *API) lifeRoutes() {
	const one, tag = "/cities/{city}", "cities"
	operator := []apikey.Right{apikey.Cities}
	addBody(a, route{id: "suspend-city", method: http.MethodPost, path: one + "/suspend", tag: tag, summary: "Switch a city off as a whole",
		about: "Its page and its address say that it is off, and its bots rest. Nothing is deleted. Its moderators are mailed the reason.", needs: operator}, a.suspendCity)
	add(a, route{id: "resume-city", method: http.MethodPost, path: one + "/resume", tag: tag, summary: "Let a city go on that is suspended, or begin that waits",
		about: "Its moderators are mailed.", needs: operator}, a.resumeCity)
	add(a, route{id: "restore-city", method: http.MethodPost, path: one + "/restore", tag: tag, summary: "Bring a city back that was deleted",
		about: "Its moderators are mailed.", needs: operator}, a.restoreCity)
	addBody(a, route{id: "rename-city", method: http.MethodPost, path: one + "/rename", tag: tag, summary: "Give a city another name in addresses",
		about: "The one that it had goes on leading to it, as an alias. Its moderators are mailed.", needs: operator, gives: []string{"Location", "ETag"}}, a.renameCity)
	add(a, route{id: "list-aliases", method: http.MethodGet, path: one + "/aliases", tag: tag, summary: "The names besides its own that lead to a city", needs: operator}, a.listAliases)
	add(a, route{id: "add-alias", method: http.MethodPut, path: one + "/aliases/{name}", tag: tag, summary: "Have a name lead to a city", needs: operator}, a.addAlias)
	add(a, route{id: "remove-alias", method: http.MethodDelete, path: one + "/aliases/{name}", tag: tag, summary: "Have a name lead to a city no more", needs: operator}, a.removeAlias)
}

// suspension is why a city is suspended.
type suspension struct {
	Reason string `json:"reason" minLength:"1" maxLength:"300" doc:"Its moderators read it." example:"Advertising, not reports."`
}

func (a *API) suspendCity(ctx context.Context, _ *request, b *suspension) (*reply[cityForm], error) {
	return a.changed(a.Cities.Suspend(ctx, city(ctx).ID, b.Reason))
}

func (a *API) resumeCity(ctx context.Context, _ *request) (*reply[cityForm], error) {
	return a.changed(a.Cities.Admit(ctx, city(ctx).ID))
}

func (a *API) restoreCity(ctx context.Context, _ *request) (*reply[cityForm], error) {
	return a.changed(a.Cities.Restore(ctx, city(ctx).ID))
}

// changed answers with a city as it is now.
func (a *API) changed(c report.City, err error) (*reply[cityForm], error) {
	if err != nil {
		return nil, err
	}
	return a.theCity(c, true), nil
}

// newName is what a city is called in addresses from now on.
type newName struct {
	Slug string `json:"slug" minLength:"2" maxLength:"40" example:"metropolis"`
}

func (a *API) renameCity(ctx context.Context, _ *request, b *newName) (*reply[cityForm], error) {
	c, err := a.changed(a.Cities.Rename(ctx, city(ctx).ID, b.Slug))
	if err == nil {
		c.Location = Path + "/cities/" + c.Body.Slug
	}
	return c, err
}

type aliasList struct {
	Aliases []string `json:"aliases" nullable:"false"`
}

func (a *API) listAliases(ctx context.Context, _ *request) (*reply[aliasList], error) {
	list, err := a.Cities.Aliases(ctx, city(ctx).ID)
	return answered(aliasList{append([]string{}, list...)}, err)
}

func (a *API) addAlias(ctx context.Context, in *request) (*reply[none], error) {
	return nil, a.Cities.AddAlias(ctx, city(ctx).ID, in.Name)
}

func (a *API) removeAlias(ctx context.Context, in *request) (*reply[none], error) {
	return nil, a.Cities.RemoveAlias(ctx, city(ctx).ID, in.Name)
}
