package relay

import (
	"context"
	"errors"

	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// judged is a report from the queue with the verdict of its city's rules.
type judged struct {
	queued
	verdict report.Verdict
	city    *city
}

// judgeAll judges reports by the rules of their cities. Those of a city that is
// gone leave the queue; one whose city cannot be read comes again later.
func (rl *Relay) judgeAll(ctx context.Context, batch []queued) []judged {
	list := make([]judged, 0, len(batch))
	for _, q := range batch {
		c, err := rl.cities.get(ctx, q.Body.CityID)
		switch {
		case errors.Is(err, db.ErrNotFound):
			q.Done() // the city was deleted
		case err != nil:
			rl.later(q, err)
		default:
			list = append(list, judged{q, rl.judge(q.Body, c), c})
		}
	}
	return list
}

// judge judges a report by the rules of its city. What its author said before is
// looked at when it is stored: see Brake.
func (rl *Relay) judge(r report.Report, c *city) report.Verdict {
	if rl.Now().Sub(r.Time) > rl.Expire {
		return report.Verdict{Reason: report.ReasonExpired}
	}
	return c.rules.Judge(r.Text)
}

// store stores reports with their verdicts, and returns those that passed and
// were not fanned out before.
func (rl *Relay) store(ctx context.Context, list []judged) (passed []judged, err error) {
	rows := make([]db.Judged, len(list))
	for i, j := range list {
		rows[i] = db.Judged{Report: j.Body, Verdict: j.verdict}
	}
	saved, err := rl.DB.SaveReports(ctx, rows, Brake{})
	if err != nil {
		return nil, err
	}
	seen := make(map[string]bool, len(saved))
	for i, s := range saved {
		r := rows[i].Report
		if seen[r.ID] {
			continue // the same came twice at the same time
		}
		seen[r.ID] = true
		rl.count(r, s.Verdict)
		if s.Verdict.Passed && !s.FannedOut {
			passed = append(passed, list[i])
		}
	}
	return passed, nil
}

func (rl *Relay) count(r report.Report, v report.Verdict) {
	rl.verdicts.WithLabelValues(r.Network, string(v.Reason)).Inc()
	rl.Log.Debug("report judged", "report", r.ID, "city", r.CityID, "passed", v.Passed, "reason", v.Reason)
}
