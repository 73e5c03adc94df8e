package post

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/go-chi/chi/v5"
	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/account"
	"ticketfrei/bots/kit/pace"
	"ticketfrei/bots/kit/standin"
	"ticketfrei/bots/kit/text"
	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// network is shared by the bots of all cities.
type network struct {
	Network
	host     bots.Host
	driver   Driver
	accounts *account.Store
	posts    *posts
	pacers   *pace.Pacers
	pages    *account.Pages
	answered pace.Quota
}

var (
	_ bots.Network   = (*network)(nil)
	_ bots.Addressed = (*network)(nil)
	_ bots.Hooked    = (*network)(nil)
	_ bots.Connector = (*network)(nil)
)

// newNetwork returns the network; as one that can show itself where its driver
// can.
func newNetwork(spec Network, h bots.Host) (bots.Network, error) {
	driver, err := spec.New(h)
	if err != nil {
		return nil, err
	}
	if err := account.CheckTexts(spec.Name, spec.Fields, h.Texts); err != nil {
		return nil, errors.Join(err, account.Close(driver))
	}
	n := &network{Network: spec, host: h, driver: driver, accounts: account.NewStore(spec.Name, h),
		posts: newPosts(spec.Name, h), pacers: pace.NewPacers(spec.Pace)}
	n.pages = &account.Pages{Network: spec.Name, Store: n.accounts, Host: h, Fields: spec.Fields, Checker: driver}
	n.pages.Section, n.pages.Answering = n, account.Answering{Texts: "kit.post.answers",
		Choices: []report.Answers{report.AnswersUsual, report.AnswersWords, report.AnswersOff}}
	if d, ok := driver.(standin.Demo); ok {
		return &showing{n, d}, nil
	}
	return n, nil
}

// Fields are what is typed to connect an account.
func (n *network) Fields() []bots.Field { return n.pages.Asked() }

// Connect connects the account that the values are the login of.
func (n *network) Connect(ctx context.Context, city report.City, botID int64, values map[string]string) (report.Bot, error) {
	return n.pages.ConnectBy(ctx, city, botID, values)
}

// Limit is how long a message may be.
func (n *network) Limit() text.Limit { return n.Length }

// Close closes the driver.
func (n *network) Close() error { return account.Close(n.driver) }

// Bot returns the bot of the account that was stored for b.
func (n *network) Bot(ctx context.Context, b report.Bot, log *slog.Logger) (bots.Bot, error) {
	a, err := n.accounts.Connected(ctx, b.ID)
	if err == nil {
		a, err = n.accounts.Known(ctx, n.driver, a)
	}
	if err != nil {
		return nil, err
	}
	conn, err := n.driver.Open(a, account.NewLog(log))
	if err != nil {
		return nil, err
	}
	return &bot{network: n, bot: b, cursor: a.Cursor, conn: conn, log: log}, nil
}

// Address returns what the account is called and its page.
func (n *network) Address(ctx context.Context, _ report.City, b report.Bot) (text, url string, err error) {
	return n.accounts.Address(ctx, b.ID)
}

// SettingsRoutes adds the forms of the section.
func (n *network) SettingsRoutes(r chi.Router, site bots.Site) {
	n.pages.Routes(r, site)
	if router, ok := n.driver.(Router); ok {
		router.SettingsRoutes(r, site, n.pages)
	}
}

// PublicRoutes adds nothing: riders use the service itself.
func (n *network) PublicRoutes(chi.Router, bots.Site) {}

// HookRoutes adds what the driver has for its service to call.
func (n *network) HookRoutes(r chi.Router) {
	if hooked, ok := n.driver.(bots.Hooked); ok {
		hooked.HookRoutes(r)
	}
}

// Settings returns what the section shows.
func (n *network) Settings(ctx context.Context, city report.City, own []report.Bot) (any, error) {
	return n.pages.Data(ctx, city, own, nil)
}

// Forget deletes what is stored of the bot.
func (n *network) Forget(ctx context.Context, b report.Bot) error {
	a, err := n.accounts.Account(ctx, b.ID)
	if err != nil && !errors.Is(err, db.ErrNotFound) {
		// A token that cannot be decrypted must not keep a city from being
		// deleted.
		n.host.Log.Warn("cannot read the account that is disconnected", "bot", b.ID, "err", err)
	}
	err = n.host.DB.Write(ctx, func(tx *gorm.DB) error {
		if err := n.posts.forget(tx, b.ID); err != nil {
			return err
		}
		return n.accounts.Forget(tx, b)
	})
	if err != nil {
		return fmt.Errorf("forget %s bot: %w", n.Name, err)
	}
	n.pacers.Forget(b.ID)
	if f, ok := n.driver.(Forgetter); ok && a.Token != "" {
		return f.Forget(ctx, a)
	}
	return nil
}
