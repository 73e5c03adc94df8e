package manage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/report"
)

const (
	// askTimeout bounds how long a network may take to say something about a bot.
	askTimeout = 3 * time.Second
	// forgetTimeout bounds how long a network may take to forget a bot.
	forgetTimeout = 15 * time.Second
)

// ErrAlways is the answer to disconnecting a bot of a network that every city has: it can
// be switched off.
var ErrAlways = errors.New("every city has a bot of this network: it can be switched off, and not disconnected")

// ForgetError is a network that did not forget a bot. The bot is switched off, and there.
type ForgetError struct {
	Network string
	Err     error
}

func (e *ForgetError) Error() string { return e.Network + " did not forget a bot: " + e.Err.Error() }

func (e *ForgetError) Unwrap() error { return e.Err }

// Bot is a bot of a city as its moderators see it.
type Bot struct {
	report.Bot
	Address    string // where people write to; empty where there is none
	URL        string // of Address
	Recipients int    // how many people it sends to; -1: not known, none, or whoever reads what it posts
}

// Bots returns the bots of a city. What a network cannot say at the moment is left out.
func (m *Cities) Bots(ctx context.Context, c report.City) ([]Bot, error) {
	list, err := m.DB.CityBots(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	all := make([]Bot, len(list))
	for i, b := range list {
		all[i] = m.Described(ctx, c, b)
	}
	return all, nil
}

// Described returns what there is to know of a bot.
func (m *Cities) Described(ctx context.Context, c report.City, b report.Bot) Bot {
	d := Bot{Bot: b, Recipients: -1}
	n, err := m.Network(b.Network)
	if err != nil { // its program was taken away: what it was before it was is of no use
		d.State, d.LastError, d.ErrorAt = report.BotTrouble, "this server does not have the network "+b.Network+": the operator has taken it away", time.Time{}
		return d
	}
	if c.Off() { // what it was before it was is of no use
		d.State, d.LastError, d.ErrorAt = report.BotOff, "", time.Time{}
	}
	ctx, done := context.WithTimeout(ctx, askTimeout)
	defer done()
	err = errors.Join(
		bots.Guard(func() error {
			if n.NoSubscribers {
				return nil
			}
			count, err := n.CountRecipients(ctx, b)
			if err == nil {
				d.Recipients = count
			}
			return err
		}),
		bots.Guard(func() (err error) {
			d.Address, d.URL, err = n.Address(ctx, c, b)
			return err
		}))
	if err != nil {
		m.Log.Warn("a network cannot say how a bot is doing", "network", n.Name, "bot", b.ID, "err", err)
	}
	return d
}

// CountRecipients returns how many a bot sends to, people or not; -1 where it posts publicly.
func (n Network) CountRecipients(ctx context.Context, b report.Bot) (int, error) {
	rec, ok := n.Network.(bots.Recipients)
	if !ok {
		return -1, nil
	}
	return rec.CountRecipients(ctx, b)
}

// Address returns where people write to a bot; empty where there is no address.
func (n Network) Address(ctx context.Context, c report.City, b report.Bot) (text, url string, err error) {
	addressed, ok := n.Network.(bots.Addressed)
	if !ok {
		return "", "", nil
	}
	text, url, err = addressed.Address(ctx, c, b)
	if errors.Is(err, db.ErrNotFound) {
		err = nil
	}
	return text, url, err
}

// Subscribers returns how many people the bots of a city send to, by network.
func (m *Cities) Subscribers(ctx context.Context, c report.City) (map[string]int, error) {
	list, err := m.Bots(ctx, c)
	counts := map[string]int{}
	for _, b := range list {
		if b.Recipients >= 0 {
			counts[b.Network] += b.Recipients
		}
	}
	return counts, err
}

// Bot returns the bot of a city with that id and its network. The error is db.ErrNotFound
// where there is none, also where this program does not have its network.
func (m *Cities) Bot(ctx context.Context, cityID, botID int64) (Network, report.Bot, error) {
	b, err := m.DB.Bot(ctx, botID)
	if err == nil && b.CityID != cityID {
		err = fmt.Errorf("bot: %w", db.ErrNotFound)
	}
	if err != nil {
		return Network{}, report.Bot{}, err
	}
	n, err := m.Network(b.Network)
	return n, b, err
}

// Enable switches a bot on or off.
func (m *Cities) Enable(ctx context.Context, b report.Bot, on bool) error {
	act := "bot.disabled"
	if on {
		act = "bot.enabled"
	}
	now, err := m.DB.Bot(ctx, b.ID)
	if err == nil {
		err = m.DB.EnableBot(ctx, b.ID, on)
	}
	if err != nil || now.Enabled == on {
		return m.changed(b.CityID, err)
	}
	return m.did(ctx, b.CityID, act, b.Network, nil)
}

// Disconnect deletes a bot, with all that is stored of it. The error is ErrAlways, or a
// *ForgetError: then the bot is there, and switched off.
func (m *Cities) Disconnect(ctx context.Context, b report.Bot) error {
	n, err := m.Network(b.Network)
	if err != nil {
		return err
	}
	if n.Everywhere {
		return ErrAlways
	}
	if err := m.forget(ctx, n, b); err != nil {
		return err
	}
	err = m.DB.DeleteBot(ctx, b.ID)
	if errors.Is(err, db.ErrNotFound) { // somebody else has disconnected it a moment ago
		err = nil
	}
	return m.did(ctx, b.CityID, "bot.disconnected", b.Network, err)
}

// forget switches the bot off and makes the network delete what it stores about
// it. The bot is switched off first: if the network fails half way, the bot
// must not go on with what is left.
func (m *Cities) forget(ctx context.Context, n Network, b report.Bot) error {
	if err := m.changed(b.CityID, m.DB.EnableBot(ctx, b.ID, false)); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, forgetTimeout)
	defer cancel()
	if err := bots.Guard(func() error { return n.Network.Forget(ctx, b) }); err != nil {
		return &ForgetError{n.Name, err}
	}
	return nil
}
