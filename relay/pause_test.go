package relay_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/report"
	"ticketfrei/relay"
)

// mustBeEmpty checks that nothing of any report is left.
func mustBeEmpty(t *testing.T, d *db.DB) {
	t.Helper()
	for _, table := range []string{"reports", "fanouts", "outcomes", "receipts"} {
		var n int
		if err := d.ReadRow(t.Context(), "SELECT count(*) FROM "+table).Scan(&n); err != nil || n > 0 {
			t.Errorf("%d rows of %s are left, %v", n, table, err)
		}
	}
}

// mustSaySomething stores n reports of a city.
func mustSaySomething(t *testing.T, rl *relay.Relay, c report.City, n int) {
	t.Helper()
	for i := range n {
		mustHear(t, rl, c, fmt.Sprint(c.Slug, " said ", i))
	}
}

// TestPause stops a city while some of its reports are judged, held, being judged and
// waiting: nothing of them is sent or left, and nothing new is taken until it goes on.
func TestPause(t *testing.T) {
	t.Parallel()
	open := make(chan struct{})
	rl, out := newRelay(t, map[string]bots.Network{"crowd": crowd(100)})
	c := dbtest.MustCreateCity(t, rl.DB, "fuerth", "crowd")
	g := mustHold(t, rl, c, 5)
	before := out.mustWait(t, 2) // of the one that passed, to 100 recipients
	dbtest.MustSaveOutcomes(t, rl.DB, db.Outcome{Fanout: &before[0], Counts: db.Counts{Sent: 64}, Receipts: []db.SentReceipt{{Receipt: report.Receipt{ID: "7"}}}})
	rl.Networks["crowd"] = gate(open)
	mustSaySomething(t, rl, c, 3)
	stop := start(t, rl) // the first of them is being judged

	wiped, err := rl.Pause(t.Context(), c.ID)
	if err != nil || wiped != 9 {
		t.Errorf("%d reports wiped, %v, want 9", wiped, err)
	}
	if len(out.wiped) != 1 || out.wiped[0][0] != c.ID || out.wiped[0][1] < g.Newest+3 {
		t.Errorf("who sends was told of %v", out.wiped)
	}
	close(open)
	stop()
	mustBeEmpty(t, rl.DB)
	out.mustWait(t, 2)
	r := report.Report{ID: "new", CityID: c.ID, Network: "crowd", Text: "U1", Time: rl.Now(), Received: rl.Now()}
	if err := rl.DB.Hear(t.Context(), r); !errors.Is(err, db.ErrPaused) {
		t.Errorf("a report while it is stopped: %v", err)
	}
	mustLetThrough(t, rl, c, db.Choice{Until: g.Newest}, 0, 0)
	if again, err := rl.Pause(t.Context(), c.ID); err != nil || again != 0 {
		t.Errorf("stopped again: %d, %v", again, err)
	}
	if err := rl.Resume(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	if err := rl.DB.Hear(t.Context(), r); err != nil {
		t.Errorf("a report when it goes on: %v", err)
	}
	if err := rl.Resume(t.Context(), c.ID+1); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("no such city: %v", err)
	}
}

// TestPauseIsCutOff stops a city in a program that is killed before the reports are
// deleted: the next one goes on, and touches no other city.
func TestPauseIsCutOff(t *testing.T) {
	t.Parallel()
	rl, out := newRelay(t, nil)
	c := dbtest.MustCreateCity(t, rl.DB, "fuerth", "posts")
	other := dbtest.MustCreateCity(t, rl.DB, "bamberg", "posts")
	stop := start(t, rl)
	mustSaySomething(t, rl, c, 120)
	mustSaySomething(t, rl, other, 1)
	out.mustWait(t, 121)
	stop()
	if _, _, err := rl.DB.Pause(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	bots, err := rl.DB.BotsToSend(t.Context())
	if err != nil || len(bots) != 1 {
		t.Errorf("bots %v have something to send, %v, want that of the other city", bots, err)
	}
	next, nothing := newRelayOn(rl.DB, rl.Now(), nil)
	stop = start(t, next)
	if err := rl.DB.DeleteExpired(t.Context(), 100*time.Hour); err != nil {
		t.Fatal(err)
	}
	stop()
	left, err := db.ReadColumn[int64](t.Context(), rl.DB, "SELECT city_id FROM reports")
	if err != nil || !slices.Equal(left, []int64{other.ID}) {
		t.Errorf("reports of the cities %v are left, %v", left, err)
	}
	nothing.mustWait(t, 0)
}
