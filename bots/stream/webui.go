package stream

import (
	"context"

	"github.com/go-chi/chi/v5"

	"ticketfrei/bots"
	"ticketfrei/internal/report"
)

// card is what settings.tmpl shows.
type card struct{ Streams []Stream }

// Settings returns what settings.tmpl shows of the city.
func (n *Network) Settings(ctx context.Context, city report.City, _ []report.Bot) (any, error) {
	list, err := n.Streams().List(ctx, city.ID)
	return card{list}, err
}

// SettingsRoutes adds the routes below /settings/stream/.
func (n *Network) SettingsRoutes(chi.Router, bots.Site) {}

// PublicRoutes has no routes.
func (n *Network) PublicRoutes(chi.Router, bots.Site) {}
