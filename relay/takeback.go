package relay

import (
	"context"

	"ticketfrei/internal/bus"
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
	rl.Outgoing.TakenBack(cityID, taken.Seq)
	rl.publishAs(bus.ReportTakenBack, &taken.Report, report.Verdict{Reason: report.ReasonTakenBack})
	rl.Notices.Passed(cityID)
	return nil
}
