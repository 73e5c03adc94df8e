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
	posts, err := rl.posts(ctx, taken.Report)
	if err != nil {
		return err
	}
	if err := rl.Queue.PublishDeliveries(ctx, posts); err != nil {
		return err
	}
	rl.Notices.Passed(cityID)
	return nil
}

// posts returns what can be seen of a report on the networks, as deliveries that
// take it back.
func (rl *Relay) posts(ctx context.Context, r report.Report) ([]report.Delivery, error) {
	receipts, err := rl.DB.Receipts(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	own, err := rl.DB.CityBots(ctx, r.CityID)
	if err != nil {
		return nil, err
	}
	byID := make(map[int64]report.Bot, len(own))
	for _, b := range own {
		byID[b.ID] = b
	}
	var list []report.Delivery
	for _, s := range receipts {
		b, ok := byID[s.BotID]
		if !ok || s.Receipt.URL == "" {
			continue // sent to somebody in private: it cannot be called back
		}
		list = append(list, retraction(r, b, s))
	}
	return list, nil
}

// retraction is the delivery that takes back what was sent.
func retraction(r report.Report, b report.Bot, s db.SentReceipt) report.Delivery {
	d := report.NewDelivery(r, b, "")
	d.ID, d.Retract = s.DeliveryID, &s.Receipt
	return d
}
