package relay

import (
	"context"
	"errors"
	"log/slog"

	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// judge reads a report and says what the rules of its city say of it, and whom it is sent
// to if it passes. What its author said before is looked at when the verdict is stored:
// see Brake.
func (rl *Relay) judge(ctx context.Context, h db.Heard) (db.Ruling, error) {
	r := db.Ruling{Heard: h}
	if rl.Now().Sub(h.Report.Time) > rl.Expire {
		r.Verdict.Reason = report.ReasonExpired
		return r, nil
	}
	c, err := rl.cities.get(ctx, h.Report.CityID)
	if errors.Is(err, db.ErrNotFound) {
		return r, nil // the city was deleted, and its reports with it
	}
	if err != nil {
		return r, err
	}
	if h.Report.Reading, err = rl.Places.readIn(ctx, h.Report.CityID, h.Report.Text); err != nil {
		return r, err
	}
	r.Verdict = h.Report.Admit(c.rules.Judge(h.Report.Text))
	if h.Report.Question && (r.Verdict.Passed || r.Verdict.Reason == report.ReasonNoTrigger) {
		r.Verdict = report.Verdict{Reason: report.ReasonQuestion}
	}
	r.Verdict, r.Approval = admit(h, r.Verdict), c.approval
	h.Report.Ruled = r.Verdict
	if h.Report.Visibility == report.Test {
		r.Verdict = r.Verdict.Test()
	}
	if r.Verdict.Passed {
		r.Audiences, err = rl.audiences(ctx, h.Report, c.bots)
	}
	return r, err
}

// admit returns the verdict on a report of which the rules say v: a task refuses what they
// would pass, and passes nothing.
func admit(h db.Heard, v report.Verdict) report.Verdict {
	if v.Passed && h.TaskRefusal != "" {
		return report.Verdict{Reason: report.ReasonTask, Detail: h.TaskRefusal}
	}
	return v
}

// count adds a verdict to the metric and to the log.
func (rl *Relay) count(r *report.Report, v report.Verdict) {
	rl.verdicts.WithLabelValues(r.Network, string(v.Reason)).Inc()
	if ctx := context.Background(); rl.Log.Enabled(ctx, slog.LevelDebug) {
		rl.Log.Debug("report judged", "report", r.ID, "city", rl.DB.Slug(ctx, r.CityID), "passed", v.Passed, "reason", v.Reason)
	}
}
