package db_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"gorm.io/gorm"

	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/report"
	"ticketfrei/internal/slow"
)

// mustTake has a member hold fanouts of a bot.
func (m *member) mustTake(t *testing.T, botID int64, limit int) []db.Fanout {
	t.Helper()
	list, err := m.db.TakeFanouts(t.Context(), m.db.Holder(), botID, time.Now(), limit)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// mustHold returns what a member holds.
func (m *member) mustHold(t *testing.T) []int64 {
	t.Helper()
	held, err := m.db.HeldFanouts(t.Context(), m.db.Holder())
	if err != nil {
		t.Fatal(err)
	}
	ids := make([]int64, 0, len(held))
	for id := range held {
		ids = append(ids, id)
	}
	return ids
}

// TestSpareFanouts has two processes hold what either may send of one report: nothing is
// held by both, what becomes of it is stored for its holder alone, and what somebody held
// who is gone is free.
func TestSpareFanouts(t *testing.T) {
	slow.Test(t, "processes look for each other twice a second")
	t.Parallel()
	at := mustHaveServer(t)
	one := mustJoin(t, at, "one")
	one.await(t, db.Shards)
	const rows = 12
	c := dbtest.MustCreateCity(t, one.db, "nuernberg", "mail")
	mine, err := one.db.CityBots(t.Context(), c.ID)
	if err != nil {
		t.Fatal(err)
	}
	b := mine[0]
	r := report.Report{ID: "r", CityID: c.ID, BotID: b.ID, Network: "mail", Text: "text", Time: time.Now().Add(-time.Hour), Received: time.Now()}
	saved := dbtest.MustJudge(t, one.db, dbtest.MustHear(t, one.db, r), passed, dbtest.NoBrake{},
		db.Audience{BotID: b.ID, Recipients: recipients(rows * db.FanoutSize), Spread: true})
	spare := slices.DeleteFunc(slices.Clone(saved.Fanouts), func(f db.Fanout) bool { return !f.Spare })
	own := dbtest.MustHaveOpen(t, one.db, b.ID, time.Now())
	if len(own) == 0 || len(spare) == 0 || len(own)+len(spare) != rows {
		t.Fatalf("%d of %d are the owner's, and %d anybody's", len(own), rows, len(spare))
	}

	two := mustJoin(t, at, "two")
	two.await(t, db.Shards/2)
	var taken [2][]db.Fanout
	dbtest.AtOnce(t, 2, func(i int) { taken[i] = []*member{one, two}[i].mustTake(t, b.ID, 3) })
	ids := make(map[int64]bool)
	for _, f := range slices.Concat(taken[0], taken[1], own) {
		if ids[f.ID] {
			t.Errorf("fanout %d is taken twice", f.ID)
		}
		ids[f.ID] = true
	}
	if len(taken[0]) != 3 || len(taken[1]) != 3 {
		t.Fatalf("one has taken %d, two %d", len(taken[0]), len(taken[1]))
	}

	// Whoever does not hold it changes nothing.
	nobody, foreign := "", taken[1][0]
	foreign.Holder = one.db.Holder()
	ended := taken[1][1]
	_, err = one.db.SaveOutcomes(t.Context(), []db.Outcome{{Fanout: &foreign}})
	if err == nil {
		_, err = two.db.SaveOutcomes(t.Context(), []db.Outcome{
			{Fanout: &ended, Counts: db.Counts{Sent: db.FanoutSize}}, // is done
			{Fanout: &taken[1][2], Open: 1, Holder: &nobody},         // is let go
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := two.mustHold(t); !slices.Equal(got, []int64{taken[1][0].ID}) {
		t.Errorf("two holds %v, want %v", got, taken[1][0].ID)
	}

	// What somebody holds does not expire at the owner.
	owner := one
	if two.db.Owns(c.ID) {
		owner = two
	}
	for more := true; more; {
		if _, more, err = owner.db.Expire(t.Context(), time.Minute, func(int64, int64) bool { return false }); err != nil {
			t.Fatal(err)
		}
	}
	if n := count(t, one.db); n != 4 {
		t.Errorf("%d are left, want the 4 that are held", n)
	}

	if bots, err := one.db.SpareBots(t.Context(), time.Now()); err != nil || len(bots) > 0 {
		t.Errorf("bots with something free: %v, %v", bots, err)
	}
	two.stop()
	if bots, err := one.db.SpareBots(t.Context(), time.Now()); err != nil || len(bots) != 1 {
		t.Errorf("bots with something free when two has stopped: %v, %v", bots, err)
	}
	if got := one.mustTake(t, b.ID, 100); len(got) != 1 || got[0].ID != taken[1][0].ID {
		t.Errorf("taken of what was two's: %v", got)
	}
}

func count(t *testing.T, d *db.DB) (n int) {
	t.Helper()
	if err := d.ReadRow(context.Background(), "SELECT count(*) FROM fanouts").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestSpareNeedsALease takes nothing for a process that is not there any more.
func TestSpareNeedsALease(t *testing.T) {
	t.Parallel()
	at := mustHaveServer(t)
	d := dbtest.MustOpenAt(t, at, time.Now, nil)
	err := d.Write(t.Context(), func(tx *gorm.DB) error {
		return tx.Exec("INSERT INTO fanouts (id, report, bot_id, kind, recipients, open, created, holder) VALUES (1, 1, 1, 'send', '\\x02', 1, 0, 'gone')").Error
	})
	if err != nil {
		t.Fatal(err)
	}
	if list, err := d.TakeFanouts(t.Context(), "late", 1, time.Now(), 1); err != nil || len(list) > 0 {
		t.Errorf("taken: %v, %v", list, err)
	}
}
