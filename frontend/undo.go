package frontend

import (
	"errors"
	"net/http"
	"strings"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/report"
	"ticketfrei/manage"
)

// undo is what a page of the desk offers to undo, for as long as that works.
type undo struct {
	Act, Subject string
	Back         string // path of the page
	Seconds      int
}

// Text is the last part of the text id that says what can be undone.
func (u undo) Text() string { return strings.ReplaceAll(u.Act, ".", "_") }

// What a session holds of it.
const (
	keyUndoAct     = "undo_act"
	keyUndoSubject = "undo_subject"
)

// offerUndo has the next page offer to undo an act.
func (s *Site) offerUndo(r *http.Request, act, subject string) {
	s.sessions.Put(r.Context(), keyUndoAct, act)
	s.sessions.Put(r.Context(), keyUndoSubject, subject)
}

// popUndo returns what the page offers to undo; nil: nothing.
func (s *Site) popUndo(r *http.Request) *undo {
	u := &undo{Act: s.sessions.PopString(r.Context(), keyUndoAct), Subject: s.sessions.PopString(r.Context(), keyUndoSubject), Back: r.URL.RequestURI(),
		Seconds: int(s.Cities.Options.Undo.Seconds())}
	if u.Act == "" {
		return nil
	}
	if able, err := s.Cities.Undoable(r.Context(), s.City(r).ID, u.Act, u.Subject); err != nil || !able {
		return nil
	}
	return u
}

// handleUndo puts back what stood there before.
func (s *Site) handleUndo(w http.ResponseWriter, r *http.Request) error {
	act := r.PostFormValue("act")
	if act != manage.ActTakenBack && !visitOf(r.Context()).role.May(report.Moderator) {
		return &bots.PageError{Status: http.StatusForbidden, ID: "people.not_allowed"}
	}
	err := s.Cities.Undo(r.Context(), s.City(r).ID, act, r.PostFormValue("subject"))
	said := "settings.undo.done"
	switch {
	case errors.Is(err, db.ErrNotFound):
		said, err = "settings.undo.late", nil
	case errors.Is(err, manage.ErrConflict):
		said, err = "settings.undo.changed", nil
	}
	if err != nil {
		return err
	}
	s.flash(r.Context(), s.T(r, said))
	back := localPath(r.PostFormValue("back"))
	if !strings.HasPrefix(back, "/settings") {
		back = deskPath(pageOverview)
	}
	http.Redirect(w, r, back, http.StatusSeeOther)
	return nil
}
