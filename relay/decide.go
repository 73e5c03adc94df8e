package relay

import (
	"context"
	"errors"
	"fmt"

	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// LetThrough sends the chosen reports of a city on that are held, or the one that was
// refused and is Overrulable: a moderator wants it. passed is how many there were, late how
// many were too old by now and are refused. What fails, and what was not reached before
// ctx ended, is held as before.
func (rl *Relay) LetThrough(ctx context.Context, cityID int64, c db.Choice) (passed, late int, err error) {
	var last int64
	for {
		batch, err := rl.undecided(ctx, cityID, c, last)
		if err != nil || len(batch) == 0 {
			return passed, late, err
		}
		for _, h := range batch {
			v, err := rl.letThrough(ctx, h)
			if err != nil {
				return passed, late, fmt.Errorf("let a report through: %w", err)
			}
			switch {
			case v.Passed:
				passed++
			case v.Reason != "": // else somebody else was faster
				late++
			}
			last = h.Seq
		}
	}
}

// undecided returns the first of the chosen reports after seq.
func (rl *Relay) undecided(ctx context.Context, cityID int64, c db.Choice, seq int64) ([]db.Heard, error) {
	batch, err := rl.DB.Held(ctx, cityID, c, seq, batchSize)
	if err == nil && len(batch) == 0 && c.ReportID != "" && seq == 0 {
		return rl.DB.Overruled(ctx, cityID, c.ReportID)
	}
	return batch, err
}

// letThrough lets one report through and returns its verdict: none where it is not
// held any more.
func (rl *Relay) letThrough(ctx context.Context, h db.Heard) (report.Verdict, error) {
	r := db.Ruling{Heard: h, Verdict: report.Verdict{Reason: report.ReasonExpired}}
	if rl.Now().Sub(h.Report.Time) <= rl.Expire {
		c, err := rl.cities.get(ctx, h.Report.CityID)
		if errors.Is(err, db.ErrNotFound) {
			return report.Verdict{}, nil // the city was deleted, and its reports with it
		}
		if err == nil { // it may not have been read before, or by other places
			h.Report.Reading, err = rl.Places.readIn(ctx, h.Report.CityID, h.Report.Text)
		}
		h.Report.Ruled = report.Verdict{Passed: true, Reason: report.ReasonLetThrough}
		if err == nil {
			r.Audiences, err = rl.audiences(ctx, h.Report, c.bots)
		}
		if err != nil {
			return report.Verdict{}, err
		}
		r.Verdict = h.Report.Ruled
	}
	saved, err := rl.DB.Decide(ctx, r)
	if err == nil {
		rl.passOn([]db.Ruling{r}, []db.Saved{saved})
	}
	return saved.Verdict, err
}
