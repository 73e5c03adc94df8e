package relay

import (
	"context"
	"fmt"
	"slices"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// audiences returns whom the bots of its city send a report to, those with few
// recipients first.
func (rl *Relay) audiences(ctx context.Context, r *report.Report, cityBots []report.Bot) ([]db.Audience, error) {
	list := make([]db.Audience, 0, len(cityBots))
	for _, b := range cityBots {
		recipients, err := rl.Recipients(ctx, b, *r)
		if err != nil {
			return nil, fmt.Errorf("list recipients of bot %d: %w", b.ID, err)
		}
		list = append(list, db.Audience{BotID: b.ID, Recipients: recipients, Spread: bots.Spreads(rl.Networks[b.Network])})
	}
	slices.SortStableFunc(list, func(a, b db.Audience) int { return len(a.Recipients) - len(b.Recipients) })
	return list, nil
}

// Recipients returns whom a bot sends a report to: 0 alone where it posts
// publicly.
func (rl *Relay) Recipients(ctx context.Context, b report.Bot, r report.Report) ([]int64, error) {
	network, ok := rl.Networks[b.Network].(bots.Recipients)
	if !ok {
		return []int64{0}, nil
	}
	return network.Recipients(ctx, b, r)
}
