// Package web is the page of a city as a network: reports come from its form, and go to
// the browsers that follow it by Web Push.
package web

import (
	"context"
	"embed"
	"errors"
	"log/slog"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/recipients"
	"ticketfrei/internal/report"
)

// Name is the name of the network.
const Name = "web"

//go:embed *.tmpl *.toml
var files embed.FS

// Definition returns the network of the pages.
func Definition() bots.Definition {
	return bots.Definition{
		Name:       Name,
		Migrations: migrations,
		Files:      files,
		Everywhere: true,
		New:        func(h bots.Host) (bots.Network, error) { return New(h), nil },
	}
}

// Network is the pages of all cities.
type Network struct {
	host        bots.Host
	subscribers *recipients.Store
	days        days
}

var (
	_ bots.Network    = (*Network)(nil)
	_ bots.Recipients = (*Network)(nil)
	_ bots.OnCityPage = (*Network)(nil)
)

// New returns the network.
func New(h bots.Host) *Network {
	return &Network{host: h, subscribers: recipients.NewStore(Name, h)}
}

// Bot returns the page of a city at work.
func (n *Network) Bot(context.Context, report.Bot, *slog.Logger) (bots.Bot, error) { return bot{}, nil }

// bot is the page of one city.
type bot struct{}

// Receive has nothing to do: reports come to the form.
func (bot) Receive(context.Context, func(context.Context, bots.Incoming) error) error { return nil }

// Send sends nothing yet.
func (bot) Send(context.Context, report.Delivery) (report.Receipt, error) {
	return report.Receipt{}, errors.ErrUnsupported
}
