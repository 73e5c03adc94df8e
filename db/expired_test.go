package db_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"

	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/report"
)

// TestCleaningAnywhere cleans a file, and a server: counts that are over, and on a server also
// what became of deliveries of a report that was deleted while they were stored.
func TestCleaningAnywhere(t *testing.T) {
	now := clock()
	d := dbtest.MustOpen(t, func() time.Time { return now }, nil)
	c := dbtest.MustCreateCity(t, d, "city", "toy")
	for range 3 {
		if _, err := d.Count(t.Context(), db.Limit{Key: "short", Max: 9, Within: time.Minute}, db.Limit{Key: "long", Max: 9, Within: time.Hour}); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range []string{"old", "new"} {
		h := dbtest.MustHear(t, d, newReport(c, id, "", id, now))
		dbtest.MustJudge(t, d, h, report.Verdict{Passed: true}, dbtest.NoBrake{})
		err := d.Write(t.Context(), func(tx *gorm.DB) error {
			err := tx.Exec("INSERT INTO receipts (report, bot_id, recipient, remote_id, url) VALUES (?, 1, 1, '7', '')", h.Seq).Error
			if err == nil {
				err = tx.Exec("INSERT INTO outcomes (report, bot_id, sent) VALUES (?, 1, 1)", h.Seq).Error
			}
			if err == nil && id == "old" && d.OnServer() {
				err = tx.Exec("DELETE FROM reports WHERE seq = ?", h.Seq).Error
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	now = now.Add(2 * time.Minute)
	if err := d.DeleteExpired(t.Context(), 24*time.Hour); err != nil {
		t.Fatal(err)
	}
	left := map[string]int{}
	for _, table := range []string{"limits", "receipts", "outcomes", "reports"} {
		var n int
		if err := d.ReadRow(t.Context(), "SELECT count(*) FROM "+table).Scan(&n); err != nil {
			t.Fatal(err)
		}
		left[table] = n
	}
	want := map[string]int{"limits": 3, "receipts": 2, "outcomes": 2, "reports": 2}
	if d.OnServer() {
		want = map[string]int{"limits": 3, "receipts": 1, "outcomes": 1, "reports": 1}
	}
	if diff := cmp.Diff(want, left); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
