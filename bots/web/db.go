package web

import (
	"context"
	"slices"

	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/recipients"
	"ticketfrei/db"
	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"
)

// migrations is the numbered list of this network. Add to its end; never change what was
// released.
func migrations(*secret.Box) []*gormigrate.Migration {
	return []*gormigrate.Migration{
		{ID: "web_0001", Migrate: db.SQL(slices.Concat(recipients.Tables(Name), []string{
			// The cities of before have a page too.
			`INSERT INTO bots (city_id, network, enabled, state, updated)
				SELECT id, 'web', TRUE, 'starting', created FROM cities`,
		})...)},
		{ID: "web_0002", Migrate: db.SQL(wishTables...)},
		// Keys that browsers have subscribed with on other servers.
		{ID: "web_0003", Migrate: db.SQL(`CREATE TABLE web_signers (
			bot_id INTEGER PRIMARY KEY REFERENCES bots(id) ON DELETE CASCADE,
			key TEXT NOT NULL)`)},
	}
}

// Recipients returns the browsers that follow what a report is about, and are not to be
// left in peace at this hour.
func (n *Network) Recipients(ctx context.Context, b report.Bot, r report.Report) ([]int64, error) {
	ids, err := n.subscribers.List(ctx, b.ID, r)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	asleep, err := n.asleep(ctx, b)
	return slices.DeleteFunc(ids, func(id int64) bool { return asleep[id] }), err
}

// RemoveRecipient forgets a browser.
func (n *Network) RemoveRecipient(ctx context.Context, b report.Bot, recipient int64) error {
	return n.subscribers.Remove(ctx, b.ID, recipient)
}

// CountRecipients returns how many browsers follow the city.
func (n *Network) CountRecipients(ctx context.Context, b report.Bot) (int, error) {
	return n.subscribers.Count(ctx, b.ID)
}

// Forget forgets the browsers that follow the city.
func (n *Network) Forget(ctx context.Context, b report.Bot) error {
	return n.host.DB.Write(ctx, func(tx *gorm.DB) error { return n.subscribers.Forget(tx, b.ID) })
}

// Subscribers returns whom a bot sends to, for the operator.
func (n *Network) Subscribers(ctx context.Context, b report.Bot, suspended bool) ([]bots.Subscriber, error) {
	return n.subscribers.Unnamed(ctx, b.ID, suspended)
}

// ResumeSubscriber has one be sent to again that is suspended.
func (n *Network) ResumeSubscriber(ctx context.Context, b report.Bot, id int64) (bool, error) {
	return n.subscribers.Resume(ctx, b.ID, id)
}

// CountSuspended returns to how many nothing is sent.
func (n *Network) CountSuspended(ctx context.Context) (int, error) {
	return n.subscribers.CountSuspended(ctx)
}
