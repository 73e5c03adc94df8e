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
	"ticketfrei/db"
	"ticketfrei/internal/cache"
	"ticketfrei/internal/report"
	"ticketfrei/internal/webpush"
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
	pusher      *pusher
}

var (
	_ bots.Network          = (*Network)(nil)
	_ bots.Recipients       = (*Network)(nil)
	_ bots.SubscriberLister = (*Network)(nil)
	_ bots.OnCityPage       = (*Network)(nil)
)

// New returns the network.
func New(h bots.Host) *Network {
	n := &Network{host: h, subscribers: recipients.NewStore(Name, h), pusher: newPusher(h)}
	if h.DB.OnServer() {
		n.days.shared = func(ctx context.Context) (string, [32]byte, error) { return h.DB.DayKey(ctx, h.Secrets) }
	}
	return n
}

// Bot returns the page of a city at work.
func (n *Network) Bot(ctx context.Context, b report.Bot, _ *slog.Logger) (bots.Bot, error) {
	signer, err := n.pusher.keyOf(ctx, b.ID)
	if err != nil {
		return nil, err
	}
	city, err := n.host.DB.BriefCity(ctx, b.CityID)
	if err != nil {
		return nil, err
	}
	return &bot{network: n, bot: b, city: city, signer: signer, composed: cache.New[composed, []byte](maxComposed, 0)}, nil
}

// bot is the page of one city.
type bot struct {
	network  *Network
	bot      report.Bot
	city     report.City
	signer   *webpush.Signer
	composed *cache.Cache[composed, []byte]
}

// composed is what messages differ in.
type composed struct{ report, text, language string }

// maxComposed is how many messages a bot keeps that it has composed.
const maxComposed = 64

var (
	_ bots.Bot        = (*bot)(nil)
	_ bots.Concurrent = (*bot)(nil)
	_ bots.Retracter  = (*bot)(nil)
)

// Receive has nothing to do: reports come to the form.
func (b *bot) Receive(context.Context, func(context.Context, bots.Incoming) error) error { return nil }

// concurrency is how many messages of a city are on their way at a time: a service that
// hangs must not hold up the others.
const concurrency = 64

// Concurrency is how many messages are on their way at the same time.
func (b *bot) Concurrency() int { return concurrency }

// sent is the id of all receipts: the messages have the report's.
const sent = "push"

// Send sends the report to a browser that follows the city.
func (b *bot) Send(ctx context.Context, d report.Delivery) (report.Receipt, error) {
	s, err := b.network.find(ctx, b.bot.ID, d.Recipient)
	if err != nil {
		return report.Receipt{}, unreadable(err)
	}
	text, err := b.composed.Get(composed{d.Report.ID, d.Report.Text, s.language}, func() ([]byte, error) {
		return b.compose(d.Report, s.language, words).encode()
	})
	if err == nil {
		err = b.network.pusher.send(ctx, b.signer, s, push{text, d.ID, b.kept(d.Report)})
	}
	if errors.Is(err, errTooLong) {
		if text, err = b.composeShort(d.Report, s.language).encode(); err == nil {
			err = b.network.pusher.send(ctx, b.signer, s, push{text, d.ID, b.kept(d.Report)})
		}
	}
	return report.Receipt{ID: sent}, err
}

// Retract closes what a browser shows of a report. One that has not got it yet does not
// get it.
func (b *bot) Retract(ctx context.Context, d report.Delivery) error {
	s, err := b.network.find(ctx, b.bot.ID, d.Recipient)
	if errors.Is(err, db.ErrNotFound) {
		return nil
	}
	if err != nil {
		return unreadable(err)
	}
	text, err := b.composeEnd(d.Report, s.language).encode()
	if err != nil {
		return err
	}
	return b.network.pusher.send(ctx, b.signer, s, push{text, d.ID, b.kept(d.Report)})
}
