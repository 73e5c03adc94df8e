package manage

import (
	"context"
	"fmt"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// Recipient is whom a bot sends to, as the operator sees them.
type Recipient struct {
	bots.Subscriber
	Bot  report.Bot
	City report.City
}

// Recipients returns whom the bots of a city send to, of those networks that can list them; of
// all networks where network is empty, and of all cities where slug is. suspended: only those
// to whom nothing is sent. A city that is not there is db.ErrNotFound.
func (m *Cities) Recipients(ctx context.Context, slug, network string, suspended bool) ([]Recipient, error) {
	list, err := m.EveryBot(ctx, BotFilter{City: slug, Network: network})
	if err != nil {
		return nil, err
	}
	var all []Recipient
	for _, b := range list {
		lister, ok := m.lister(b.Network)
		if !ok {
			continue
		}
		some, err := lister.Subscribers(ctx, b.Bot, suspended)
		if err != nil {
			return nil, err
		}
		for _, one := range some {
			all = append(all, Recipient{one, b.Bot, b.City})
		}
	}
	return all, nil
}

// lister is a network where it can list whom its bots send to.
func (m *Cities) lister(network string) (bots.SubscriberLister, bool) {
	n, err := m.Network(network)
	if err != nil {
		return nil, false
	}
	lister, ok := n.Network.(bots.SubscriberLister)
	return lister, ok
}

// ResumeRecipient has a recipient of a bot be sent to again that is suspended. The error is
// db.ErrNotFound where there is none, or it is not.
func (m *Cities) ResumeRecipient(ctx context.Context, botID, id int64) error {
	b, err := m.DB.Bot(ctx, botID)
	if err != nil {
		return err
	}
	lister, ok := m.lister(b.Network)
	if !ok {
		return fmt.Errorf("recipients of %s: %w", b.Network, db.ErrNotFound)
	}
	resumed, err := lister.ResumeSubscriber(ctx, b, id)
	if err == nil && !resumed {
		err = fmt.Errorf("suspended recipient: %w", db.ErrNotFound)
	}
	if err != nil {
		return err
	}
	m.acted(ctx, b.CityID, "subscriber.resumed", b.Network)
	return nil
}

// SuspendedRecipients returns to how many nothing is sent, by network.
func (m *Cities) SuspendedRecipients(ctx context.Context) (map[string]int, error) {
	counts := make(map[string]int)
	for _, n := range m.Networks {
		lister, ok := n.Network.(bots.SubscriberLister)
		if !ok {
			continue
		}
		count, err := lister.CountSuspended(ctx)
		if err != nil {
			return nil, err
		}
		counts[n.Name] = count
	}
	return counts, nil
}
