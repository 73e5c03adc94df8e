package web

import (
	"context"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/httprate"

	"ticketfrei/bots"
	"ticketfrei/internal/report"
)

// pages are the forms and pages of the network, with the site around them.
type pages struct {
	*Network
	site bots.Site
	// one limits how often a network of clients reports, all how often everybody behind
	// a gateway does.
	one, all *httprate.RateLimiter
}

// Settings returns what settings.tmpl shows.
func (n *Network) Settings(context.Context, report.City, []report.Bot) (any, error) { return nil, nil }

// SettingsRoutes has no routes: there is nothing to set.
func (n *Network) SettingsRoutes(chi.Router, bots.Site) {}

// PublicRoutes adds the routes below /city/{slug}/web/.
func (n *Network) PublicRoutes(r chi.Router, site bots.Site) {
	p := &pages{Network: n, site: site, one: httprate.NewRateLimiter(reportsPerMinute, time.Minute),
		all: httprate.NewRateLimiter(reportsPerMinute*everybody, time.Minute)}
	r.Post("/report", site.Handler(p.handleReport))
	r.Get("/report", p.handleReportGone)
	pushes{n, site}.routes(r)
}

// handleReportGone leads whoever comes back to the answer of a form to the page.
func (p *pages) handleReportGone(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, "/city/"+p.site.City(r).Slug, http.StatusSeeOther)
}

// CityPart returns what city.tmpl shows.
func (n *Network) CityPart(context.Context, report.City, report.Bot) (any, error) { return nil, nil }
