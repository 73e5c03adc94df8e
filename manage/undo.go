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

// undone is what is kept of an act: what stood there before, and what did after it.
type undone struct {
	Before string
	After  Revision
}

// Undo puts back what stood there before an act, of a city. The error is db.ErrNotFound
// where it is too late, or was not done, and ErrConflict where somebody has changed it since.
func (m *Cities) Undo(ctx context.Context, cityID int64, act, subject string) error {
	if act == ActTakenBack {
		return m.did(ctx, cityID, actUndone, "", m.Relay.PutBack(ctx, cityID, subject))
	}
	kept, err := m.DB.TakeUndo(ctx, cityID, act, subject)
	if err != nil {
		return err
	}
	var u undone
	if err := json.Unmarshal([]byte(kept), &u); err != nil {
		return err
	}
	switch act {
	case ActRulesReset:
		var r Rules
		if err := json.Unmarshal([]byte(u.Before), &r); err != nil {
			return err
		}
		_, err = m.saveRules(ctx, cityID, u.After, actUndone, func(report.City) Rules { return r })
	case ActTextReset:
		_, err = m.DB.ChangeCity(ctx, cityID, func(c *report.City) error {
			err := u.After.of(revisionOf(c.Page))
			c.Page = u.Before
			return err
		})
		err = m.did(ctx, cityID, actUndone, "", err)
	case ActPlaces:
		err = m.did(ctx, cityID, actUndone, "", m.DB.ReplacePlaces(ctx, cityID, u.Before, func(stored string) error { return u.After.of(revisionOf(stored)) }))
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

// keep keeps what stood there before an act that was done, after which something else does.
func (m *Cities) keep(ctx context.Context, cityID int64, act, before string, after Revision) error {
	if m.Options.Undo <= 0 {
		return nil
	}
	kept, err := json.Marshal(undone{before, after})
	if err != nil {
		return err
	}
	return m.DB.KeepUndo(ctx, db.Undo{CityID: cityID, Act: act, Before: string(kept), For: m.Options.Undo})
}
