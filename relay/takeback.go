package relay

import (
	"context"

	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// TakeBack hides a passed report of the city and takes back what can be seen
// of it on the networks. The error is db.ErrNotFound where there is none.
func (rl *Relay) TakeBack(ctx context.Context, cityID int64, reportID string) error {
	taken, err := rl.DB.Report(ctx, cityID, reportID)
	if err != nil {
		return err
	}
	if err := rl.DB.TakeBack(ctx, cityID, reportID); err != nil {
		return err
	}
	if err := rl.retract(ctx, taken.Report); err != nil {
		return err
	}
	rl.Notices.Passed(cityID)
	return nil
}

// retract puts into the queue deliveries that take back what was sent of a
// report.
func (rl *Relay) retract(ctx context.Context, r report.Report) error {
	receipts, err := rl.DB.Receipts(ctx, r.ID)
	if err != nil {
		return err
	}
	own, err := rl.DB.CityBots(ctx, r.CityID)
	if err != nil {
		return err
	}
	byID := make(map[int64]report.Bot, len(own))
	for _, b := range own {
		byID[b.ID] = b
	}
	out := outgoing{queue: rl.Queue}
	for _, s := range receipts {
		b, ok := byID[s.BotID]
		if !ok || s.Receipt.ID == "" {
			continue // as a mail: nobody can call it back
		}
		if err := out.add(ctx, retraction(r, b, s)); err != nil {
			return err
		}
	}
	return out.publish(ctx)
}

// retraction is the delivery that takes back what was sent.
func retraction(r report.Report, b report.Bot, s db.SentReceipt) report.Delivery {
	d := report.NewDelivery(r, b, "")
	d.ID, d.Retract = s.DeliveryID, &s.Receipt
	return d
}
