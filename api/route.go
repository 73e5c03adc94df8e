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
	takes            []string       // parameters of Request, besides those of the path
	gives            []string       // headers of its answer
	status           int            // of the answer; 0: 200, or 204 where there is no body
	makes            bool           // a PUT that may answer 201
	body             int64          // bound of the request's body, in bytes; 0: maxBody
	errors           []int          // besides those that every such route may answer with
	responses        map[string]*huma.Response
}

// none is the body of an answer that has none.
type none = struct{}

// add adds a route without a body, answered by one of type T.
func add[T any](a *API, r route, handle func(context.Context, *Request) (*reply[T], error)) {
	op := a.operation(r, false)
	a.answeredBy(&op, reflect.TypeFor[T]())
	register(a, op, func(ctx context.Context, in *Request) (*answer, error) {
		out, err := handle(ctx, in)
		return out.answer(op.DefaultStatus), err
	})
}

// addBody adds a route with a body of type B, answered by one of type T.
func addBody[B, T any](a *API, r route, handle func(context.Context, *Request, *B) (*reply[T], error)) {
	op := a.operation(r, true)
	a.asksFor(&op, reflect.TypeFor[B]())
	a.answeredBy(&op, reflect.TypeFor[T]())
	register(a, op, func(ctx context.Context, in *RequestWithBody) (*answer, error) {
		body := new(B)
		if err := json.Unmarshal(in.Body, body); err != nil { // the schema let it pass
			return nil, wrong("body", err.Error(), nil)
		}
		out, err := handle(ctx, &in.Request, body)
		return out.answer(op.DefaultStatus), err
	})
}

// register gives huma a route. huma's code is compiled once for each pair of I and O, some
// 30 kB of the program: routes share them.
func register[I, O any](a *API, op huma.Operation, handle func(context.Context, *I) (*O, error)) {
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handle(ctx, in)
		if err != nil {
			return nil, a.explain(ctx, op.OperationID, err)
		}
		return out, nil
	})
}

// operation is what huma and the OpenAPI document are told of a route.
func (a *API) operation(r route, takesBody bool) huma.Operation {
	op := huma.Operation{OperationID: r.id, Method: r.method, Path: r.path, Summary: r.summary, Description: r.description(), Tags: []string{r.tag},
		DefaultStatus: r.status, MaxBodyBytes: cmp.Or(r.body, maxBody), Errors: r.allErrors(takesBody), Security: r.security(),
		Responses: r.responses, Metadata: map[string]any{routeKey: r}}
	if op.Responses == nil {
		op.Responses = make(map[string]*huma.Response)
	}
	op.Middlewares = huma.Middlewares{a.admit(r)}
	return op
}

// routeKey is where an operation has its route.
const routeKey = "route"

// asksFor describes the body of a request.
func (a *API) asksFor(op *huma.Operation, body reflect.Type) {
	schema := a.huma.OpenAPI().Components.Schemas.Schema(body, true, op.OperationID+"Request")
	op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {Schema: schema}}}
}

// answeredBy describes the answer.
func (a *API) answeredBy(op *huma.Operation, body reflect.Type) {
	ok := &huma.Response{}
	switch body {
	case reflect.TypeFor[none]():
		op.DefaultStatus = cmp.Or(op.DefaultStatus, http.StatusNoContent)
	case reflect.TypeFor[[]byte]():
		ok.Content = map[string]*huma.MediaType{"application/octet-stream": {Schema: &huma.Schema{Type: "string", Format: "binary"}}}
	default:
		ok.Content = map[string]*huma.MediaType{"application/json": {Schema: a.huma.OpenAPI().Components.Schemas.Schema(body, true, op.OperationID+"Response")}}
	}
	op.DefaultStatus = cmp.Or(op.DefaultStatus, http.StatusOK)
	ok.Description = http.StatusText(op.DefaultStatus)
	op.Responses[strconv.Itoa(op.DefaultStatus)] = ok
}

// described is huma's API, with a document that has of Request and of answer what a route
// takes and gives.
type described struct{ huma.API }

// DocumentOperation adds a route to the OpenAPI document.
func (d described) DocumentOperation(op *huma.Operation) {
	r := op.Metadata[routeKey].(route)
	op.Parameters = slices.DeleteFunc(op.Parameters, func(p *huma.Param) bool { return !r.takesParam(p) })
	for _, p := range op.Parameters {
		r.describe(p)
	}
	ok := op.Responses[strconv.Itoa(op.DefaultStatus)]
	if op.DefaultStatus == http.StatusNoContent {
		ok.Content = nil
	}
	for _, name := range r.gives {
		if ok.Headers == nil {
			ok.Headers = make(map[string]*huma.Header)
		}
		ok.Headers[name] = &huma.Header{Schema: &huma.Schema{Type: "string"}}
	}
	if r.makes {
		made := *ok
		made.Description = http.StatusText(http.StatusCreated)
		op.Responses[strconv.Itoa(http.StatusCreated)] = &made
	}
	d.OpenAPI().AddOperation(op)
}

// takesParam tells whether a parameter of Request is one of the route.
func (r route) takesParam(p *huma.Param) bool {
	if p.In == "path" {
		return strings.Contains(r.path, "{"+p.Name+"}")
	}
	return slices.Contains(r.takes, p.Name)
}

// describe says of a parameter what only this route says.
func (r route) describe(p *huma.Param) {
	p.Required = p.In == "path"
	if p.Name == ifNoneMatch && r.method == http.MethodPut {
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

// security says that a key is needed, or may be given.
func (r route) security() []map[string][]string {
	with := map[string][]string{keyScheme: {}}
	if len(r.needs) == 0 {
		return []map[string][]string{{}, with}
	}
	return []map[string][]string{with}
}
