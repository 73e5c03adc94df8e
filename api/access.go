package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"ticketfrei/db"
	"ticketfrei/internal/apikey"
	"ticketfrei/internal/clients"
	"ticketfrei/internal/report"
	"ticketfrei/manage"
)

// keyScheme is what the OpenAPI document calls keys.
const keyScheme = "key"

type (
	keyOf     struct{} // in a context: the request's key
	cityOf    struct{} // in a context: the city in the path
	requestOf struct{} // in a context: the request, for its client
)

// key returns the request's key; the zero Key where it has none.
func key(ctx context.Context) (k apikey.Key, ok bool) {
	k, ok = ctx.Value(keyOf{}).(apikey.Key)
	return k, ok
}

// city returns the city in the path.
func city(ctx context.Context) report.City {
	c, _ := ctx.Value(cityOf{}).(report.City)
	return c
}

// may tells whether the request may do something with the city in the path for which
// one of the rights is needed.
func may(ctx context.Context, rights ...apikey.Right) bool {
	k, ok := key(ctx)
	return ok && k.Of(city(ctx).ID) && k.May(rights...)
}

// identify finds the key of a request and counts the request.
func (a *API) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		k, err := a.keyOf(r)
		known := err == nil && k.ID != 0
		if limited := a.count(w, r, k, known); limited != nil {
			err = limited
		}
		if err != nil {
			refuse(w, err)
			return
		}
		ctx := context.WithValue(r.Context(), requestOf{}, r)
		if known {
			ctx = manage.As(context.WithValue(ctx, keyOf{}, k), actorOf(k))
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// actorOf is who acts with a key.
func actorOf(k apikey.Key) manage.Actor {
	return manage.Actor{ID: k.MadeBy, Name: strings.TrimSpace("key " + k.Name), Role: report.Owner}
}

// count counts a request for its key, or its client where it has none that holds.
func (a *API) count(w http.ResponseWriter, r *http.Request, k apikey.Key, known bool) error {
	if known {
		return a.limits.take(w, fmt.Sprint("key ", k.ID), 1)
	}
	client := clients.OfRequest(r, a.Config.Web.TrustedProxies)
	if !client.IsValid() {
		return a.limits.take(w, "everybody", everybody)
	}
	return a.limits.take(w, client.String(), 1)
}

// everybody is how many clients are reckoned with who come from one address, where that is a
// gateway's.
const everybody = 50

// keyOf returns the key of a request; one without an id where it has none. Keys that do not
// hold are an error.
func (a *API) keyOf(r *http.Request) (apikey.Key, error) {
	header := r.Header.Get("Authorization")
	if header == "" {
		return apikey.Key{}, nil
	}
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") || strings.TrimSpace(token) == "" {
		return apikey.Key{}, unauthorized("the header is Authorization: Bearer KEY", "invalid_request")
	}
	k, err := a.DB.FindAPIKey(r.Context(), apikey.Hash(strings.TrimSpace(token)))
	switch {
	case errors.Is(err, db.ErrNotFound):
		return apikey.Key{}, unauthorized("there is no such key: it is mistyped, or was removed", "invalid_token")
	case err != nil:
		return apikey.Key{}, a.broken("key", err)
	case k.Expired(a.Now()):
		return apikey.Key{}, unauthorized("the key has expired: make another", "invalid_token")
	}
	if err := a.DB.UseAPIKey(r.Context(), k); err != nil {
		a.Log.Warn("that a key was used is not stored", "key", k.ID, "err", err)
	}
	return k, nil
}

func unauthorized(detail, code string) error {
	challenge := `Bearer realm="ticketfrei"`
	if code != "" {
		challenge += fmt.Sprintf(`, error=%q`, code)
	}
	return huma.ErrorWithHeaders(problem(http.StatusUnauthorized, detail), http.Header{"Www-Authenticate": {challenge}})
}

// admit lets requests through that have one of the rights, with the city of their path;
// all where none is needed.
func (a *API) admit(r route) func(huma.Context, func(huma.Context)) {
	needed, ofCity := r.needs, strings.HasPrefix(r.path, "/cities/{city}")
	return func(c huma.Context, next func(huma.Context)) {
		ctx := c.Context()
		k, known := key(ctx)
		var err error
		if len(needed) > 0 && !known {
			err = unauthorized("this needs a key with the right "+anyOf(needed)+": Authorization: Bearer KEY", "")
		}
		var of report.City
		if err == nil && ofCity {
			of, err = a.DB.FindCity(ctx, c.Param("city"))
			if errors.Is(err, db.ErrNotFound) {
				err = problem(http.StatusNotFound, fmt.Sprintf("there is no city %q on this server", c.Param("city")))
			}
		}
		switch {
		case err != nil:
		case r.oddQuery(c) != nil:
			err = r.oddQuery(c)
		case strings.Contains(c.Header(ifMatch), ","):
			err = wrong("header."+ifMatch, "has several ETags: send the one that was read", nil)
		case r.unread(c) != "":
			err = wrong("header."+r.unread(c), "is not looked at by this route, where nothing is compared: leave it out", nil)
		case of.Off() && (!known || !k.Of(of.ID) || slices.Contains(needed, apikey.Report)):
			err = problem(http.StatusGone, offWords[of.State()])
		case len(needed) == 0:
		case !ofCity && k.CityID != 0:
			err = problem(http.StatusForbidden, "this needs a key of the operator, and this one is of the city "+k.Slug)
		case ofCity && !k.Of(of.ID):
			err = problem(http.StatusForbidden, fmt.Sprintf("this key is of the city %s, not of %s", k.Slug, of.Slug))
		case !k.May(needed...):
			err = problem(http.StatusForbidden, fmt.Sprintf("this needs the right %s, which the key has not: it has %s", anyOf(needed), apikey.Join(k.Rights)))
		}
		if err == nil {
			err = r.read(c)
		}
		if err != nil {
			a.fail(c, a.explain(ctx, r.id, err))
			return
		}
		next(huma.WithValue(c, cityOf{}, of))
	}
}

// offWords say why there is nothing of a city that is off.
var offWords = map[report.CityState]string{
	report.CitySuspended: "the city is suspended: the operator has switched it off",
	report.CityDeleted:   "the city was deleted",
	report.CityWaiting:   "the city is not open yet: the operator has not let it begin",
}

// oddQuery says what of the query would be passed over; nil: nothing.
func (r route) oddQuery(c huma.Context) error {
	u := c.URL()
	values, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return problem(http.StatusBadRequest, "the query of the address cannot be read: write % as %25, & as %26 and ; as %3B")
	}
	for name, list := range values {
		if !slices.Contains(r.takes, name) {
			return wrong("query."+name, "unknown query parameter", nil)
		}
		if len(list) > 1 {
			return wrong("query."+name, "is there more than once: leave one", nil)
		}
	}
	return nil
}

// unread is a condition of a change that the route would pass over; empty: there is none.
func (r route) unread(c huma.Context) string {
	if c.Method() == http.MethodGet || c.Method() == http.MethodHead {
		return ""
	}
	for _, name := range []string{"If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"} {
		if c.Header(name) != "" && !slices.Contains(r.takes, name) {
			return name
		}
	}
	return ""
}

// fail answers with an error before huma has read the request.
func (a *API) fail(c huma.Context, err error) {
	if with, ok := errors.AsType[huma.HeadersError](err); ok {
		for name, values := range with.GetHeaders() {
			c.SetHeader(name, values[0])
		}
	}
	status, _ := errors.AsType[*huma.ErrorModel](err)
	var parts []error
	for _, e := range status.Errors {
		parts = append(parts, e)
	}
	_ = huma.WriteErr(a.huma, c, status.Status, status.Detail, parts...)
}

// anyOf names rights of which one is needed.
func anyOf(rights []apikey.Right) string {
	return strings.ReplaceAll(apikey.Join(rights), ", ", " or ")
}
