package web

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// pages are the forms and pages of the network, with the site around them.
type pages struct {
	*Network
	site       bots.Site
	reports    brake
	subscribes brake
}

// Settings returns what settings.tmpl shows.
func (n *Network) Settings(context.Context, report.City, []report.Bot) (any, error) { return nil, nil }

// SettingsRoutes has no routes: there is nothing to set.
func (n *Network) SettingsRoutes(chi.Router, bots.Site) {}

// LeavingPath is where browsers end their subscriptions: see bots.Leaving.
func (n *Network) LeavingPath() string { return "push" }

var _ bots.Leaving = (*Network)(nil)

// PublicRoutes adds the routes below /city/{slug}/web/.
func (n *Network) PublicRoutes(r chi.Router, site bots.Site) {
	p := &pages{Network: n, site: site, reports: newBrake(reportsPerMinute, time.Minute, n.host.DB.LivingProcesses), subscribes: newBrake(subscribesPerHour, time.Hour, n.host.DB.LivingProcesses)}
	r.Post("/report", site.Handler(p.handleReport))
	r.Get("/report", p.handleReportGone)
	r.Get("/", site.Handler(p.handleFollow))
	r.Post("/push", site.Handler(p.braked(p.handleSubscribe)))
	r.Post("/push/remove", site.Handler(p.braked(p.handleRemove)))
	r.Delete("/push", site.Handler(p.braked(p.handleRemove)))
}

// cityBot returns the city that the request is about, and its page as a bot.
func (p *pages) cityBot(r *http.Request) (report.City, report.Bot, error) {
	city := p.site.City(r)
	b, err := p.host.DB.FindBot(r.Context(), city.ID, Name)
	if errors.Is(err, db.ErrNotFound) {
		err = &bots.PageError{Status: http.StatusNotFound, ID: "error.not_found", Err: err}
	}
	return city, b, err
}

// handleReportGone leads whoever comes back to the answer of a form to the page.
func (p *pages) handleReportGone(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, "/city/"+p.site.City(r).Slug, http.StatusSeeOther)
}

// CityPart returns what city.tmpl shows.
func (n *Network) CityPart(context.Context, report.City, report.Bot) (any, error) { return nil, nil }
