// Package toy is a network that keeps to itself: a test copies it to bots/toy
// to show that a network is one directory.
package toy

import (
	"context"
	"log/slog"

	"ticketfrei/bots"
	"ticketfrei/config"
	"ticketfrei/report"
)

const name = "toy"

// settings is the toy's section of the configuration.
type settings struct {
	Greeting string `toml:"greeting"`
}

// Definition returns the toy network.
func Definition() bots.Definition {
	s := &settings{}
	return bots.Definition{
		Name:       name,
		Migrations: migrations,
		Files:      files,
		Settings:   &config.Section{Name: name, Defaults: "# What it says.\ngreeting = \"hello\"\n", Target: s},
		New:        func(h bots.Host) (bots.Network, error) { return &network{host: h, settings: s}, nil },
	}
}

type network struct {
	host     bots.Host
	settings *settings
}

// Bot returns a bot of the toy network.
func (n *network) Bot(_ context.Context, _ report.Bot, log *slog.Logger) (bots.Bot, error) {
	return &bot{log: log}, nil
}

type bot struct{ log *slog.Logger }

// Receive has nothing to hear.
func (b *bot) Receive(context.Context, func(context.Context, bots.Incoming) error) error { return nil }

// Send notes the report in the bot's log.
func (b *bot) Send(_ context.Context, d report.Delivery) (report.Receipt, error) {
	b.log.Info("would post a report", "length", len(d.Report.Text))
	return report.Receipt{ID: d.ID}, nil
}
