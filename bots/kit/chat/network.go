package chat

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"github.com/go-chi/chi/v5"
	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/account"
	"ticketfrei/bots/kit/pace"
	"ticketfrei/bots/kit/recipients"
	"ticketfrei/bots/kit/standin"
	"ticketfrei/bots/kit/text"
	"ticketfrei/internal/report"
)

// network is shared by the bots of all cities.
type network struct {
	Network
	host          bots.Host
	driver        Driver
	accounts      *account.Store
	chats         *recipients.Store
	groups        *groups
	closings      closings
	introductions introductions
	pacers        *pace.Pacers
	pages         *account.Pages
	// answering are the answers of the bots that are at work, by bot.
	answering sync.Map
}

var (
	_ bots.Network          = (*network)(nil)
	_ bots.Recipients       = (*network)(nil)
	_ bots.SubscriberLister = (*network)(nil)
	_ bots.Addressed        = (*network)(nil)
	_ bots.Grouped          = (*network)(nil)
	_ bots.Hooked           = (*network)(nil)
	_ bots.Connector        = (*network)(nil)
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
	spec.Pace.Waiting = max(1, spec.Concurrency/2) // the others send meanwhile
	n := &network{Network: spec, host: h, driver: driver, accounts: account.NewStore(spec.Name, h),
		chats: recipients.NewStore(spec.Name, h), pacers: pace.NewPacers(spec.Pace)}
	n.groups = newGroups(spec.Name, h, n.chats)
	n.pages = &account.Pages{Network: spec.Name, Store: n.accounts, Host: h, Fields: spec.Fields, Checker: driver, Section: n,
		Answering: account.Answering{Texts: "kit.chat.answers",
			Choices: []report.Answers{report.AnswersUsual, report.AnswersWords, report.AnswersReaction, report.AnswersOff}}}
	if d, ok := driver.(standin.Demo); ok {
		return &showing{n, d}, nil
	}
	return n, nil
}

// Limit is how long a message may be.
func (n *network) Limit() text.Limit { return n.Length }

// Close closes the driver.
func (n *network) Close() error { return account.Close(n.driver) }

// Fields are what is typed to connect an account.
func (n *network) Fields() []bots.Field { return n.pages.Asked() }

// Connect connects the account that the values are the login of.
func (n *network) Connect(ctx context.Context, city report.City, botID int64, values map[string]string) (report.Bot, error) {
	return n.pages.ConnectBy(ctx, city, botID, values)
}

// Bot returns the bot of the account that was stored for b.
func (n *network) Bot(ctx context.Context, b report.Bot, log *slog.Logger) (bots.Bot, error) {
	city, err := n.host.DB.BriefCity(ctx, b.CityID)
	if err != nil {
		return nil, err
	}
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
	a.Token = ""
	return &bot{network: n, bot: b, account: a, conn: conn, pace: n.pacers.Of(b.ID), log: log, city: city.Name, language: city.Language}, nil
}

// Address returns what the account is called and the link to it.
func (n *network) Address(ctx context.Context, _ report.City, b report.Bot) (text, url string, err error) {
	return n.accounts.Address(ctx, b.ID)
}

// Recipients returns the chats that have subscribed, but for the one that the
// report was written in, to whichever of the network's bots, and the author's own. One
// that is closed is tried now and then.
func (n *network) Recipients(ctx context.Context, b report.Bot, r report.Report) ([]int64, error) {
	ids, err := n.chats.List(ctx, b.ID, r)
	if err != nil {
		return nil, err
	}
	due, err := n.groups.due(ctx, b.ID, r, n.host.Now())
	if err != nil || len(due) == 0 {
		return ids, err
	}
	ids = append(ids, due...)
	slices.Sort(ids)
	return ids, nil
}

// RemoveRecipient forgets a chat.
func (n *network) RemoveRecipient(ctx context.Context, b report.Bot, recipient int64) error {
	return n.chats.Remove(ctx, b.ID, recipient)
}

// CountRecipients returns the number of chats that have subscribed.
func (n *network) CountRecipients(ctx context.Context, b report.Bot) (int, error) {
	return n.chats.Count(ctx, b.ID)
}

// Groups returns how many of the chats are groups, topics and channels.
func (n *network) Groups(ctx context.Context, b report.Bot, recipients []int64) (count int, err error) {
	groups, err := n.groups.ids(ctx, b.ID)
	for _, id := range recipients {
		if _, ok := slices.BinarySearch(groups, id); ok {
			count++
		}
	}
	return count, err
}

// SettingsRoutes adds the forms of the section.
func (n *network) SettingsRoutes(r chi.Router, site bots.Site) {
	n.pages.Routes(r, site)
	r.Post("/group", site.Handler((&groupForm{n, site}).handle))
	r.Post("/welcome", site.Handler((&welcomeForm{n, site}).handle))
	if router, ok := n.driver.(Router); ok {
		router.SettingsRoutes(r, site, n.pages)
	}
}

// PublicRoutes adds what the driver has: riders use the service itself.
func (n *network) PublicRoutes(r chi.Router, site bots.Site) {
	if router, ok := n.driver.(Router); ok {
		router.PublicRoutes(r, site)
	}
}

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

// Forget deletes what is stored of the bot, its subscribers among it.
func (n *network) Forget(ctx context.Context, b report.Bot) error {
	former, _ := n.accounts.Account(ctx, b.ID) // none, or one that cannot be read: nobody to tell
	err := n.host.DB.Write(ctx, func(tx *gorm.DB) error {
		for _, forget := range []func(*gorm.DB, int64) error{n.groups.forget, n.chats.Forget} {
			if err := forget(tx, b.ID); err != nil {
				return err
			}
		}
		if err := tx.Exec("DELETE FROM "+n.profiles()+" WHERE bot_id = ?", b.ID).Error; err != nil {
			return err
		}
		if err := tx.Exec("DELETE FROM "+n.welcomes()+" WHERE bot_id = ?", b.ID).Error; err != nil {
			return err
		}
		return n.accounts.Forget(tx, b)
	})
	if err != nil {
		return fmt.Errorf("forget %s bot: %w", n.Name, err)
	}
	n.pacers.Forget(b.ID)
	n.closings.forget(b.ID)
	if f, ok := n.driver.(Forgetter); ok && former.Token != "" {
		return f.Forget(ctx, former)
	}
	return nil
}

// Subscribers returns whom a bot sends to, for the operator.
func (n *network) Subscribers(ctx context.Context, b report.Bot, suspended bool) ([]bots.Subscriber, error) {
	return n.chats.Unnamed(ctx, b.ID, suspended)
}

// ResumeSubscriber has one be sent to again that is suspended.
func (n *network) ResumeSubscriber(ctx context.Context, b report.Bot, id int64) (bool, error) {
	return n.chats.Resume(ctx, b.ID, id)
}

// CountSuspended returns to how many nothing is sent.
func (n *network) CountSuspended(ctx context.Context) (int, error) {
	return n.chats.CountSuspended(ctx)
}
