package api

import (
	"context"
	"net/http"

	"ticketfrei/internal/apikey"
	"ticketfrei/manage"
)

func (a *API) placeRoutes() {
	const path, tag = "/cities/{city}/places", "places"
	add(a, route{id: "get-places", method: http.MethodGet, path: path, tag: tag, summary: "The lines and stops of a city", takes: []string{ifNoneMatch}, gives: etags}, a.getPlaces)
	addBody(a, route{id: "put-places", method: http.MethodPut, path: path, tag: tag, summary: "Change the lines and stops of a city",
		about: "Either lines, or text as the settings pages have it: one line of the city in each of its lines, as \"U1 #0065ae: first stop, second stop\".",
		needs: []apikey.Right{apikey.Rules}, takes: []string{ifMatch}, gives: etags, errors: []int{http.StatusPreconditionFailed}}, a.putPlaces)
}

// placesForm is the lines and stops of a city, in two forms.
type placesForm struct {
	Lines []manage.Line `json:"lines" nullable:"false"`
	Text  string        `json:"text" doc:"The same as moderators write it."`
}

func thePlaces(p manage.Places) *reply[placesForm] {
	return &reply[placesForm]{ETag: etag(string(p.Revision())), Body: placesForm{p.Lines(), p.Text}}
}

func (a *API) getPlaces(ctx context.Context, in *request) (*reply[placesForm], error) {
	p, err := a.Cities.Places(ctx, city(ctx).ID)
	if err != nil {
		return nil, err
	}
	found := thePlaces(p)
	return found, in.unchanged(untag(found.ETag))
}

// typedPlaces is lines and stops in one of the two forms.
type typedPlaces struct {
	Lines *[]manage.Line `json:"lines,omitempty" maxItems:"10000"`
	Text  *string        `json:"text,omitempty"`
}

func (a *API) putPlaces(ctx context.Context, in *request, typed *typedPlaces) (*reply[placesForm], error) {
	id := city(ctx).ID
	var saved manage.Places
	var err error
	switch {
	case typed.Lines != nil && typed.Text != nil:
		return nil, wrong("body", "has both lines and text: send one of them", nil)
	case typed.Lines != nil:
		saved, err = a.Cities.SaveLines(ctx, id, *typed.Lines, in.revision())
	case typed.Text != nil:
		saved, err = a.Cities.SavePlaces(ctx, id, *typed.Text, in.revision())
	default:
		return nil, wrong("body", "has neither lines nor text", nil)
	}
	return thePlaces(saved), err
}
