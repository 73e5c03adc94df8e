package manage

import (
	"context"
	"encoding/json"
	"time"

	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// UndoFor is how long a moderator has to undo what is done without a question.
const UndoFor = 30 * time.Second

// What can be undone. The subject of ActTakenBack is the id of the report; the others have
// none.
const (
	ActTakenBack  = db.ActTakeBack
	ActRulesReset = "rules.reset"
	ActTextReset  = "text.reset"
	ActPlaces     = "places.saved"
	actUndone     = "act.undone"
)

// Undo puts back what stood there before an act, of a city. The error is db.ErrNotFound
// where it is too late, or was not done.
func (m *Cities) Undo(ctx context.Context, cityID int64, act, subject string) error {
	if act == ActTakenBack {
		return m.did(ctx, cityID, actUndone, "", m.Relay.PutBack(ctx, cityID, subject))
	}
	before, err := m.DB.TakeUndo(ctx, cityID, act, subject)
	if err != nil {
		return err
	}
	switch act {
	case ActRulesReset:
		var r Rules
		if err := json.Unmarshal([]byte(before), &r); err != nil {
			return err
		}
		_, err = m.saveRules(ctx, cityID, "", actUndone, func(report.City) Rules { return r })
	case ActTextReset:
		_, err = m.DB.ChangeCity(ctx, cityID, func(c *report.City) error {
			c.Page = before
			return nil
		})
		err = m.did(ctx, cityID, actUndone, "", err)
	case ActPlaces:
		err = m.did(ctx, cityID, actUndone, "", m.DB.ReplacePlaces(ctx, cityID, before, func(string) error { return nil }))
	default:
		err = db.ErrNotFound
	}
	return err
}

// Undoable reports whether an act can be undone now.
func (m *Cities) Undoable(ctx context.Context, cityID int64, act, subject string) (bool, error) {
	until, err := m.DB.Undoable(ctx, cityID, act, subject)
	return !until.IsZero(), err
}

// keep keeps what stood there before an act that was done.
func (m *Cities) keep(ctx context.Context, cityID int64, act, before string) error {
	if m.Options.Undo <= 0 {
		return nil
	}
	return m.DB.KeepUndo(ctx, db.Undo{CityID: cityID, Act: act, Before: before, For: m.Options.Undo})
}
