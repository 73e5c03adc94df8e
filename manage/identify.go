package manage

import (
	"context"
	"encoding/json"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/moving"
)

// Bounds of asking the networks whose the accounts are that come from another program.
const (
	identifyWithin = 5 * time.Second
	identifyAtOnce = 256
)

// identified is a bot as its network knows it.
type identified struct {
	stored json.RawMessage
	err    error // why it is not known
}

// botKey names a bot of a source.
func botKey(city int64, b moving.Bot) string {
	return strconv.FormatInt(city, 10) + " " + b.Network + " " + strconv.FormatInt(b.ID, 10)
}

// identify asks the networks, side by side, whose the accounts are that have not come before.
func (m *Cities) identify(ctx context.Context, from moving.Source, installation db.Installation) (map[string]identified, error) {
	known, err := m.DB.ArrivedBots(ctx, installation)
	if err != nil {
		return nil, err
	}
	found, seen := map[string]identified{}, map[string]bool{}
	var mu sync.Mutex
	var group errgroup.Group
	group.SetLimit(identifyAtOnce)
	for _, c := range from.Cities {
		for _, b := range c.Bots {
			network, ok := m.movable(b.Network)
			identifier, can := network.(bots.Identifier)
			key := botKey(c.ID, b)
			if !ok || !can || b.Account == nil {
				continue
			}
			login := b.Network + " " + b.Account.Server + " " + b.Account.Token
			again := seen[login]
			seen[login] = true
			if again || known[key] { // to ask may disturb the bot that has it
				continue
			}
			group.Go(func() error {
				b.Recipients = nil // nobody is asked about them
				is := identifyOne(ctx, identifier, b)
				mu.Lock()
				defer mu.Unlock()
				found[key] = is
				return ctx.Err()
			})
		}
	}
	return found, group.Wait()
}

func identifyOne(ctx context.Context, by bots.Identifier, b moving.Bot) (is identified) {
	stored, err := b.Stored()
	if err != nil {
		return identified{err: err}
	}
	ctx, done := context.WithTimeout(ctx, identifyWithin)
	defer done()
	is.err = bots.Guard(func() (err error) {
		is.stored, err = by.Identify(ctx, stored)
		return err
	})
	return is
}
