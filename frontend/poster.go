package frontend

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"ticketfrei/bots"
	"ticketfrei/internal/poster"
	"ticketfrei/internal/report"
	"ticketfrei/manage"
)

// posterRoutes are the poster of a city, as a page to print it from, and as files.
func (s *Site) posterRoutes(r chi.Router) {
	r.Get("/poster", s.Handler(s.handlePoster))
	r.Get("/poster.svg", s.Handler(s.posterFile("image/svg+xml", poster.Poster.SVG)))
	r.Get("/poster.pdf", s.Handler(s.posterFile("application/pdf", poster.Poster.PDF)))
}

// posterPage is what poster.tmpl shows.
type posterPage struct {
	Sizes   []poster.Size
	Size    poster.Size // that is shown
	Drawn   bool        // the PDF can show every letter
	Picture string      // says what is on it
}

// handlePoster shows the poster in one size, with the others a link away.
func (s *Site) handlePoster(w http.ResponseWriter, r *http.Request) error {
	size, err := sizeOf(r)
	if err != nil {
		return err
	}
	c, lang := s.City(r), visitOf(r.Context()).lang
	p, err := s.poster(r.Context(), c, lang)
	if err != nil {
		return err
	}
	data := posterPage{Sizes: poster.Sizes, Size: size, Drawn: p.CanDraw(), Picture: strings.Join([]string{p.Name, p.Text, p.Page}, ". ")}
	return s.render(w, r, http.StatusOK, "poster.tmpl", s.T(r, "poster.title", "City", c.Name), data)
}

// sizeOf returns the size that was asked for.
func sizeOf(r *http.Request) (poster.Size, error) {
	size := cmp.Or(poster.Size(r.FormValue("size")), poster.A4)
	if !size.Known() {
		return "", &bots.PageError{Status: http.StatusNotFound, ID: "error.not_found"}
	}
	return size, nil
}

// posterFile serves the poster as a file that draw makes.
func (s *Site) posterFile(contentType string, draw func(poster.Poster, poster.Size) ([]byte, error)) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		size, err := sizeOf(r)
		if err != nil {
			return err
		}
		c, lang := s.City(r), visitOf(r.Context()).lang
		b, err := cached(r.Context(), s.cache, fmt.Sprint("poster/", c.ID, " ", contentType, size, lang), func(ctx context.Context) (*blob, int64, error) {
			p, err := s.poster(ctx, c, lang)
			if err != nil {
				return nil, c.ID, err
			}
			body, err := draw(p, size)
			return newBlob(contentType, body, time.Time{}), c.ID, err
		})
		if err != nil {
			return err
		}
		w.Header().Add("Vary", "Accept-Language")
		b.serve(w, r, "no-cache")
		return nil
	}
}

// poster is what the poster of a city says in a language.
func (s *Site) poster(ctx context.Context, c report.City, lang string) (poster.Poster, error) {
	all, err := s.DB.CityBots(ctx, c.ID)
	p := poster.Poster{Name: c.Name, Text: cmp.Or(c.Poster, s.Texts.T(lang, "poster.text")), Page: s.Config.Web.URL + "/city/" + c.Slug, Language: lang}
	for _, a := range s.addresses(ctx, c, all, lang) {
		p.Ways = append(p.Ways, a.Title+": "+a.Text)
	}
	return p, err
}

// posterForm is the form of the poster's text.
type posterForm struct {
	meanwhile
	Text    string
	Default string // what it says where the text is empty
	Error   string
}

func (s *Site) storedPoster(c report.City) posterForm {
	return posterForm{meanwhile: meanwhile{Seen: manage.Patch{Poster: &c.Poster}.Revision(c)}, Text: c.Poster, Default: s.Texts.T(c.Language, "poster.text")}
}

// posterSettings are the routes of that form.
func (s *Site) posterSettings(r chi.Router) {
	r.Get("/texts/poster", backTo(pageTexts, pageTexts))
	r.Post("/texts/poster", s.Handler(s.handlePosterSave))
}

func (s *Site) handlePosterSave(w http.ResponseWriter, r *http.Request) error {
	form, stored := s.storedPoster(s.City(r)), s.City(r).Poster
	form.Text = r.PostFormValue("poster")
	_, err := s.Cities.Change(r.Context(), s.City(r).ID, manage.Patch{Poster: &form.Text}, seen(r).Seen)
	if errors.Is(err, manage.ErrConflict) {
		form.add(s.T(r, "settings.poster.text"), stored, form.Text)
		return s.showTextsPage(w, r, http.StatusConflict, func(p *textsPage) { p.Poster = form })
	}
	wrong, err := problems(err)
	if err != nil {
		return err
	}
	if wrong != nil {
		form.meanwhile, form.Error = seen(r), s.say(r, wrong, "poster")
		return s.showTextsPage(w, r, http.StatusUnprocessableEntity, func(p *textsPage) { p.Poster = form })
	}
	return s.saved(w, r, pageTexts, pageTexts, s.T(r, "settings.poster.saved"))
}
