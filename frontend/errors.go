package frontend

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/secret"
	"ticketfrei/manage"
)

// Handler adapts h. It logs the error that h returns and answers with an error
// page. A bots.PageError is shown in its own words. db.ErrNotFound, manage.ErrConflict, manage.ErrNotAllowed and the errors of a signed link have texts of their own. Anything else is an internal
// error.
func (s *Site) Handler(h func(w http.ResponseWriter, r *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			s.fail(w, r, err)
		}
	}
}

// errorPage is what error.tmpl shows.
type errorPage struct {
	Status int
	Title  string // text id of the heading of a link of ours that does not hold; may be empty
	Text   string
	ID     string // request id, only for internal errors
	Search bool   // show the search for a city
}

// fail answers with an error page.
func (s *Site) fail(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		return // the visitor has left
	}
	v := visitOf(r.Context())
	e := explain(err)
	status := e.Status
	data := errorPage{Status: status, Title: e.Title, Text: s.T(r, e.ID), Search: status == http.StatusNotFound && e.Title == ""}
	if status >= http.StatusInternalServerError {
		s.logFailed(r, err)
		data.ID = v.id
	} else {
		// The error itself may hold what was typed.
		s.Log.Debug("a request was refused", "request", v.id, "status", status, "text", e.ID)
	}
	if s.Dev != nil && status >= http.StatusInternalServerError {
		s.Dev.showBroken(w, err.Error())
		return
	}
	if s.Fresh && status >= http.StatusInternalServerError {
		showBroken(w, err)
		return
	}
	s.errorPage(w, r, data)
}

// logFailed says why a page failed. A server of the database that is away is said once, and
// not for each visitor.
func (s *Site) logFailed(r *http.Request, err error) {
	level := slog.LevelError
	if s.DB.OnServer() && db.Unavailable(err) {
		level = slog.LevelDebug
	}
	s.Log.Log(r.Context(), level, "a page failed", "request", visitOf(r.Context()).id, "method", r.Method, "route", routeOf(r), "err", err)
}

// explain returns what an error means to the visitor.
func explain(err error) *bots.PageError {
	if e, ok := errors.AsType[*bots.PageError](err); ok {
		return e
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return &bots.PageError{Status: http.StatusRequestEntityTooLarge, ID: "error.too_large"}
	}
	switch {
	case errors.Is(err, db.ErrNotFound):
		return &bots.PageError{Status: http.StatusNotFound, ID: "error.not_found"}
	case errors.Is(err, manage.ErrNotAllowed):
		return &bots.PageError{Status: http.StatusForbidden, ID: "people.not_allowed"}
	case errors.Is(err, manage.ErrConflict):
		return &bots.PageError{Status: http.StatusConflict, ID: "settings.error.conflict"}
	case errors.Is(err, secret.ErrTokenExpired):
		return &bots.PageError{Status: http.StatusGone, ID: "error.link_expired", Title: "error.title_link_over"}
	case errors.Is(err, secret.ErrTokenInvalid):
		return &bots.PageError{Status: http.StatusNotFound, ID: "error.link_invalid", Title: "error.title_link_broken"}
	case db.Unavailable(err): // which passes by itself
		return &bots.PageError{Status: http.StatusServiceUnavailable, ID: "error.internal"}
	}
	return &bots.PageError{Status: http.StatusInternalServerError, ID: "error.internal"}
}

// errorPage writes the page. If even that fails, the visitor gets only the
// status.
func (s *Site) errorPage(w http.ResponseWriter, r *http.Request, data errorPage) {
	title := data.Title
	switch {
	case title != "":
	case data.Status == http.StatusNotFound:
		title = "error.title_not_found"
	default:
		title = "error.title"
	}
	if err := s.render(w, r, data.Status, "error.tmpl", s.T(r, title), data); err != nil {
		s.Log.Error("the error page failed", "request", visitOf(r.Context()).id, "err", err)
		w.WriteHeader(data.Status)
	}
}

// refuse is a handler that answers with an error page.
func (s *Site) refuse(status int, textID string) http.HandlerFunc {
	return s.Handler(func(http.ResponseWriter, *http.Request) error {
		return &bots.PageError{Status: status, ID: textID}
	})
}

// recoverPanic turns a panic of a page into an internal error.
func (s *Site) recoverPanic(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(p) // how net/http breaks off an answer
			}
			s.fail(w, r, fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
		}()
		next.ServeHTTP(w, r)
	})
}

// badForm is the error for a form that cannot be read.
func badForm(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return err
	}
	return &bots.PageError{Status: http.StatusBadRequest, ID: "error.bad_form", Err: err}
}
