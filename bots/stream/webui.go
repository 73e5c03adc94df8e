package stream

import (
	"context"
	"errors"
	"net/http"

	"github.com/go-chi/chi/v5"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// pages are the pages of the network, with the site around them.
type pages struct {
	*Network
	site bots.Site
}

// SettingsRoutes adds the routes below /settings/stream/.
func (n *Network) SettingsRoutes(r chi.Router, site bots.Site) {
	p := &pages{n, site}
	r.Get("/new", site.Handler(p.handleNew))
	r.Get("/edit", site.Handler(p.handleEdit))
	r.Post("/save", site.Handler(p.handleSave))
	r.Post("/try", site.Handler(p.handleTry))
	r.Post("/switch", site.Handler(p.handleSwitch))
	r.Post("/test", site.Handler(p.handleTest))
	r.Post("/secret", site.Handler(p.handleSecret))
	r.Get("/delete", site.Handler(p.handleDeleteQuestion))
	r.Post("/delete", site.Handler(p.handleDelete))
	p.inRoutes(r)
	for _, path := range []string{"/save", "/try", "/switch", "/test", "/secret"} { // who reloads a page that came back
		r.Get(path, http.RedirectHandler(bots.SettingsPath(Name), http.StatusSeeOther).ServeHTTP)
	}
}

// PublicRoutes has no routes.
func (n *Network) PublicRoutes(chi.Router, bots.Site) {}

// card is what settings.tmpl shows.
type card struct {
	Streams []listed
	Full    bool // there is room for no more
	In      inCard
}

// speaker has the texts in the language of a page.
type speaker interface {
	T(id string, data ...any) string
}

// listed is a stream in the list.
type listed struct{ Stream }

// Sentence says what the stream wants.
func (s listed) Sentence(page speaker) string { return sentence(s.Filter(), page.T) }

// Reason says why the stream has stopped by itself; empty where it has not.
func (s listed) Reason(page speaker) string {
	if s.Why == nil {
		return ""
	}
	return s.Why.Say(page.T)
}

// Words says what became of what was sent.
func (r Result) Words(page speaker) string {
	switch {
	case r.OK:
		return page.T("stream.settings.arrived")
	case r.Status != 0:
		return page.T("stream.settings.answered", "Status", r.Status)
	default:
		return page.T("stream.settings.silent")
	}
}

// Settings returns what settings.tmpl shows of the city.
func (n *Network) Settings(ctx context.Context, city report.City, _ []report.Bot) (any, error) {
	list, err := n.Streams().List(ctx, city.ID)
	c := card{Full: len(list) >= MaxStreams}
	for _, s := range list {
		c.Streams = append(c.Streams, listed{s})
	}
	if err == nil {
		c.In, err = n.inCard(ctx, city.ID)
	}
	return c, err
}

// stream returns the stream that a request names.
func (p *pages) stream(r *http.Request) (Stream, error) {
	s, err := p.Streams().Get(r.Context(), p.site.City(r).ID, r.FormValue("stream"))
	return s, noStream(err)
}

// noStream tells who asks for a stream that is gone, as after a click in an old window.
func noStream(err error) error {
	if errors.Is(err, db.ErrNotFound) {
		return &bots.PageError{Status: http.StatusNotFound, ID: "stream.settings.none", Err: err}
	}
	return err
}

// handleSwitch switches a stream on or off.
func (p *pages) handleSwitch(w http.ResponseWriter, r *http.Request) error {
	on := r.PostFormValue("running") != ""
	_, err := p.Streams().Change(r.Context(), p.site.City(r).ID, r.PostFormValue("stream"), Any, func(s *Stream) error {
		s.Running = on
		return nil
	})
	if wrong, ok := errors.AsType[Invalid](err); ok {
		return p.showWrong(w, r, wrong)
	}
	if err != nil {
		return noStream(err)
	}
	id := "stream.settings.off"
	if on {
		id = "stream.settings.on"
	}
	return p.site.Saved(w, r, Name, p.site.T(r, id, "Name", r.PostFormValue("stream")))
}

// showWrong shows a stream that cannot be switched on, with what is wrong with it.
func (p *pages) showWrong(w http.ResponseWriter, r *http.Request, wrong Invalid) error {
	s, err := p.stream(r)
	if err != nil {
		return err
	}
	e := editorOf(s)
	e.blame(p.say(r), wrong)
	return p.show(w, r, http.StatusUnprocessableEntity, e)
}

func (p *pages) say(r *http.Request) bots.T {
	return func(id string, data ...any) string { return p.site.T(r, id, data...) }
}

// handleTest sends a sample to a stream and shows what became of it.
func (p *pages) handleTest(w http.ResponseWriter, r *http.Request) error {
	if _, err := p.stream(r); err != nil {
		return err
	}
	got, failed := p.Streams().Test(r.Context(), p.site.City(r).ID, r.FormValue("stream"))
	s, err := p.stream(r) // as it is now: it may have stopped
	if err != nil {
		return err
	}
	e := editorOf(s)
	e.Tested = &outcome{Result: got, Stopped: s.Why != nil}
	if failed != nil {
		e.Tested.Wrong = bots.Words(failed, p.say(r))
	}
	return p.show(w, r, http.StatusOK, e)
}

// handleSecret makes a new secret and shows it this once.
func (p *pages) handleSecret(w http.ResponseWriter, r *http.Request) error {
	stored, err := p.Streams().Rotate(r.Context(), p.site.City(r).ID, r.PostFormValue("stream"))
	if err != nil {
		return noStream(err)
	}
	e := editorOf(stored.Stream)
	e.Secret, e.Former = stored.Secret, true
	return p.show(w, r, http.StatusOK, e)
}

// handleDeleteQuestion asks before a stream is deleted.
func (p *pages) handleDeleteQuestion(w http.ResponseWriter, r *http.Request) error {
	s, err := p.stream(r)
	if err != nil {
		return err
	}
	return p.site.Page(w, r, http.StatusOK, Name, "delete.tmpl", p.site.T(r, "stream.settings.delete_title", "Name", s.Name), s)
}

func (p *pages) handleDelete(w http.ResponseWriter, r *http.Request) error {
	name := r.PostFormValue("stream")
	err := p.Streams().Delete(r.Context(), p.site.City(r).ID, name, Any)
	if err != nil && !errors.Is(err, db.ErrNotFound) { // one that somebody else has deleted is just as gone
		return err
	}
	return p.site.Saved(w, r, Name, p.site.T(r, "stream.settings.deleted", "Name", name))
}
