package relay

import (
	"context"
	"errors"
	"fmt"

	"ticketfrei/bots"
	"ticketfrei/censor"
	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// change follows what the author of a message has made of it since it was heard: it is
// judged again, or taken back. The brakes do not count it a second time. What a moderator
// has taken back or thrown away stays so.
func (h *Hearing) change(ctx context.Context, b report.Bot, in bots.Incoming) error {
	r := h.report(b, in)
	if in.Deleted {
		return h.DB.Withdraw(ctx, b.CityID, r.ID)
	}
	if known, err := h.DB.Knows(ctx, b.CityID, r.ID); err != nil || !known {
		return err // most are not: bots tell of all that they see
	}
	city, err := h.DB.City(ctx, b.CityID)
	if errors.Is(err, db.ErrNotFound) {
		return nil // the city was deleted, and its reports with it
	}
	if err != nil {
		return fmt.Errorf("judge an edit: %w", err)
	}
	rules, err := censor.Of(city)
	if err != nil {
		return err
	}
	wanted, q, err := h.Customs.sort(ctx, &r, in)
	if err != nil || !wanted {
		return err
	}
	if r.Reading, err = h.Places.readIn(ctx, b.CityID, r.Text); err != nil {
		return fmt.Errorf("read an edit: %w", err)
	}
	h.expect(r.ID, b, in, q) // where it was not passed on before
	v := r.Admit(rules.Judge(r.Text))
	if v, err = h.look(ctx, city, &r, v); err != nil {
		return err
	}
	return h.DB.Edit(ctx, db.Edit{Report: r, Verdict: v, Sameness: censor.Normalize(r.Text), Approval: city.Approval})
}

// look has the tasks of its city look at what a report says now, and returns the verdict
// on it.
func (h *Hearing) look(ctx context.Context, c report.City, r *report.Report, v report.Verdict) (report.Verdict, error) {
	if h.Tasks == nil || c.Tasks == "" {
		return v, nil
	}
	tasks, err := h.Tasks.of(ctx, c)
	if err != nil || len(tasks) == 0 {
		return v, err
	}
	batch := []db.Heard{{Report: r}}
	h.Tasks.look(ctx, &city{language: c.Language, tasks: tasks}, batch)
	return admit(batch[0], v), ctx.Err()
}

// rules returns the rules of a city.
func (h *Hearing) rules(ctx context.Context, cityID int64) (*censor.Rules, error) {
	city, err := h.DB.City(ctx, cityID)
	if err != nil {
		return nil, err
	}
	return censor.Of(city)
}

// changed tells the bots and the pages of what the author of a report has changed.
func (rl *Relay) changed(c db.Change) {
	if c.TakenBack {
		rl.Outgoing.TakenBack(c.CityID, c.Seq)
		rl.publishWithdrawn(c.Report)
	}
	rl.Outgoing.Send(c.Fanouts)
	rl.Notices.Passed(c.CityID)
}
