package api

import (
	"cmp"
	"context"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"ticketfrei/internal/apikey"
)

// route is what a route is: how it is asked for, what it does, and which rights it needs.
type route struct {
	id, method, path string
	summary          string
	tag              string
	about            string         // more about it; may be empty
	needs            []apikey.Right // one of these; nil: none
	status           int            // of the answer; 0: 200, or 204 where there is no body
	makes            bool           // a PUT that may answer 201
	body             int64          // bound of the request's body, in bytes; 0: maxBody
	errors           []int          // besides those that every such route may answer with
	responses        map[string]*huma.Response
}

// add adds a route with its handler.
func add[I, O any](a *API, r route, handle func(context.Context, *I) (*O, error)) {
	op := huma.Operation{OperationID: r.id, Method: r.method, Path: r.path, Summary: r.summary, Description: r.description(), Tags: []string{r.tag},
		DefaultStatus: r.status, MaxBodyBytes: cmp.Or(r.body, maxBody), Errors: r.allErrors(takesBody(reflect.TypeFor[I]())), Responses: r.responses, Security: r.security()}
	op.Middlewares = huma.Middlewares{a.admit(&op, r.needs)}
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handle(ctx, in)
		if err != nil {
			return nil, a.explain(ctx, &op, err)
		}
		return out, nil
	})
	if r.makes { // the status is the handler's to say
		responses := a.huma.OpenAPI().Paths[r.path].Put.Responses
		made := *responses["200"]
		made.Description = http.StatusText(http.StatusCreated)
		responses["201"] = &made
	}
}

// description says what the route is about and which right it needs.
func (r route) description() string {
	if len(r.needs) == 0 {
		return r.about
	}
	return strings.TrimSpace(r.about + "\n\nNeeds the right " + anyOf(r.needs) + ".")
}

// allErrors are the statuses of the errors that the route may answer with.
func (r route) allErrors(takesBody bool) []int {
	list := append([]int{http.StatusUnauthorized, http.StatusTooManyRequests}, r.errors...)
	if len(r.needs) > 0 {
		list = append(list, http.StatusForbidden)
	}
	if strings.Contains(r.path, "{") {
		list = append(list, http.StatusNotFound)
	}
	if takesBody {
		list = append(list, http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// takesBody tells whether requests of that form have a body.
func takesBody(t reflect.Type) bool {
	_, body := t.FieldByName("Body")
	_, raw := t.FieldByName("RawBody")
	return body || raw
}

// security says that a key is needed, or may be given.
func (r route) security() []map[string][]string {
	with := map[string][]string{keyScheme: {}}
	if len(r.needs) == 0 {
		return []map[string][]string{{}, with}
	}
	return []map[string][]string{with}
}

// The parts that requests share. They are exported for huma, which passes over what it cannot
// see.

// InCity is the part of a request that every route of a city has.
type InCity struct {
	City string `path:"city" maxLength:"40" doc:"The city's name in addresses." example:"gotham"`
}
