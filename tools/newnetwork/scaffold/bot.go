// Package scaffold is a network to begin with: it is complete, and speaks the
// toy API that api.go explains. Put the real network's API in its place; how is
// said in docs/ADDING-A-NETWORK.md.
package scaffold

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/config"
	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"

	"github.com/go-gormigrate/gormigrate/v2"
)

// name of the network: its directory, tables, texts and routes.
const name = "scaffold"

//go:embed *.tmpl *.toml
var files embed.FS

// Definition returns the network as the program lists it.
func Definition() bots.Definition {
	o := &options{}
	return bots.Definition{
		Name:       name,
		Migrations: func(*secret.Box) []*gormigrate.Migration { return migrations },
		Files:      files,
		Settings:   &config.Section{Name: name, Defaults: defaults, Target: o},
		New:        func(h bots.Host) (bots.Network, error) { return newNetwork(h, *o) },
	}
}

// defaults is the network's section of the settings, for the operator.
const defaults = `# How long to wait for the next request after an answer without messages.
pause = "1s"
`

// options is the network's section of the settings.
type options struct {
	Pause time.Duration `toml:"pause"`
}

// shortestPause keeps a server that does not hold requests from being asked
// without end.
const shortestPause = 10 * time.Millisecond

// What the network and its bots can do beyond the least.
var (
	_ bots.Network   = (*network)(nil)
	_ bots.Addressed = (*network)(nil)
	_ bots.Demo      = (*network)(nil)
	_ bots.Bot       = (*bot)(nil)
	_ bots.Checker   = (*bot)(nil)
	_ bots.Retracter = (*bot)(nil)
)

// network is shared by the bots of all cities.
type network struct {
	host    bots.Host
	site    bots.Site
	options options
}

func newNetwork(h bots.Host, o options) (*network, error) {
	if o.Pause < shortestPause {
		return nil, fmt.Errorf("setting %s.pause: at least %s", name, shortestPause)
	}
	return &network{host: h, options: o}, nil
}

// bot is one city's account at work. Receive and Send run at the same time;
// only Receive changes cursor.
type bot struct {
	network *network
	bot     report.Bot
	account account
	client  *client
	log     *slog.Logger
	cursor  string // id of the last message that was handed over
}

// Bot returns the bot of the account that was stored for b.
func (n *network) Bot(ctx context.Context, b report.Bot, log *slog.Logger) (bots.Bot, error) {
	a, err := n.account(ctx, b.ID)
	if errors.Is(err, db.ErrNotFound) {
		return nil, bots.Refused(errors.New("no account is connected"))
	}
	if err != nil {
		return nil, err
	}
	return &bot{network: n, bot: b, account: a, client: n.client(a.Address, a.Token), log: log, cursor: a.Cursor}, nil
}

// client returns one that goes through the program's guarded HTTP client: the
// address comes from a stranger.
func (n *network) client(address, token string) *client {
	return &client{http: n.host.HTTP, address: address, token: token}
}

// Address returns where riders write to.
func (n *network) Address(ctx context.Context, _ report.City, b report.Bot) (text, url string, err error) {
	a, err := n.account(ctx, b.ID)
	if err != nil {
		return "", "", err
	}
	return "@" + a.Handle, a.page(), nil
}

// Check asks whether the token still holds. It runs before Receive.
func (b *bot) Check(ctx context.Context) error {
	_, err := b.client.me(ctx)
	return err
}

// Receive hands over what people write to the account, until ctx ends or
// something fails. The loop around it, which restarts it, is the program's.
func (b *bot) Receive(ctx context.Context, emit func(context.Context, bots.Incoming) error) error {
	for {
		list, err := b.client.messages(ctx, b.cursor)
		if err != nil {
			return err
		}
		for _, m := range list {
			if err := b.hear(ctx, m, emit); err != nil {
				return err
			}
		}
		if len(list) > 0 {
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(b.network.options.Pause):
		}
	}
}

// hear hands over one message. The cursor follows when the report is on disk
// and not before: what fails in between is heard again, which is harmless.
func (b *bot) hear(ctx context.Context, m message, emit func(context.Context, bots.Incoming) error) error {
	if m.Picture {
		if err := b.refusePicture(ctx, m); err != nil {
			return err
		}
	} else if err := emit(ctx, incoming(m)); err != nil {
		return err
	}
	if err := b.network.saveCursor(ctx, b.account, m.ID); err != nil {
		return err
	}
	b.cursor = m.ID
	return nil
}

// incoming is the report in a message.
func incoming(m message) bots.Incoming {
	in := bots.Incoming{ID: m.ID, Author: m.Author, Text: m.Text, Visibility: report.Public, Time: m.Time}
	if m.Private {
		in.Visibility = report.Private
	}
	return in
}

// refusePicture answers a picture with why it is not passed on, each author
// once a day. The answer is a courtesy: where it fails, the reports go on.
func (b *bot) refusePicture(ctx context.Context, m message) error {
	host := b.network.host
	city, err := host.DB.BriefCity(ctx, b.bot.CityID)
	if err != nil {
		return err
	}
	day := m.Time.UTC().Format(time.DateOnly)
	_, err = b.client.post(ctx, post{
		Key:  report.DeliveryID("picture", b.bot.ID, host.Secrets.Author(name, m.Author)+day),
		Text: host.Texts.T(city.Language, "scaffold.picture"),
		To:   m.Author,
	})
	if kind, _ := bots.KindOf(err); ctx.Err() != nil || kind == bots.KindRefused {
		return err
	}
	if err != nil {
		b.log.Warn("could not explain that pictures are not passed on", "err", err)
	}
	return nil
}

// Send posts the text of a report and nothing else: never who wrote it. The id
// of the delivery makes a second attempt the same post.
func (b *bot) Send(ctx context.Context, d report.Delivery) (report.Receipt, error) {
	id, err := b.client.post(ctx, post{Key: d.ID, Text: fit(d.Report.Text, maxText), To: d.Recipient})
	if err != nil {
		return report.Receipt{}, err
	}
	return report.Receipt{ID: id, URL: b.account.Address + "/posts/" + url.PathEscape(id)}, nil
}

// Retract deletes a post that a moderator took back.
func (b *bot) Retract(ctx context.Context, d report.Delivery) error {
	err := b.client.remove(ctx, d.Retract.ID)
	if statusOf(err) == http.StatusNotFound {
		return nil // gone already
	}
	return err
}

// fit returns text as it is where it has at most limit characters, and else
// its beginning, cut at a word where there is one, with an ellipsis.
func fit(text string, limit int) string {
	runes := []rune(text)
	if len(runes) <= limit {
		return text
	}
	short := string(runes[:limit-1])
	if i := strings.LastIndexAny(short, " \n"); i > len(short)/2 {
		short = short[:i]
	}
	return strings.TrimRight(short, " \n") + "…"
}
