// Package panicking is a network whose bots panic whenever they are called. The
// benchmark builds it into a program of its own, to see that the other bots do
// not notice.
package panicking

import (
	"context"
	"embed"
	"log/slog"

	"github.com/go-chi/chi/v5"

	"ticketfrei/bots"
	"ticketfrei/internal/report"
)

// Name of the network.
const Name = "panicking"

//go:embed settings.tmpl *.toml
var files embed.FS

// Definition returns the network.
func Definition() bots.Definition {
	return bots.Definition{Name: Name, Files: files, New: func(bots.Host) (bots.Network, error) { return network{}, nil }}
}

type network struct{}

var _ bots.Network = network{}

func (network) Bot(context.Context, report.Bot, *slog.Logger) (bots.Bot, error)  { return bot{}, nil }
func (network) Settings(context.Context, report.City, []report.Bot) (any, error) { return nil, nil }
func (network) SettingsRoutes(chi.Router, bots.Site)                             {}
func (network) PublicRoutes(chi.Router, bots.Site)                               {}
func (network) Forget(context.Context, report.Bot) error                         { return nil }

type bot struct{}

func (bot) Receive(context.Context, func(context.Context, bots.Incoming) error) error {
	panic("as it always does, when it hears")
}

func (bot) Send(context.Context, report.Delivery) (report.Receipt, error) {
	panic("as it always does, when it sends")
}
