package frontend

import (
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"time"

	"github.com/go-chi/chi/v5"

	"ticketfrei/bots"
)

// assets are the files of templates/static by name.
type assets struct {
	files map[string]*blob
}

func loadAssets(site fs.FS) (*assets, error) {
	entries, err := fs.ReadDir(site, "static")
	if err != nil {
		return nil, fmt.Errorf("static files: %w", err)
	}
	a := &assets{files: make(map[string]*blob, len(entries))}
	for _, e := range entries {
		body, err := fs.ReadFile(site, path.Join("static", e.Name()))
		if err != nil {
			return nil, fmt.Errorf("static files: %w", err)
		}
		a.files[e.Name()] = newBlob(contentType(e.Name()), body, time.Time{})
	}
	return a, nil
}

// contentType returns the content type for a file name. It names the kinds in
// use, because the system's own list differs from one machine to the next.
func contentType(name string) string {
	switch ext := path.Ext(name); ext {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".txt":
		return "text/plain; charset=utf-8"
	default:
		return mime.TypeByExtension(ext)
	}
}

// url returns the address of a file. It holds the file's fingerprint, so that
// browsers may keep the file for ever.
func (a *assets) url(name string) string {
	if f, ok := a.files[name]; ok {
		return "/static/" + f.hash + "/" + name
	}
	return "/static/none/" + name
}

// handleAsset serves /static/{hash}/{name}. A page from before an upgrade asks
// for an old fingerprint: it gets today's file and may not keep it.
func (s *Site) handleAsset(w http.ResponseWriter, r *http.Request) error {
	f, ok := s.look.Load().assets.files[chi.URLParam(r, "name")]
	if !ok {
		return &bots.PageError{Status: http.StatusNotFound, ID: "error.not_found"}
	}
	keep := "no-cache"
	if chi.URLParam(r, "hash") == f.hash {
		keep = "public, max-age=31536000, immutable"
	}
	f.serve(w, r, keep)
	return nil
}

// rootAsset serves a file at an address that browsers and robots ask for by
// themselves.
func (s *Site) rootAsset(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.look.Load().assets.files[name].serve(w, r, "public, max-age=3600")
	}
}
