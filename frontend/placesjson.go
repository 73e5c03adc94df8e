package frontend

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
)

// placesJSON is what scripts learn of a city's lines and stops.
type placesJSON struct {
	Lines []lineJSON `json:"lines"`
}

type lineJSON struct {
	Name  string   `json:"name"`
	Color string   `json:"color,omitempty"`
	Stops []string `json:"stops"`
}

// handlePlacesJSON is /city/{slug}/places.json.
func (s *Site) handlePlacesJSON(w http.ResponseWriter, r *http.Request) error {
	slug := chi.URLParam(r, "slug")
	b, err := cached(r.Context(), s.cache, "places/"+slug, func(ctx context.Context) (*blob, int64, error) {
		return s.buildPlacesJSON(ctx, slug)
	})
	if err != nil {
		return noSuchCity(err)
	}
	b.serve(w, r, "public, max-age=300")
	return nil
}

func (s *Site) buildPlacesJSON(ctx context.Context, slug string) (*blob, int64, error) {
	sh, err := s.shownAt(ctx, slug)
	if err != nil {
		return nil, 0, err
	}
	all := placesJSON{Lines: []lineJSON{}}
	for _, l := range sh.lines.places.Lines() {
		all.Lines = append(all.Lines, lineJSON{l.Name, l.Color, append([]string{}, l.Stops...)})
	}
	body, err := json.Marshal(all)
	return newBlob("application/json", body, time.Time{}), sh.city.ID, err
}
