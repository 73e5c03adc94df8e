package db

import (
	"context"
	"encoding/json"
	"fmt"
	"math/bits"
	"time"

	"gorm.io/gorm"

	"ticketfrei/internal/report"
)

// ActTakeBack is the act of an Undo that puts a report back; its subject is the report's id.
const ActTakeBack = "report.taken_back"

// takenReport is what is kept of a report that is taken back: its verdict as it was stored, and
// to whom it had not been sent yet.
type takenReport struct {
	Reason, Detail string
	Open           []Audience
}

// keepTaken keeps what PutBack needs.
func (d *DB) keepTaken(tx *gorm.DB, h Heard, undo time.Duration) error {
	var t takenReport
	if err := queryRow(tx, "SELECT reason, detail FROM reports WHERE seq = ?", h.Seq).Scan(&t.Reason, &t.Detail); err != nil {
		return err
	}
	var rows []struct {
		BotID      int64
		Recipients []byte
		Open       int64
	}
	err := tx.Raw("SELECT bot_id, recipients, open FROM fanouts WHERE report = ? AND kind = ? ORDER BY id", h.Seq, kindSend).Scan(&rows).Error
	if err != nil {
		return err
	}
	for _, r := range rows {
		ids, err := unpackIDs(r.Recipients)
		if err != nil {
			return err
		}
		a := Audience{BotID: r.BotID}
		for open := uint64(r.Open); open != 0; open &= open - 1 {
			if i := bits.TrailingZeros64(open); i < len(ids) {
				a.Recipients = append(a.Recipients, ids[i])
			}
		}
		t.Open = append(t.Open, a)
	}
	before, err := json.Marshal(t)
	if err != nil {
		return err
	}
	return d.keepUndo(tx, Undo{CityID: h.Report.CityID, Act: ActTakeBack, Subject: h.Report.ID, Before: string(before), For: undo})
}

// PutBack undoes TakeBackFor: the report is shown again, what was sent of it stays, and
// what had not been sent yet is what it returns. The error is ErrNotFound where that cannot
// be undone, or not any more.
func (d *DB) PutBack(ctx context.Context, cityID int64, id string) ([]Fanout, error) {
	var list []Fanout
	err := d.Write(ctx, func(tx *gorm.DB) (err error) {
		list, err = d.putBack(tx, cityID, id)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("put back report: %w", err)
	}
	return list, nil
}

func (d *DB) putBack(tx *gorm.DB, cityID int64, id string) ([]Fanout, error) {
	before, err := d.takeUndo(tx, cityID, ActTakeBack, id)
	if err != nil {
		return nil, err
	}
	var t takenReport
	if err := json.Unmarshal([]byte(before), &t); err != nil {
		return nil, err
	}
	h := Heard{Report: new(report.Report)}
	row := queryRow(tx, "SELECT "+reportColumns+" FROM reports AS r WHERE r.id = ? AND r.city_id = ? AND r.reason = ?", id, cityID, string(report.ReasonTakenBack))
	if err := d.scanReport(row, &h.Seq, h.Report); err != nil {
		return nil, notFound(err)
	}
	if h.Report.Text == "" { // its author has deleted it meanwhile
		return nil, ErrNotFound
	}
	if err := oneRow(tx.Exec("UPDATE reports SET passed = TRUE, reason = ?, detail = ? WHERE seq = ? AND passed = FALSE", t.Reason, t.Detail, h.Seq)); err != nil {
		return nil, err
	}
	if _, err := Exec(tx, "DELETE FROM fanouts WHERE report = ? AND kind = ?", h.Seq, kindRetract); err != nil {
		return nil, err
	}
	return d.fanOut(tx, Ruling{Heard: h, Audiences: t.Open})
}
