// Package mastodon is the network Mastodon, and what speaks its API: a city's
// bot is an account that people mention and that boosts or posts.
package mastodon

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/go-gormigrate/gormigrate/v2"
	"golang.org/x/sync/singleflight"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"
)

// name of the network: its directory, tables, texts and routes.
const name = "mastodon"

//go:embed *.tmpl *.toml
var files embed.FS

// Definition returns the network as the program lists it.
func Definition() bots.Definition {
	return bots.Definition{
		Name:       name,
		Migrations: func(*secret.Box) []*gormigrate.Migration { return migrations },
		Files:      files,
		New:        func(h bots.Host) (bots.Network, error) { return newNetwork(h), nil },
	}
}

var (
	_ bots.Network   = (*network)(nil)
	_ bots.Addressed = (*network)(nil)
	_ bots.Demo      = (*network)(nil)
)

// network is shared by the bots of all cities.
type network struct {
	host      bots.Host
	site      bots.Site
	store     *store
	timings   timings
	instances instanceCache
}

// timings are the durations that tests make shorter.
type timings struct {
	// silence is how long a stream may bring nothing, not even a heartbeat,
	// until it is taken for dead. Mastodon, GoToSocial and Pleroma send one
	// every 30 s.
	silence time.Duration
	// reopen is how long a stream is used, a third more or less: thousands that
	// were opened together are not opened anew together. Opening the next one
	// catches up, which finds what a stream that looks alive has lost.
	reopen time.Duration
	// dial bounds the opening of a stream.
	dial time.Duration
	// shortest is how long a stream must have lived for the next one to be
	// opened at once when it breaks.
	shortest time.Duration
	// forget bounds what is asked of the instance when a bot is disconnected.
	forget time.Duration
}

func defaultTimings() timings {
	return timings{silence: 45 * time.Second, reopen: time.Hour, dial: 15 * time.Second,
		shortest: 10 * time.Second, forget: 5 * time.Second}
}

func newNetwork(h bots.Host) *network {
	return &network{host: h, store: &store{db: h.DB, box: h.Secrets, now: h.Now, keep: h.Config.Reports.Keep},
		timings: defaultTimings(), instances: instanceCache{known: map[string]instance{}, group: &singleflight.Group{}}}
}

// Bot returns the bot of the account that was stored for b.
func (n *network) Bot(ctx context.Context, b report.Bot, log *slog.Logger) (bots.Bot, error) {
	a, err := n.store.account(ctx, b.ID)
	if errors.Is(err, db.ErrNotFound) {
		return nil, bots.Refused(errors.New("no Mastodon account is connected"))
	}
	if err != nil {
		return nil, err
	}
	return &bot{network: n, bot: b, account: a, client: n.client(a.Instance, a.Token), log: log, cursor: a.Cursor}, nil
}

// Address returns the handle of the city's account and its profile.
func (n *network) Address(ctx context.Context, _ report.City, b report.Bot) (text, url string, err error) {
	a, err := n.store.account(ctx, b.ID)
	if err != nil {
		return "", "", err
	}
	return "@" + a.Handle, a.URL, nil
}

// Forget deletes what is stored of the bot, and asks the instance to delete the
// access token: where it does not, the account's owner can.
func (n *network) Forget(ctx context.Context, b report.Bot) error {
	a, err := n.store.account(ctx, b.ID)
	if err != nil && !errors.Is(err, db.ErrNotFound) {
		// A token that cannot be decrypted must not keep a city from being
		// deleted.
		n.host.Log.Warn("cannot read the account that is disconnected", "bot", b.ID, "err", err)
	}
	if err := n.store.forget(ctx, b); err != nil {
		return fmt.Errorf("forget mastodon account: %w", err)
	}
	if a.Token != "" {
		n.revoke(ctx, a)
	}
	return nil
}
