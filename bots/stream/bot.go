// Package stream is a network whose recipients are streams: each has a filter, and a
// target that gets the reports of its city that fit, as a channel of Discord or Slack or
// any program that takes webhooks.
package stream

import (
	"context"
	"embed"
	"io"
	"log/slog"
	"math"
	"net/http"
	"os"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"ticketfrei/bots"
	"ticketfrei/bots/stream/inbound"
	"ticketfrei/internal/cache"
	"ticketfrei/internal/notice"
	"ticketfrei/internal/report"
)

// Name is the name of the network.
const Name = "stream"

//go:embed *.tmpl *.toml
var files embed.FS

// Definition returns the network of the streams.
func Definition() bots.Definition {
	o := &options{}
	return bots.Definition{
		Name:          Name,
		Migrations:    migrations,
		Files:         files,
		NoSubscribers: true,
		Settings:      o.section(),
		New:           func(h bots.Host) (bots.Network, error) { return New(h, o) },
	}
}

// Network is the streams of all cities.
type Network struct {
	host     bots.Host
	chats    chats
	options  *options
	client   *http.Client
	stdout   io.Writer
	printing sync.Mutex // held while something is written there
	kept     *cache.Cache[int64, *set]
	lanes    lanes
	verifier inbound.Verifier
	posts    posts
	rest     pause  // between two readings of a feed
	gather   pause  // before moderators are told what has stopped
	forget   func() // stops listening for changes
}

var (
	_ bots.Network    = (*Network)(nil)
	_ bots.Recipients = (*Network)(nil)
	_ bots.Grouped    = (*Network)(nil)
	_ bots.Demo       = (*Network)(nil)
	_ io.Closer       = (*Network)(nil)
)

// requestTimeout bounds one exchange with a target.
const requestTimeout = 10 * time.Second

// New returns the network. The error says what is wrong with its settings.
func New(h bots.Host, o *options) (*Network, error) {
	known, err := o.chats()
	if err != nil {
		return nil, err
	}
	n := &Network{host: h, options: o, chats: known, stdout: os.Stdout, kept: cache.New[int64, *set](math.MaxInt, h.DB.KeptFor())}
	n.client = &http.Client{Transport: h.HTTP.Transport, Timeout: requestTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	n.verifier.SNS = inbound.NewNotifications(h.HTTP, known.sns)
	n.posts, n.rest, n.gather = newPosts(h.DB.LivingProcesses), wait, wait
	n.forget = h.Notices.OnChanged(func(cityID int64) {
		n.kept.Forget(func(_ int64, s *set) bool { return notice.Concerns(cityID, s.city.ID) })
	})
	return n, nil
}

// Close stops listening for changes.
func (n *Network) Close() error {
	n.forget()
	return nil
}

// Bot returns the streams of a city at work.
func (n *Network) Bot(_ context.Context, b report.Bot, log *slog.Logger) (bots.Bot, error) {
	return &bot{network: n, bot: b, log: log}, nil
}

// bot is the streams of one city.
type bot struct {
	network *Network
	bot     report.Bot
	log     *slog.Logger
}

var (
	_ bots.Bot        = (*bot)(nil)
	_ bots.Concurrent = (*bot)(nil)
	_ bots.Retracter  = (*bot)(nil)
)

// Concurrency is as many as all streams of a city may have under way or waiting for their
// turn, so that no stream keeps another waiting.
func (b *bot) Concurrency() int { return MaxStreams * (1 + mostWaiting) }

// Receive tells the streams that ask for it what else happens in the city, reads the feeds,
// and tells the moderators what has stopped. There is nothing to receive where there is none
// of that.
func (b *bot) Receive(ctx context.Context, emit func(context.Context, bots.Incoming) error) error {
	group, ctx := errgroup.WithContext(ctx)
	untold, err := b.mind(ctx)
	if err != nil {
		return err
	}
	if len(untold.names()) > 0 {
		group.Go(func() error { return bots.Guard(func() error { return b.tellStopped(ctx) }) })
	}
	err = b.watch(ctx, group)
	if err == nil {
		err = b.readFeeds(ctx, group, emit)
	}
	if err != nil {
		group.Go(func() error { return err }) // ends those that have begun
	}
	return group.Wait()
}
