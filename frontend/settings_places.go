package frontend

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"ticketfrei/internal/report"
	"ticketfrei/manage"
	"ticketfrei/place"
)

// maxPlacesForm bounds the form of lines and stops, in bytes.
const maxPlacesForm = place.MaxText + maxForm

// placesRoutes are the page of lines and stops.
func (s *Site) placesRoutes(r chi.Router) {
	back := http.RedirectHandler("/settings/places", http.StatusSeeOther).ServeHTTP
	r.Get("/places", s.Handler(s.handlePlaces))
	r.Get("/places/try", back)
	r.Get("/places/feed", back)
}

// placesForms are the forms of that page. They read their bodies by themselves: see
// Site.Parts.
func (s *Site) placesForms(r chi.Router) {
	r.Post("/places", s.Handler(s.handlePlacesSave))
	r.Post("/places/try", s.Handler(s.handlePlacesTry))
	r.With(s.limitModerator(feedLimit, "settings.error.too_many")).Post("/places/feed", s.Handler(s.handleFeedSave))
}

// placesPage is what settings/places.tmpl shows.
type placesPage struct {
	meanwhile
	Lines, Stops int
	Changed      time.Time

	Text    string
	Errors  []placeError
	Try     string // a text to be tried
	Tried   *report.Reading
	Nothing bool // nothing was read in it
	URL     string
	Wrong   string // with the timetable
	Fetches bool   // a timetable can be fetched
}

// placeError is what is wrong with a line of the text.
type placeError struct {
	Line       int // 0: the whole text
	Name, Text string
}

func (s *Site) handlePlaces(w http.ResponseWriter, r *http.Request) error {
	return s.showPlaces(w, r, http.StatusOK, func(*placesPage) {})
}

// showPlaces writes the page of lines and stops. set replaces what is stored with what
// was typed.
func (s *Site) showPlaces(w http.ResponseWriter, r *http.Request, status int, set func(*placesPage)) error {
	c := s.City(r)
	stored, err := s.Cities.PlacesOf(r.Context(), c.ID)
	if err != nil {
		return err
	}
	changed, err := s.DB.PlacesChanged(r.Context(), c.ID)
	if err != nil {
		return err
	}
	text, err := s.DB.Places(r.Context(), c.ID)
	if err != nil {
		return err
	}
	p := &placesPage{meanwhile: meanwhile{Seen: manage.Places{Text: text}.Revision()}, Lines: len(stored.Lines()), Stops: len(stored.Stops()), Changed: changed, Text: text, Fetches: s.Cities.Fetches()}
	set(p)
	return s.showDesk(w, r, status, pagePlaces, p)
}

// typedPlaces reads the form. What is typed holds what is wrong with it, and p is what
// it says.
func (s *Site) typedPlaces(w http.ResponseWriter, r *http.Request) (typed placesPage, p *place.Places, err error) {
	fields := map[string]string{}
	err = s.Parts(w, r, maxPlacesForm, func(field string, content io.Reader) error {
		raw, err := io.ReadAll(content)
		fields[field] = strings.ReplaceAll(string(raw), "\r\n", "\n")
		return err
	})
	typed = placesPage{meanwhile: meanwhile{Seen: manage.Revision(fields["seen"])}, Text: fields["places"], Try: strings.TrimSpace(fields["text"])}
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		err = manage.PlacesTooLong()
	}
	if err == nil {
		p, err = manage.ParsePlaces(typed.Text)
	}
	wrong, err := problems(err)
	typed.Errors = s.placeErrors(r, wrong)
	return typed, p, err
}

// placeErrors says what is wrong with lines of the text.
func (s *Site) placeErrors(r *http.Request, wrong *manage.Invalid) []placeError {
	if wrong == nil {
		return nil
	}
	list := make([]placeError, len(wrong.Problems))
	for i, p := range wrong.Problems {
		list[i] = placeError{Line: p.Line, Name: p.Value, Text: s.words(r, p)}
	}
	return list
}

// showTyped writes the page with what was typed.
func (s *Site) showTyped(w http.ResponseWriter, r *http.Request, typed placesPage) error {
	return s.showPlaces(w, r, statusOf(len(typed.Errors) == 0), func(p *placesPage) {
		p.Seen, p.Text, p.Errors, p.Try, p.Tried, p.Nothing = typed.Seen, typed.Text, typed.Errors, typed.Try, typed.Tried, typed.Nothing
	})
}

func (s *Site) handlePlacesSave(w http.ResponseWriter, r *http.Request) error {
	typed, _, err := s.typedPlaces(w, r)
	if err != nil {
		return err
	}
	if len(typed.Errors) > 0 {
		return s.showTyped(w, r, typed)
	}
	stored, err := s.Cities.SavePlaces(r.Context(), s.City(r).ID, typed.Text, typed.Seen)
	if errors.Is(err, manage.ErrConflict) {
		return s.showPlaces(w, r, http.StatusConflict, func(p *placesPage) { // beside what somebody else has saved since
			p.add(s.T(r, "settings.places.text"), p.Text, typed.Text)
			p.Text = typed.Text
		})
	}
	if err != nil {
		return err
	}
	return s.savedPlaces(w, r, s.placesSaid(r, stored.Parsed))
}

// placesSaid says what is stored now.
func (s *Site) placesSaid(r *http.Request, p *place.Places) string {
	if p == nil {
		return s.T(r, "settings.places.removed")
	}
	return s.T(r, "settings.places.saved", "Lines", s.countLines(r, p), "Stops", s.countStops(r, p))
}

func (s *Site) countLines(r *http.Request, p *place.Places) string {
	return s.T(r, "settings.places.lines", "Count", len(p.Lines()))
}

func (s *Site) countStops(r *http.Request, p *place.Places) string {
	return s.T(r, "settings.places.stops", "Count", len(p.Stops()))
}

// savedPlaces leads back to the places that were stored.
func (s *Site) savedPlaces(w http.ResponseWriter, r *http.Request, said string) error {
	s.offerUndo(r, manage.ActPlaces, "")
	return s.saved(w, r, pagePlaces, pagePlaces, said)
}

// handlePlacesTry says what would be read in a text by the places that were typed.
func (s *Site) handlePlacesTry(w http.ResponseWriter, r *http.Request) error {
	typed, p, err := s.typedPlaces(w, r)
	if err != nil {
		return err
	}
	if len(typed.Errors) == 0 {
		read := p.Read(typed.Try)
		typed.Tried, typed.Nothing = &read, read == report.Reading{}
	}
	return s.showTyped(w, r, typed)
}
