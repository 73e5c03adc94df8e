package relay

import (
	"context"

	"ticketfrei/internal/bus"
	"ticketfrei/internal/report"
)

// TakeBack hides a passed report of the city and takes back what can be seen
// of it on the networks, the latter when it cannot be undone any more. The error is
// db.ErrNotFound where there is none.
func (rl *Relay) TakeBack(ctx context.Context, cityID int64, reportID string) error {
	taken, err := rl.DB.Report(ctx, cityID, reportID)
	if err != nil {
		return err
	}
	if err := rl.DB.TakeBackFor(ctx, cityID, reportID, rl.Undo); err != nil {
		return err
	}
	rl.Outgoing.TakenBack(cityID, taken.Seq)
	rl.publishAs(bus.ReportTakenBack, &taken.Report, report.Verdict{Reason: report.ReasonTakenBack})
	rl.Notices.Passed(cityID)
	return nil
}

// PutBack undoes TakeBack: the report is shown again, and nobody gets it twice. The error
// is db.ErrNotFound where it is too late for that.
func (rl *Relay) PutBack(ctx context.Context, cityID int64, reportID string) error {
	open, err := rl.DB.PutBack(ctx, cityID, reportID)
	if err != nil {
		return err
	}
	rl.Outgoing.Send(open)
	rl.Notices.Passed(cityID)
	return nil
}
