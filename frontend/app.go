package frontend

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"ticketfrei/internal/i18n"
)

// What makes the pages of a city an app: a worker beside them, a manifest, and a page for
// where there is no net.

// appRoutes are those that belong to no city.
func (s *Site) appRoutes(r chi.Router) {
	r.Get("/sw.js", s.Handler(s.handleWorker))
	r.Get(offlinePath, s.Handler(s.handleOffline))
}

const offlinePath = "/offline"

// workerSite is what the service worker needs to know: see templates/static/sw.js.
type workerSite struct {
	Build   string   `json:"build"` // changes with every file of the look
	Shell   []string `json:"shell"` // what it keeps from the beginning
	Offline string   `json:"offline"`
	Name    string   `json:"name"`
	Icon    string   `json:"icon"`
	Badge   string   `json:"badge"`
}

// handleWorker serves the service worker. Browsers look whether it has changed.
func (s *Site) handleWorker(w http.ResponseWriter, r *http.Request) error {
	b, err := cached(r.Context(), s.cache, "worker/"+visitOf(r.Context()).lang, func(context.Context) (*blob, int64, error) {
		b, err := s.buildWorker(r)
		return b, 0, err
	})
	if err != nil {
		return err
	}
	w.Header().Set("Service-Worker-Allowed", "/city/")
	b.serve(w, r, "no-cache")
	return nil
}

func (s *Site) buildWorker(r *http.Request) (*blob, error) {
	all := s.look.Load().assets
	site, err := json.Marshal(workerSite{
		Build: all.build(), Shell: []string{offlinePath, all.url("style.css"), all.url("icon.svg")},
		Offline: offlinePath, Name: s.T(r, "layout.brand"), Icon: all.url("icon-192.png"), Badge: all.url("badge.png"),
	})
	body := append([]byte("self.site = "), site...)
	body = append(append(body, ";\n"...), all.files["sw.js"].plain...)
	return newBlob(contentType("sw.js"), body, time.Time{}), err
}

// build names all files together.
func (a *assets) build() string {
	var all strings.Builder
	for _, name := range slices.Sorted(maps.Keys(a.files)) {
		all.WriteString(name + a.files[name].hash)
	}
	return newBlob("", []byte(all.String()), time.Time{}).hash
}

// handleOffline is what the worker shows where there is neither net nor copy.
func (s *Site) handleOffline(w http.ResponseWriter, r *http.Request) error {
	p := s.blankPage(visitOf(r.Context()).lang, s.T(r, "app.offline"), nil)
	p.Path = offlinePath
	body, err := s.execute("offline.tmpl", p)
	if err != nil {
		return err
	}
	w.Header().Add("Vary", "Accept-Language")
	newBlob("text/html; charset=utf-8", body, time.Time{}).serve(w, r, "no-cache")
	return nil
}

// manifest is how a city stands on a home screen (w3.org/TR/appmanifest).
type manifest struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	ShortName  string `json:"short_name"`
	Start      string `json:"start_url"`
	Scope      string `json:"scope"`
	Display    string `json:"display"`
	Lang       string `json:"lang"`
	Dir        string `json:"dir"`
	Theme      string `json:"theme_color"`
	Background string `json:"background_color"`
	Icons      []icon `json:"icons"`
}

type icon struct {
	Src     string `json:"src"`
	Sizes   string `json:"sizes"`
	Type    string `json:"type"`
	Purpose string `json:"purpose,omitempty"`
}

// The colours of an app while it opens: those of style.css.
const (
	themeColor      = "#0b6b50"
	backgroundColor = "#f4f6f5"
)

// handleManifest is the manifest of a city: /city/{slug}/manifest.webmanifest.
func (s *Site) handleManifest(w http.ResponseWriter, r *http.Request) error {
	return noSuchCity(s.serveKept(w, r, "manifest", s.buildManifest))
}

func (s *Site) buildManifest(ctx context.Context, slug string, in pageIn) (*blob, int64, error) {
	c, err := s.DB.FindCity(ctx, slug)
	if err != nil {
		return nil, 0, err
	}
	p := s.blankPage(in.of(c), "", nil)
	p.Asked = in.asked
	path := "/city/" + c.Slug
	body, err := json.Marshal(manifest{
		ID: path, Name: c.Name + " · " + p.T("layout.brand"), ShortName: c.Name, Start: p.Link(path), Scope: path, Display: "standalone",
		Lang: p.Lang, Dir: i18n.Direction(p.Lang), Theme: themeColor, Background: backgroundColor,
		Icons: []icon{
			{p.Asset("icon-192.png"), "192x192", "image/png", ""},
			{p.Asset("icon-512.png"), "512x512", "image/png", ""},
			{p.Asset("icon-maskable.png"), "512x512", "image/png", "maskable"},
			{p.Asset("icon.svg"), "any", "image/svg+xml", ""},
		},
	})
	return newBlob("application/manifest+json", body, time.Time{}), c.ID, err
}
