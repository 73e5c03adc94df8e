package toy

import (
	"context"
	"embed"
	"net/http"

	"github.com/go-chi/chi/v5"
	"gorm.io/gorm"

	"ticketfrei/report"
)

//go:embed settings.tmpl en.toml de.toml
var files embed.FS

// Settings returns the greeting.
func (n *network) Settings(context.Context, report.City, *report.Bot) (any, error) {
	return n.settings.Greeting, nil
}

// SettingsRoutes adds the form that connects the toy.
func (n *network) SettingsRoutes(r chi.Router) {
	r.Post("/connect", n.host.Site.Handler(n.handleConnect))
}

// PublicRoutes adds nothing.
func (n *network) PublicRoutes(chi.Router) {}

func (n *network) handleConnect(w http.ResponseWriter, r *http.Request) error {
	_, err := n.host.Site.Connect(r.Context(), n.host.Site.City(r), name, func(tx *gorm.DB, b report.Bot) error {
		return n.saveAccount(tx, b, r.FormValue("name"))
	})
	if err != nil {
		return err
	}
	return n.host.Site.Saved(w, r, name, n.host.Site.T(r, "toy.connected"))
}
