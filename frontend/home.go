package frontend

import (
	"context"
	"net/http"
	"strings"

	"ticketfrei/internal/report"
)

// maxListed is how many cities the first page lists.
const maxListed = 200

// homePage is what home.tmpl shows.
type homePage struct {
	Query  string
	Cities []report.City
	More   bool // there are more than are listed
}

// handleHome is the first page: what this is, and the way to one's own city.
func (s *Site) handleHome(w http.ResponseWriter, r *http.Request) error {
	query := strings.TrimSpace(r.URL.Query().Get("q"))
	cities, err := s.search(r.Context(), query)
	if err != nil {
		return err
	}
	data := homePage{Query: query, Cities: cities}
	if len(cities) > maxListed {
		data.Cities, data.More = cities[:maxListed], true
	}
	return s.render(w, r, http.StatusOK, "home.tmpl", s.T(r, "home.title"), data)
}

// search finds cities by name, however it is spelled. The database compares
// letters as they are; the slug knows that "Ü" is "ue".
func (s *Site) search(ctx context.Context, query string) ([]report.City, error) {
	cities, err := s.DB.OpenCities(ctx, strings.ToLower(query), maxListed+1)
	if err != nil || len(cities) > 0 || query == "" {
		return cities, err
	}
	if slug := report.Slug(query); slug != "" {
		return s.DB.OpenCities(ctx, slug, maxListed+1)
	}
	return nil, nil
}
