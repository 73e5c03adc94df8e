package api

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"ticketfrei/internal/apikey"
	"ticketfrei/internal/report"
	"ticketfrei/manage"
)

var seesCity = []apikey.Right{apikey.Read, apikey.City}

// cityForm is a city as the API shows it: to everybody what its page shows, and the rest to
// whoever may read it.
type cityForm struct {
	Slug     string `json:"slug" doc:"Its name in addresses."`
	Name     string `json:"name"`
	Language string `json:"language"`
	Zone     string `json:"zone,omitempty" doc:"Its time zone; left out: that of its language."`
	Page     string `json:"page" doc:"What its page says, in markdown; empty: the default."`
	URL      string `json:"url" format:"uri" doc:"The address of its page."`
	Mail     string `json:"mail" doc:"The address that reports are mailed to."`
	Paused   bool   `json:"paused" doc:"It takes no reports."`

	State     report.CityState `json:"state" enum:"on,paused,waiting,suspended,deleted" doc:"paused: it takes no reports; waiting: for the operator to let it begin; suspended: the operator has switched it off; deleted: it can be brought back until gone_after."`
	Reason    string           `json:"reason,omitempty" doc:"Why it is suspended."`
	GoneAfter *time.Time       `json:"gone_after,omitempty" doc:"When it is deleted for good."`

	Poster    *string                      `json:"poster,omitempty" doc:"What its poster says; empty: the default."`
	NoIndex   *bool                        `json:"no_index,omitempty" doc:"Search engines are asked to leave its page out."`
	Questions *bool                        `json:"questions,omitempty" doc:"Questions are answered instead of being passed on."`
	Replies   *bool                        `json:"replies,omitempty" doc:"Answers to what its bots have posted are reports."`
	Approval  *report.Approval             `json:"approval,omitempty" enum:",new,all" doc:"Whose reports wait for a moderator, though the rules let them pass: nobody's, those of new authors, all."`
	NoLinks   *bool                        `json:"no_links,omitempty" doc:"What has a link does not pass."`
	Short     *bool                        `json:"short,omitempty" doc:"What has more than 250 characters does not pass."`
	NoContact *bool                        `json:"no_contact,omitempty" doc:"Its page has no form to write to its moderators."`
	Defaults  *report.SubscriptionDefaults `json:"defaults,omitempty" doc:"What new subscriptions begin with."`
	Created   *time.Time                   `json:"created,omitempty"`
}

func (a *API) cityForm(c report.City, all bool) cityForm {
	f := cityForm{Slug: c.Slug, Name: c.Name, Language: c.Language, Zone: c.Zone, Page: c.Page,
		URL: a.Config.Web.URL + "/city/" + c.Slug, Mail: c.Slug + "@" + a.Config.Mail.Domain, Paused: !c.Paused.IsZero(), State: c.State()}
	if all && !c.Deleted.IsZero() {
		gone := manage.GoneAfter(c).UTC()
		f.GoneAfter = &gone
	}
	if all {
		f.Reason = c.SuspendedFor
		created := c.Created.UTC()
		defaults := c.SubscriptionDefaults()
		f.Approval, f.NoLinks, f.Short, f.NoContact, f.Defaults = &c.Approval, &c.NoLinks, &c.Short, &c.NoContact, &defaults
		f.Poster, f.NoIndex, f.Questions, f.Replies, f.Created = &c.Poster, &c.NoIndex, &c.Questions, &c.Replies, &created
	}
	return f
}

func (a *API) cityRoutes() {
	const path, one, tag = "/cities", "/cities/{city}", "cities"
	operator := []apikey.Right{apikey.Cities}
	add(a, route{id: "list-cities", method: http.MethodGet, path: path, tag: tag, summary: "The cities, by name",
		needs: []apikey.Right{apikey.Cities, apikey.Read}, takes: []string{"search", "limit"}}, a.listCities)
	addBody(a, route{id: "create-city", method: http.MethodPost, path: path, tag: tag, summary: "Add a city with its first moderator", status: http.StatusCreated,
		about: "It begins with the rules of its language and a bot on each network that every city has. A moderator without a password sets one by the page for forgotten passwords.",
		needs: operator, gives: []string{"Location", "ETag"}}, a.createCity)
	add(a, route{id: "get-city", method: http.MethodGet, path: one, tag: tag, summary: "A city", takes: []string{ifNoneMatch}, gives: etags}, a.getCity)
	addBody(a, route{id: "change-city", method: http.MethodPatch, path: one, tag: tag, summary: "Change what a city is called, says and hears",
		about: "What is left out stays. A city that is paused takes no reports, and those that it has are deleted.",
		needs: []apikey.Right{apikey.City}, takes: []string{ifMatch}, gives: etags, errors: []int{http.StatusPreconditionFailed}}, a.changeCity)
	add(a, route{id: "delete-city", method: http.MethodDelete, path: one, tag: tag, summary: "Delete a city with all that is stored of it",
		about: "It is switched off at once, and can be brought back for seven days. Its moderators are mailed.",
		needs: operator, takes: []string{ifMatch, "now"}, errors: []int{http.StatusPreconditionFailed, http.StatusServiceUnavailable}}, a.deleteCity)
	a.lifeRoutes()
}

// theCity is a city with its revision.
func (a *API) theCity(c report.City, all bool) *reply[cityForm] {
	return &reply[cityForm]{ETag: etag(string(manage.DetailsOf(c).Revision())), Body: a.cityForm(c, all)}
}

type cityList struct {
	Cities []cityForm `json:"cities" nullable:"false"`
}

func (a *API) listCities(ctx context.Context, in *request) (*reply[cityList], error) {
	list, err := a.Cities.List(ctx, in.Search, in.Limit)
	forms := make([]cityForm, len(list))
	for i, c := range list {
		forms[i] = a.cityForm(c, true)
	}
	return answered(cityList{forms}, err)
}

// newCity is a city that is added.
type newCity struct {
	Name     string `json:"name" minLength:"1" maxLength:"60" example:"Gotham"`
	Slug     string `json:"slug,omitempty" maxLength:"40" doc:"Its name in addresses; as its name gives where it is left out." example:"gotham"`
	Language string `json:"language,omitempty" default:"de" doc:"Of its page and its mails." example:"en"`
	Zone     string `json:"zone,omitempty" maxLength:"64" doc:"Its time zone; that of its language where it is left out." example:"Europe/Berlin"`
	Email    string `json:"email" maxLength:"254" doc:"The address of its first moderator." example:"moderator@example.org"`
	Password string `json:"password,omitempty" writeOnly:"true" doc:"Of the moderator, where the address is new."`
}

func (a *API) createCity(ctx context.Context, _ *request, b *newCity) (*reply[cityForm], error) {
	made, err := a.Cities.Create(ctx, manage.NewCity{Operator: true, Name: b.Name, Slug: b.Slug, Language: cmp.Or(b.Language, "de"), Zone: b.Zone, Email: b.Email, Password: b.Password})
	if err != nil {
		return nil, err
	}
	c := a.theCity(made.City, true)
	c.Location = Path + "/cities/" + made.Slug
	return c, nil
}

func (a *API) getCity(ctx context.Context, in *request) (*reply[cityForm], error) {
	found := a.theCity(city(ctx), may(ctx, seesCity...))
	return found, in.unchanged(untag(found.ETag))
}

// cityPatch is what changes of a city.
type cityPatch struct {
	Name      *string                      `json:"name,omitempty" maxLength:"60"`
	Language  *string                      `json:"language,omitempty"`
	Zone      *string                      `json:"zone,omitempty" maxLength:"64" doc:"Empty: that of its language."`
	Page      *string                      `json:"page,omitempty" doc:"Markdown; empty: the default."`
	Poster    *string                      `json:"poster,omitempty" doc:"Empty: the default."`
	NoIndex   *bool                        `json:"no_index,omitempty"`
	Questions *bool                        `json:"questions,omitempty"`
	Replies   *bool                        `json:"replies,omitempty"`
	Paused    *bool                        `json:"paused,omitempty"`
	Approval  *report.Approval             `json:"approval,omitempty" enum:",new,all"`
	NoLinks   *bool                        `json:"no_links,omitempty"`
	Short     *bool                        `json:"short,omitempty"`
	NoContact *bool                        `json:"no_contact,omitempty"`
	Defaults  *report.SubscriptionDefaults `json:"defaults,omitempty"`
}

func (a *API) changeCity(ctx context.Context, in *request, b *cityPatch) (*reply[cityForm], error) {
	c, err := a.Cities.Change(ctx, city(ctx).ID, manage.Patch{Name: b.Name, Language: b.Language, Zone: b.Zone, Page: b.Page, Poster: b.Poster,
		NoIndex: b.NoIndex, Questions: b.Questions, Replies: b.Replies, Paused: b.Paused, Approval: b.Approval, NoLinks: b.NoLinks, Short: b.Short, NoContact: b.NoContact, Defaults: b.Defaults}, in.revision())
	return a.theCity(c, true), err
}

func (a *API) deleteCity(ctx context.Context, in *request) (*reply[none], error) {
	c := city(ctx)
	if seen := in.revision(); seen != "" && seen != manage.DetailsOf(c).Revision() {
		return nil, manage.ErrConflict
	}
	if in.Now {
		return nil, a.Cities.DeleteNow(ctx, c.ID)
	}
	_, err := a.Cities.Delete(ctx, c.ID)
	return nil, err
}
