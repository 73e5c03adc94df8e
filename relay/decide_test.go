package relay_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/config"
	"ticketfrei/internal/report"
	"ticketfrei/relay"
)

// mustHold has a city take reports of which n are held, and returns their group.
func mustHold(t *testing.T, rl *relay.Relay, c report.City, n int) db.HeldGroup {
	t.Helper()
	rl.SetBrakes(config.Brakes{City: 1})
	rl.Expire = 100 * time.Hour
	stop := start(t, rl)
	if got, want := runs(mustTake(t, rl, c, forged(n+1, "", ""))), fmt.Sprintf("1 trigger, %d flood_city", n); got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	stop()
	groups := mustListHeld(t, rl.DB, c)
	if len(groups) != 1 || groups[0].Count != n || groups[0].Reason != report.ReasonFloodCity {
		t.Fatalf("held: %+v, want %d", groups, n)
	}
	return groups[0]
}

func mustListHeld(t *testing.T, d *db.DB, c report.City) []db.HeldGroup {
	t.Helper()
	groups, err := d.HeldGroups(t.Context(), c.ID)
	if err != nil {
		t.Fatal(err)
	}
	return groups
}

// mustLetThrough lets reports through and checks how many passed and were too late.
func mustLetThrough(t *testing.T, rl *relay.Relay, c report.City, choice db.Choice, passed, late int) {
	t.Helper()
	gotPassed, gotLate, err := rl.LetThrough(t.Context(), c.ID, choice)
	if err != nil || gotPassed != passed || gotLate != late {
		t.Errorf("%d let through and %d too late, want %d and %d, %v", gotPassed, gotLate, passed, late, err)
	}
}

// TestLetThrough lets what is held through: the group as the moderator saw it, in the
// order in which it came, and once.
func TestLetThrough(t *testing.T) {
	t.Parallel()
	rl, out := newRelay(t, nil)
	c := dbtest.MustCreateCity(t, rl.DB, "fuerth", "posts")
	other := dbtest.MustCreateCity(t, rl.DB, "bamberg", "posts")
	g := mustHold(t, rl, c, 150)
	seen := db.Choice{Reason: g.Reason, Until: g.Newest - 50} // 50 came after the page was shown
	mustLetThrough(t, rl, other, seen, 0, 0)
	mustLetThrough(t, rl, c, db.Choice{Reason: report.ReasonFlood, Until: g.Newest}, 0, 0)
	mustLetThrough(t, rl, c, seen, 100, 0)
	list := out.mustWait(t, 101)
	if !slices.IsSortedFunc(list, func(a, b db.Fanout) int { return int(a.Seq - b.Seq) }) {
		t.Error("they are not sent in the order in which they came")
	}
	mustLetThrough(t, rl, c, seen, 0, 0) // pressed twice
	one := "fuerth 101"
	mustLetThrough(t, rl, c, db.Choice{ReportID: one}, 1, 0)
	j, err := rl.DB.Report(t.Context(), c.ID, one)
	if err != nil || !j.Verdict.Passed || j.Verdict.Reason != report.ReasonLetThrough {
		t.Errorf("the one that was let through: %+v, %v", j, err)
	}
	if groups := mustListHeld(t, rl.DB, c); len(groups) != 1 || groups[0].Count != 49 {
		t.Errorf("still held: %+v, want 49", groups)
	}
	out.mustWait(t, 102)
}

// TestLetThroughTooLate lets reports through that are too old by then.
func TestLetThroughTooLate(t *testing.T) {
	t.Parallel()
	rl, out := newRelay(t, nil)
	c := dbtest.MustCreateCity(t, rl.DB, "fuerth", "posts")
	g := mustHold(t, rl, c, 3) // written 45, 60 and 75 minutes before now
	rl.Expire = 50 * time.Minute
	mustLetThrough(t, rl, c, db.Choice{Until: g.Newest}, 1, 2)
	out.mustWait(t, 2)
	refused, err := rl.DB.Reports(t.Context(), c.ID, false, 100*time.Hour, 10)
	if err != nil || len(refused) != 2 || refused[0].Verdict.Reason != report.ReasonExpired || refused[0].Held {
		t.Errorf("the others: %+v, %v, want two that are too old", refused, err)
	}
}

// TestThrowAway throws away what is held, while another moderator lets it through.
func TestThrowAway(t *testing.T) {
	t.Parallel()
	rl, out := newRelay(t, nil)
	c := dbtest.MustCreateCity(t, rl.DB, "fuerth", "posts")
	g := mustHold(t, rl, c, 250)
	choice := db.Choice{Reason: g.Reason, Until: g.Newest}
	thrown := make(chan int, 1)
	go func() {
		n, err := rl.DB.ThrowAway(t.Context(), c.ID, choice)
		if err != nil {
			t.Error(err)
		}
		thrown <- n
	}()
	passed, late, err := rl.LetThrough(t.Context(), c.ID, choice)
	if n := <-thrown; err != nil || late != 0 || n+passed != 250 {
		t.Errorf("%d thrown away, %d let through, %d too late, %v, want 250 in all", n, passed, late, err)
	}
	out.mustWait(t, 1+passed)
	if groups := mustListHeld(t, rl.DB, c); len(groups) != 0 {
		t.Errorf("still held: %+v", groups)
	}
	if n, err := rl.DB.ThrowAway(t.Context(), c.ID, choice); n != 0 || err != nil {
		t.Errorf("the second time: %d, %v", n, err)
	}
}
