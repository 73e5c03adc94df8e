package frontend

import (
	"context"
	"net/http"

	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/internal/report"
)

// Settings writes the page of the networks with data in place of what the network's
// Settings returns: see bots.Site.
func (s *Site) Settings(w http.ResponseWriter, r *http.Request, status int, network string, data any) error {
	return s.showNetworks(w, r, status, map[string]any{network: data})
}

// Saved redirects to the network's card, which shows text once: see bots.Site.
func (s *Site) Saved(w http.ResponseWriter, r *http.Request, network, text string) error {
	return s.saved(w, r, pageNetworks, bots.SettingsAnchor(network), text)
}

// Connect creates a bot of the network for the city, or takes the one that it
// has: see bots.Site.
func (s *Site) Connect(ctx context.Context, city report.City, network string, botID int64, save func(tx *gorm.DB, b report.Bot) error) (report.Bot, error) {
	return bots.Host{DB: s.DB, Notices: s.Notices}.Connect(ctx, city, network, botID, save)
}
