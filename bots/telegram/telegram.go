// Package telegram is the network Telegram: people write to a city's bot, in a
// chat of their own or in a group, and it sends every report to those who have
// subscribed. What it speaks is the Bot API (core.telegram.org/bots/api).
package telegram

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/config"
	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"

	"github.com/go-gormigrate/gormigrate/v2"
)

// name of the network: its directory, tables, texts and routes.
const name = "telegram"

//go:embed *.tmpl *.toml
var files embed.FS

// options is the section [telegram] of the configuration.
type options struct {
	API string `toml:"api"`
}

const defaults = `# The Bot API server that the bots talk to: Telegram's, or one of your own.
api = "https://api.telegram.org"
`

// Definition returns the network as the program lists it.
func Definition() bots.Definition {
	o := &options{}
	return bots.Definition{
		Name:       name,
		Migrations: func(*secret.Box) []*gormigrate.Migration { return migrations },
		Files:      files,
		Settings:   &config.Section{Name: name, Defaults: defaults, Target: o},
		New:        func(h bots.Host) (bots.Network, error) { return newNetwork(h, o) },
	}
}

var (
	_ bots.Network    = (*network)(nil)
	_ bots.Recipients = (*network)(nil)
	_ bots.Addressed  = (*network)(nil)
	_ bots.Demo       = (*network)(nil)
)

// network is shared by the bots of all cities.
type network struct {
	host      bots.Host
	site      bots.Site
	api       string // URL of the Bot API server, without a slash at the end
	store     *store
	transport *http.Transport
	dialing   dialing
	limits    limits
	timings   timings

	mu     sync.Mutex
	pacers map[int64]*pacer // by bot: a bot that is made anew keeps its pace
}

// timings are the durations that tests make shorter.
type timings struct {
	// poll is how long one getUpdates waits for news. The Bot API server waits
	// for 50 s at most (LONG_POLL_MAX_TIMEOUT in its source), and proxies tend to
	// give up after 60.
	poll time.Duration
	// pause is the least time between two getUpdates that brought nothing: a
	// server that does not wait must not be asked without end.
	pause time.Duration
}

func defaultTimings() timings { return timings{poll: 50 * time.Second, pause: time.Second} }

// newNetwork returns the network. The error says what is wrong with
// telegram.api.
func newNetwork(h bots.Host, o *options) (*network, error) {
	api := strings.TrimRight(o.API, "/")
	if err := checkURL(api); err != nil {
		return nil, fmt.Errorf("setting telegram.api: %w", err)
	}
	return &network{host: h, api: api, store: &store{db: h.DB, box: h.Secrets, now: h.Now},
		transport: newTransport(), dialing: newDialing(), limits: documentedLimits(), timings: defaultTimings(), pacers: map[int64]*pacer{}}, nil
}

// Bot returns the bot whose token was stored for b.
func (n *network) Bot(ctx context.Context, b report.Bot, log *slog.Logger) (bots.Bot, error) {
	city, err := n.host.DB.BriefCity(ctx, b.CityID)
	if err != nil {
		return nil, err
	}
	a, err := n.store.account(ctx, b.ID)
	if errors.Is(err, db.ErrNotFound) {
		return nil, bots.Refused(errors.New(n.host.Texts.T(city.Language, "telegram.error.not_connected")))
	}
	if err != nil {
		return nil, err
	}
	c, err := n.client(a.API, a.Token)
	if err != nil {
		return nil, bots.Refused(errors.New(n.host.Texts.T(city.Language, "telegram.error.no_token")))
	}
	return &bot{network: n, bot: b, client: c, pace: n.pacer(b.ID), log: log,
		city: city.Name, language: city.Language, id: a.TelegramID, username: a.Username,
		next: a.NextUpdate, nextAt: time.UnixMilli(a.NextAt)}, nil
}

// Close closes the connections that nobody uses.
func (n *network) Close() error {
	n.transport.CloseIdleConnections()
	return nil
}

// pacer returns the pacer of a bot.
func (n *network) pacer(botID int64) *pacer {
	n.mu.Lock()
	defer n.mu.Unlock()
	p := n.pacers[botID]
	if p == nil {
		p = newPacer(n.limits)
		n.pacers[botID] = p
	}
	return p
}

// Address returns the name of the city's bot and the link that opens a chat
// with it.
func (n *network) Address(ctx context.Context, _ report.City, b report.Bot) (text, url string, err error) {
	a, err := n.store.account(ctx, b.ID)
	if err != nil {
		return "", "", err
	}
	return "@" + a.Username, linkTo(a.Username), nil
}

// linkTo is the link that opens a chat with a bot.
func linkTo(username string) string { return "https://t.me/" + username }

// Forget deletes what is stored of the bot, its subscribers among it.
func (n *network) Forget(ctx context.Context, b report.Bot) error {
	if err := n.store.forget(ctx, b); err != nil {
		return fmt.Errorf("forget telegram bot: %w", err)
	}
	n.mu.Lock()
	delete(n.pacers, b.ID)
	n.mu.Unlock()
	return nil
}

// Recipients returns the chats that have subscribed, but for the one that the
// report was written in and the author's own.
func (n *network) Recipients(ctx context.Context, b report.Bot, r report.Report) ([]string, error) {
	chats, err := n.store.chats(ctx, b.ID)
	if err != nil {
		return nil, err
	}
	own := r.Network == name
	origin := int64(0)
	if own && r.BotID == b.ID {
		origin, _ = parseNetworkID(r.NetworkID)
	}
	list := make([]string, 0, len(chats))
	for _, chat := range chats {
		id := formatID(chat)
		if chat == origin || own && n.host.Secrets.Author(name, id) == r.Author {
			continue
		}
		list = append(list, id)
	}
	return list, nil
}

// RemoveRecipient forgets a chat.
func (n *network) RemoveRecipient(ctx context.Context, b report.Bot, recipient string) error {
	chat, err := parseID(recipient)
	if err != nil {
		return nil // it never was one
	}
	chat, err = n.store.findChat(ctx, b.ID, chat)
	if errors.Is(err, db.ErrNotFound) {
		return nil
	}
	if err == nil {
		_, err = n.store.unsubscribe(ctx, b.ID, chat)
	}
	return err
}

// CountRecipients returns the number of chats that have subscribed.
func (n *network) CountRecipients(ctx context.Context, b report.Bot) (int, error) {
	return n.store.countChats(ctx, b.ID)
}
