package mail

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"strings"

	"ticketfrei/db"
)

// takeComplaint ends the subscriptions that a complaint (RFC 5965) is about: whoever
// presses "this is spam" does not want the mails. Each is named by what only our mail
// to them holds: the address for its bounces, or the link by which it ends.
func (n *Network) takeComplaint(ctx context.Context, about []string) error {
	for _, named := range about {
		botID, id, err := n.complainant(ctx, named)
		if err != nil {
			return err
		}
		if id == 0 {
			continue
		}
		if err := n.subscribers.Remove(ctx, botID, id); err != nil {
			return err
		}
		n.host.Log.Info("mail: a subscription has ended because of a complaint")
	}
	return nil
}

// complainant returns the subscriber that is named by one of our links or addresses; 0
// where it is none.
func (n *Network) complainant(ctx context.Context, named string) (botID, id int64, err error) {
	if strings.Contains(named, "://") {
		return n.byLink(ctx, named)
	}
	t, err := n.resolve(ctx, named)
	if isRefusal(err) {
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, err
	}
	return t.bot.ID, cmp.Or(t.bounceOf, t.endOf), nil
}

// byLink returns the subscriber of a link to unsubscribe.
func (n *Network) byLink(ctx context.Context, link string) (botID, id int64, err error) {
	u, err := url.Parse(link)
	if err != nil {
		return 0, 0, nil
	}
	parts := strings.Split(strings.Trim(u.Path, "/"), "/") // city/<slug>/mail/unsubscribe/<token>
	if len(parts) < 5 || parts[len(parts)-2] != "unsubscribe" {
		return 0, 0, nil
	}
	city, bot, err := n.cities.find(ctx, parts[len(parts)-4])
	if errors.Is(err, db.ErrNotFound) {
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, err
	}
	email, err := n.open(ctx, purposeUnsubscribe, city, bot, parts[len(parts)-1])
	if err != nil {
		return 0, 0, nil // it is no link of ours
	}
	s, err := n.subscribers.Find(ctx, bot.ID, email)
	if errors.Is(err, db.ErrNotFound) {
		return 0, 0, nil
	}
	return bot.ID, s.ID, err
}
