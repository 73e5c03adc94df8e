package relay

import (
	"context"
	"fmt"
	"slices"

	"ticketfrei/bots"
	"ticketfrei/internal/queue"
	"ticketfrei/internal/report"
)

// fanOut puts a delivery for every recipient of the reports into the queue, and
// notes that it has.
func (rl *Relay) fanOut(ctx context.Context, passed []judged) error {
	if len(passed) == 0 {
		return nil
	}
	out := outgoing{queue: rl.Queue}
	ids := make([]string, len(passed))
	cities := make(map[int64]bool)
	for i, j := range passed {
		if err := rl.address(ctx, &out, j.Body, j.city.bots); err != nil {
			return err
		}
		ids[i] = j.Body.ID
		cities[j.Body.CityID] = true
	}
	if err := out.publish(ctx); err != nil {
		return err
	}
	if err := rl.DB.SetFannedOut(ctx, ids); err != nil {
		return err
	}
	for cityID := range cities {
		rl.Notices.Passed(cityID)
	}
	return nil
}

// audience is whom one bot sends a report to.
type audience struct {
	bot        report.Bot
	recipients []string
}

// address adds the deliveries of a report to out, those of bots with few
// recipients first.
func (rl *Relay) address(ctx context.Context, out *outgoing, r report.Report, cityBots []report.Bot) error {
	audiences := make([]audience, 0, len(cityBots))
	for _, b := range cityBots {
		recipients, err := rl.Recipients(ctx, b, r)
		if err != nil {
			return fmt.Errorf("list recipients of bot %d: %w", b.ID, err)
		}
		audiences = append(audiences, audience{b, recipients})
	}
	slices.SortStableFunc(audiences, func(a, b audience) int { return len(a.recipients) - len(b.recipients) })
	for _, a := range audiences {
		for _, recipient := range a.recipients {
			if err := out.add(ctx, report.NewDelivery(r, a.bot, recipient)); err != nil {
				return err
			}
		}
	}
	return nil
}

// Recipients returns whom a bot sends a report to: one empty recipient where it
// posts publicly.
func (rl *Relay) Recipients(ctx context.Context, b report.Bot, r report.Report) ([]string, error) {
	network, ok := rl.Networks[b.Network].(bots.Recipients)
	if !ok {
		return []string{""}, nil
	}
	return network.Recipients(ctx, b, r)
}

// publishAtOnce is how many deliveries are made before they are published: a
// report to many thousands is on its way before the last of them is made, and
// takes no more memory than one to so many.
const publishAtOnce = 1024

// outgoing are deliveries on their way into the queue.
type outgoing struct {
	queue *queue.Queue
	list  []report.Delivery
}

// add adds a delivery, after publishing those before it where they are many.
func (o *outgoing) add(ctx context.Context, d report.Delivery) error {
	if len(o.list) >= publishAtOnce {
		if err := o.publish(ctx); err != nil {
			return err
		}
	}
	o.list = append(o.list, d)
	return nil
}

// publish puts what was added into the queue.
func (o *outgoing) publish(ctx context.Context) error {
	err := o.queue.PublishDeliveries(ctx, o.list)
	o.list = o.list[:0]
	return err
}
