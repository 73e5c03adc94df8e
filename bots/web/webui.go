package web

import (
	"context"

	"github.com/go-chi/chi/v5"

	"ticketfrei/bots"
	"ticketfrei/internal/report"
)

// Settings returns what settings.tmpl shows.
func (n *Network) Settings(context.Context, report.City, []report.Bot) (any, error) { return nil, nil }

// SettingsRoutes has no routes: there is nothing to set.
func (n *Network) SettingsRoutes(chi.Router, bots.Site) {}

// PublicRoutes adds the routes below /city/{slug}/web/.
func (n *Network) PublicRoutes(r chi.Router, s bots.Site) { pushes{n, s}.routes(r) }

// CityPart returns what city.tmpl shows.
func (n *Network) CityPart(context.Context, report.City, report.Bot) (any, error) { return nil, nil }
