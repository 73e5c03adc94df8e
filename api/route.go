package api

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strconv"
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
	takes            []string       // parameters of request, besides those of the path
	gives            []string       // headers of its answer
	status           int            // of the answer; 0: 200, or 204 where there is no body
	makes            bool           // a PUT that may answer 201
	body             int64          // bound of the request's body, in bytes; 0: maxBody
	errors           []int          // besides those that every such route may answer with
	numbered         bool           // the id in its path is a number
	takesBody        bool
	takesJSON        bool
}

// Types of content.
const (
	jsonType  = "application/json"
	bytesType = "application/octet-stream"
)

// none is the body of a request or an answer that has none.
type none = struct{}

// add adds a route without a body, answered by one of type T.
func add[T any](a *API, r route, handle func(context.Context, *request) (*reply[T], error)) {
	op := a.operation(r, reflect.TypeFor[none](), reflect.TypeFor[T]())
	register(a, op, func(ctx context.Context, in *request) (*answer, error) {
		out, err := handle(ctx, in)
		return out.answer(op.DefaultStatus), err
	})
}

// addBody adds a route with a body of type B in JSON, answered by one of type T.
func addBody[B, T any](a *API, r route, handle func(context.Context, *request, *B) (*reply[T], error)) {
	op := a.operation(r, reflect.TypeFor[B](), reflect.TypeFor[T]())
	register(a, op, func(ctx context.Context, in *request) (*answer, error) {
		body := new(B)
		if err := json.Unmarshal(in.RawBody, body); err != nil { // its schema let it pass
			return nil, wrong("body", err.Error(), nil)
		}
		out, err := handle(ctx, in, body)
		return out.answer(op.DefaultStatus), err
	})
}

// register gives huma a route. huma is compiled once for each pair of I and O, to some 30 kB
// of the program: routes share one.
func register[I, O any](a *API, op huma.Operation, handle func(context.Context, *I) (*O, error)) {
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handle(ctx, in)
		if err != nil {
			return nil, a.explain(ctx, op.OperationID, err)
		}
		return out, nil
	})
}

// operation is what huma and the OpenAPI document are told of a route with such bodies.
func (a *API) operation(r route, body, answer reflect.Type) huma.Operation {
	r.takesBody = body != reflect.TypeFor[none]()
	r.takesJSON = r.takesBody && body != reflect.TypeFor[[]byte]()
	op := huma.Operation{OperationID: r.id, Method: r.method, Path: r.path, Summary: r.summary, Description: r.description(), Tags: []string{r.tag},
		DefaultStatus: r.status, MaxBodyBytes: -1, BodyReadTimeout: -1, Errors: r.allErrors(), Security: r.security(),
		Middlewares: huma.Middlewares{a.admit(r)}, Metadata: map[string]any{routeKey: r}}
	if r.takesBody {
		op.RequestBody = &huma.RequestBody{Required: true, Content: a.content(body, r.id+"Request")}
	}
	if op.DefaultStatus == 0 && answer == reflect.TypeFor[none]() {
		op.DefaultStatus = http.StatusNoContent
	}
	op.DefaultStatus = cmp.Or(op.DefaultStatus, http.StatusOK)
	op.Responses = map[string]*huma.Response{strconv.Itoa(op.DefaultStatus): {Content: a.content(answer, r.id+"Response")}}
	return op
}

// content describes a body.
func (a *API) content(body reflect.Type, name string) map[string]*huma.MediaType {
	switch body {
	case reflect.TypeFor[none]():
		return map[string]*huma.MediaType{}
	case reflect.TypeFor[[]byte]():
		return map[string]*huma.MediaType{bytesType: {Schema: &huma.Schema{Type: "string", Format: "binary"}}}
	default:
		return map[string]*huma.MediaType{jsonType: {Schema: a.huma.OpenAPI().Components.Schemas.Schema(body, true, name)}}
	}
}

// routeKey is where an operation has its route.
const routeKey = "route"

// described is huma's API, with a document that has of request and answer what a route
// takes and gives.
type described struct{ huma.API }

// DocumentOperation adds a route to the OpenAPI document.
func (d described) DocumentOperation(op *huma.Operation) {
	r := op.Metadata[routeKey].(route)
	op.Parameters = slices.DeleteFunc(op.Parameters, func(p *huma.Param) bool { return !r.takesParam(p) })
	for _, p := range op.Parameters {
		r.describe(p)
	}
	r.describeAnswer(op)
	shown := *op
	switch body := op.RequestBody; {
	case body == nil:
	case !r.takesBody:
		body.Required, shown.RequestBody = false, nil
	case body.Content[jsonType] != nil:
		delete(body.Content, bytesType)
	}
	d.OpenAPI().AddOperation(&shown)
}

// describeAnswer says which headers the answer has.
func (r route) describeAnswer(op *huma.Operation) {
	ok := op.Responses[strconv.Itoa(op.DefaultStatus)]
	if op.DefaultStatus == http.StatusNoContent {
		ok.Content = nil
	}
	for _, name := range r.gives {
		ok.Headers[name] = &huma.Header{Schema: &huma.Schema{Type: "string"}}
	}
	if r.method == http.MethodGet && slices.Contains(r.takes, ifNoneMatch) {
		op.Responses[strconv.Itoa(http.StatusNotModified)] = &huma.Response{Description: http.StatusText(http.StatusNotModified)}
	}
	if r.makes {
		made := *ok
		made.Description = http.StatusText(http.StatusCreated)
		op.Responses[strconv.Itoa(http.StatusCreated)] = &made
	}
}

// takesParam tells whether a parameter of request is one of the route.
func (r route) takesParam(p *huma.Param) bool {
	if p.In == "path" {
		return strings.Contains(r.path, "{"+p.Name+"}")
	}
	return slices.Contains(r.takes, p.Name) || p.Name == idempotencyKey && r.method != http.MethodGet
}

// describe says of a parameter what only this route says.
func (r route) describe(p *huma.Param) {
	p.Required = p.In == "path"
	switch {
	case p.Name == "id" && r.numbered:
		p.Schema = &huma.Schema{Type: "integer", Format: "int64", Description: p.Description}
	case p.Name == ifNoneMatch && r.method == http.MethodPut:
		p.Description = "*: only where there is none yet."
		p.Schema.Description = p.Description
		p.Schema.Enum = []any{"*"}
		p.Schema.PrecomputeMessages()
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
func (r route) allErrors() []int {
	list := append([]int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusTooManyRequests, http.StatusServiceUnavailable}, r.errors...)
	if len(r.needs) > 0 {
		list = append(list, http.StatusForbidden)
	}
	if strings.Contains(r.path, "{") {
		list = append(list, http.StatusNotFound)
	}
	if strings.HasPrefix(r.path, "/cities/{city}") {
		list = append(list, http.StatusGone)
	}
	if r.method != http.MethodGet {
		list = append(list, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// security says that a key is needed, or may be given.
func (r route) security() []map[string][]string {
	with := map[string][]string{keyScheme: {}}
	if len(r.needs) == 0 {
		return []map[string][]string{{}, with}
	}
	return []map[string][]string{with}
}
