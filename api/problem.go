package api

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/filter"
	"ticketfrei/manage"
)

// problem is an error as the client reads it (RFC 9457).
func problem(status int, detail string, errs ...error) huma.StatusError {
	return huma.NewError(status, detail, errs...)
}

// wrong is a problem with one part of a request, such as "body.text".
func wrong(location, message string, value any) huma.StatusError {
	return problem(http.StatusUnprocessableEntity, "validation failed", &huma.ErrorDetail{Location: location, Message: message, Value: value})
}

// later is a problem that passes by itself.
func later(status int, detail string, after time.Duration) error {
	return huma.ErrorWithHeaders(problem(status, detail), http.Header{"Retry-After": {seconds(after)}})
}

// seconds is a time as headers have it, rounded up.
func seconds(d time.Duration) string {
	return strconv.Itoa(int((d + time.Second - 1) / time.Second))
}

// explain returns an error in words for the client. What is not meant for them is logged.
func (a *API) explain(ctx context.Context, operation string, err error) error {
	if _, ok := errors.AsType[huma.StatusError](err); ok {
		return err
	}
	if e, ok := errors.AsType[*manage.Invalid](err); ok {
		return a.invalid(e)
	}
	if e, ok := errors.AsType[*manage.ForgetError](err); ok {
		a.Log.Error("a network did not forget a bot", "network", e.Network, "err", e.Err)
		return later(http.StatusServiceUnavailable, "the network "+e.Network+" did not forget its bot, which is switched off: try again", 10*time.Second)
	}
	switch {
	case errors.Is(err, db.ErrNotFound):
		return problem(http.StatusNotFound, "there is nothing of that name here")
	case errors.Is(err, db.ErrPaused):
		return problem(http.StatusConflict, "the city takes no reports at the moment: its moderators have stopped it")
	case errors.Is(err, db.ErrRevision), errors.Is(err, manage.ErrConflict):
		return problem(http.StatusPreconditionFailed, "it was changed meanwhile: read it again, and send its ETag in If-Match")
	case errors.Is(err, db.ErrStoreKey):
		return wrong("path.key", err.Error(), nil)
	case errors.Is(err, db.ErrStoreFull), errors.Is(err, manage.ErrAlways), errors.Is(err, manage.ErrNoFields), errors.Is(err, manage.ErrNoAuthor), errors.Is(err, manage.ErrLastOwner):
		return problem(http.StatusConflict, err.Error())
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return problem(http.StatusServiceUnavailable, "the request was broken off")
	}
	return a.broken(operation, err)
}

// invalid says what is wrong with the fields of a body.
func (a *API) invalid(e *manage.Invalid) error {
	list := make([]error, len(e.Problems))
	for i, p := range e.Problems {
		d := &huma.ErrorDetail{Location: "body", Message: p.Say(a.say)}
		if p.Field != "" {
			d.Location += "." + p.Field
		}
		if p.Line > 0 {
			d.Message = fmt.Sprintf("line %d: %s", p.Line, d.Message)
		}
		if p.Value != "" {
			d.Value = p.Value
		}
		list[i] = d
	}
	return problem(http.StatusUnprocessableEntity, "validation failed", list...)
}

// maxShown bounds a value that a problem shows, in characters.
const maxShown = 200

// withoutSecrets takes out of a problem the values that were sent where they may be secret, as
// a body that nobody could read, or are long.
func withoutSecrets(_ huma.Context, _ string, v any) (any, error) {
	if model, ok := v.(*huma.ErrorModel); ok {
		for _, e := range model.Errors {
			switch value := e.Value.(type) {
			case string, bool, float64, int, int64:
				if text, ok := value.(string); secretField.MatchString(e.Location) || ok && utf8.RuneCountInString(text) > maxShown {
					e.Value = nil
				}
			default:
				e.Value = nil
			}
		}
	}
	return v, nil
}

// sayingHow adds to what huma says of a body that is no JSON how to mend it: curl calls all
// that it sends a form.
func sayingHow(_ huma.Context, _ string, v any) (any, error) {
	if model, ok := v.(*huma.ErrorModel); ok && model.Status == http.StatusUnsupportedMediaType && len(model.Errors) > 0 {
		model.Errors[0].Message += ": send JSON, with the header Content-Type: application/json"
	}
	return v, nil
}

// secretField is where a body has what nobody else may read, which a body as a whole may have.
var secretField = regexp.MustCompile(`^body($|\.(password|target|secret|values)\b)`)

// fieldError says what is wrong with a field of a body.
func (a *API) fieldError(f *bots.FieldError) error {
	text := f.Err.Error()
	if e, ok := errors.AsType[*filter.Error](f.Err); ok {
		return filterError(f.Field, e)
	}
	if s, ok := errors.AsType[bots.Sayer](f.Err); ok {
		text = s.Say(a.say)
	}
	return &huma.ErrorDetail{Location: "body." + f.Field, Message: text}
}

// filterError says what is wrong with a filter, and where.
func filterError(field string, e *filter.Error) error {
	at, text := "body."+field, e.Text()
	if e.Attribute != "" && (e.Field == "include" || e.Field == "exclude") {
		at += "." + e.Attribute
	}
	if e.At >= 0 {
		line, column := e.Position()
		text += fmt.Sprintf(" (%d:%d)", line, column)
	}
	d := &huma.ErrorDetail{Location: at, Message: text}
	if e.Word != "" {
		d.Value = e.Word
	}
	return d
}

// say is a text in the language of the API.
func (a *API) say(id string, data ...any) string { return a.Texts.T("en", id, data...) }

// broken logs an error that the client cannot do anything about. While the database is away,
// the log says that once, and not for each request.
func (a *API) broken(what string, err error) error {
	if db.Unavailable(err) {
		a.Log.Debug("a request to the API failed", "operation", what, "err", err)
		return later(http.StatusServiceUnavailable, "the server cannot work at the moment: try again", 10*time.Second)
	}
	id := rand.Text()[:10]
	a.Log.Error("a request to the API failed", "request", id, "operation", what, "err", err)
	return problem(http.StatusInternalServerError, "internal error: the log has it as request "+id)
}

// refuse answers a request outside of huma with a problem.
func refuse(w http.ResponseWriter, err error) {
	if with, ok := errors.AsType[huma.HeadersError](err); ok {
		for name, values := range with.GetHeaders() {
			w.Header()[name] = values
		}
	}
	status, ok := errors.AsType[huma.StatusError](err)
	if !ok {
		status = problem(http.StatusInternalServerError, "internal error")
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status.GetStatus())
	_ = json.NewEncoder(w).Encode(status)
}

// recover answers with a problem where a handler panics.
func (a *API) recover(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(p) // how net/http breaks off an answer
			}
			refuse(w, a.broken(r.Method, fmt.Errorf("panic: %v\n%s", p, debug.Stack())))
		}()
		next.ServeHTTP(w, r)
	})
}

func (a *API) notFound(w http.ResponseWriter, _ *http.Request) {
	refuse(w, problem(http.StatusNotFound, "there is no such route: "+Path+"/openapi.json has them all"))
}

func (a *API) notAllowed(w http.ResponseWriter, r *http.Request) {
	allowed := a.methods(chi.RouteContext(r.Context()).RoutePath)
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	refuse(w, problem(http.StatusMethodNotAllowed, fmt.Sprintf("this route knows no %s: only %s", r.Method, strings.Join(allowed, ", "))))
}

// methods are those that a path has.
func (a *API) methods(path string) (list []string) {
	for _, m := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		as := m
		if m == http.MethodHead {
			as = http.MethodGet
		}
		if a.mux.Match(chi.NewRouteContext(), as, path) {
			list = append(list, m)
		}
	}
	return list
}
