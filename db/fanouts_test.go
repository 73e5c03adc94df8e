package db_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/report"
)

var passed = report.Verdict{Passed: true, Reason: report.ReasonTrigger, Detail: "u1"}

// mustPass stores a report that passed and is sent to the audiences.
func mustPass(t *testing.T, d *db.DB, r report.Report, audiences ...db.Audience) db.Saved {
	t.Helper()
	saved := dbtest.MustJudge(t, d, dbtest.MustHear(t, d, r), passed, dbtest.NoBrake{}, audiences...)
	if !saved.Judged || !saved.Verdict.Passed {
		t.Fatalf("report %s: %+v", r.ID, saved)
	}
	return saved
}

// recipients returns the ids from 1 to n.
func recipients(n int) []int64 {
	list := make([]int64, n)
	for i := range list {
		list[i] = int64(i + 1)
	}
	return list
}

// TestFanoutsHoldTheirRecipients has the database give back what it was given.
func TestFanoutsHoldTheirRecipients(t *testing.T) {
	unsorted := recipients(200)
	rand.Shuffle(len(unsorted), func(i, j int) { unsorted[i], unsorted[j] = unsorted[j], unsorted[i] })
	for name, list := range map[string][]int64{
		"nobody": nil, "everybody": {0}, "one": {17}, "a row": recipients(64), "and one": recipients(65), "many": recipients(10_000),
		"in no order": unsorted, "far apart": {math.MaxInt64, 1, math.MaxInt64 - 1, 2},
	} {
		t.Run(name, func(t *testing.T) {
			d := dbtest.MustOpen(t, clock, nil)
			c := dbtest.MustCreateCity(t, d, "city", "mail")
			r := newReport(c, "1", "a", "text", noon)
			saved := mustPass(t, d, r, db.Audience{BotID: 1, Recipients: list})
			open := dbtest.MustHaveOpen(t, d, 1, noon)
			if diff := cmp.Diff(saved.Fanouts, open, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("what is open is not what was handed over: %s", diff)
			}
			var got []int64
			for _, f := range open {
				if f.OpenCount() != len(f.Recipients) || len(f.Recipients) > db.FanoutSize {
					t.Errorf("%d of %d recipients are open", f.OpenCount(), len(f.Recipients))
				}
				if diff := cmp.Diff(&r, f.Report); diff != "" {
					t.Errorf("its report: %s", diff)
				}
				got = append(got, f.Recipients...)
			}
			if !slices.Equal(got, list) {
				t.Errorf("%d recipients, not those %d that were given", len(got), len(list))
			}
		})
	}
}

// FuzzPackIDs packs any ids and unpacks any bytes.
func FuzzPackIDs(f *testing.F) {
	f.Add([]byte{2, 2, 2}, int64(1), int64(2), int64(3))
	f.Add([]byte{}, int64(math.MinInt64), int64(math.MaxInt64), int64(0))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}, int64(3), int64(2), int64(1))
	f.Fuzz(func(t *testing.T, packed []byte, a, b, c int64) {
		ids := []int64{a, b, c}
		if got, err := db.UnpackIDs(db.PackIDs(ids)); err != nil || !slices.Equal(got, ids) {
			t.Errorf("%v became %v, %v", ids, got, err)
		}
		got, err := db.UnpackIDs(packed)
		if len(got) > db.FanoutSize {
			t.Errorf("%d ids out of %x", len(got), packed)
		}
		if err != nil {
			return
		}
		if again, err := db.UnpackIDs(db.PackIDs(got)); err != nil || !slices.Equal(again, got) {
			t.Errorf("%v became %v, %v", got, again, err)
		}
	})
}

// TestOpenFanoutsInTurn has three reports in the database: the first fanout of
// each comes before the second of any.
func TestOpenFanoutsInTurn(t *testing.T) {
	d := dbtest.MustOpen(t, clock, nil)
	c := dbtest.MustCreateCity(t, d, "city", "mail", "toy")
	for id, rows := range []int{3, 1, 2} {
		r := newReport(c, fmt.Sprint(id), "a", "text", noon)
		mustPass(t, d, r, db.Audience{BotID: 1, Recipients: recipients(rows * db.FanoutSize)}, db.Audience{BotID: 2, Recipients: []int64{0}})
	}
	names := func(list []db.Fanout) (names []string) {
		for _, f := range list {
			names = append(names, fmt.Sprint(f.Report.ID, ":", f.Recipients[0]/db.FanoutSize))
		}
		return names
	}
	all := dbtest.MustHaveOpen(t, d, 1, noon)
	if diff := cmp.Diff([]string{"0:0", "1:0", "2:0", "0:1", "2:1", "0:2"}, names(all)); diff != "" {
		t.Error(diff)
	}
	if all[0].Report != all[3].Report {
		t.Error("two fanouts of a report have it twice in memory")
	}
	known := map[int64]bool{all[0].ID: true, all[2].ID: true}
	for _, tt := range []struct {
		limit int
		want  []string
		more  bool
	}{
		{2, []string{"1:0"}, true},
		{4, []string{"1:0", "0:1"}, true},
		{6, []string{"1:0", "0:1", "2:1", "0:2"}, true}, // nothing else was looked for
		{7, []string{"1:0", "0:1", "2:1", "0:2"}, false},
	} {
		list, more, next, err := d.OpenFanouts(t.Context(), 1, noon, tt.limit, func(id int64) bool { return known[id] })
		if err != nil || more != tt.more || !next.IsZero() {
			t.Errorf("limit %d: more %v, next %v, %v", tt.limit, more, next, err)
		}
		if diff := cmp.Diff(tt.want, names(list)); diff != "" {
			t.Errorf("limit %d: %s", tt.limit, diff)
		}
	}
	bots, err := d.BotsToSend(t.Context())
	if slices.Sort(bots); err != nil || !slices.Equal(bots, []int64{1, 2}) {
		t.Errorf("bots that have something to send: %v, %v", bots, err)
	}
}

// TestFanoutsToTry asks for one fanout after the other: reports take turns, the newest
// first.
func TestFanoutsToTry(t *testing.T) {
	d := dbtest.MustOpen(t, clock, nil)
	c := dbtest.MustCreateCity(t, d, "city", "mail", "toy")
	for id := range 3 {
		mustPass(t, d, newReport(c, fmt.Sprint(id), "a", "text", noon), db.Audience{BotID: 1, Recipients: recipients(2 * db.FanoutSize)})
	}
	var order []string
	var last int64
	known := int64(0)
	for range 5 {
		list, err := d.FanoutsToTry(t.Context(), 1, noon, last, 2, func(id int64) bool { return id == known })
		if err != nil || len(list) == 0 {
			t.Fatal(list, err)
		}
		last = list[0].Seq
		if known == 0 {
			known = list[0].ID // it hangs
		}
		order = append(order, fmt.Sprint(list[0].Report.ID, ":", list[0].Recipients[0]/db.FanoutSize))
	}
	if diff := cmp.Diff([]string{"2:0", "1:0", "0:0", "2:1", "1:0"}, order); diff != "" {
		t.Error(diff)
	}
	if list, err := d.FanoutsToTry(t.Context(), 9, noon, 0, 2, func(int64) bool { return false }); err != nil || len(list) != 0 {
		t.Errorf("of another bot: %v, %v", list, err)
	}
}

// TestOpenFanoutsWhenDue puts fanouts off: one by a clock that was wrong.
func TestOpenFanoutsWhenDue(t *testing.T) {
	d := dbtest.MustOpen(t, clock, nil)
	c := dbtest.MustCreateCity(t, d, "city", "mail")
	dues := map[string]time.Time{"now": {}, "soon": noon.Add(time.Minute), "later": noon.Add(10 * time.Minute), "clock": noon.AddDate(20, 0, 0)}
	for id, due := range dues {
		f := mustPass(t, d, newReport(c, id, id, "text", noon), db.Audience{BotID: 1, Recipients: recipients(3)}).Fanouts[0]
		if !due.IsZero() {
			dbtest.MustSaveOutcomes(t, d, db.Outcome{Fanout: &f, Open: 0b101, Attempts: 2, Due: due})
		}
	}
	for _, tt := range []struct {
		now  time.Time
		want []string
		next time.Time
	}{
		{noon, []string{"clock", "now"}, dues["soon"]},
		{noon.Add(-time.Millisecond), []string{"clock", "now"}, dues["soon"]},
		{dues["soon"], []string{"clock", "now", "soon"}, dues["later"]},
		{dues["later"], []string{"clock", "later", "now", "soon"}, time.Time{}},
		{noon.AddDate(-20, 0, 0), []string{"clock", "later", "now", "soon"}, time.Time{}},
	} {
		list, more, next, err := d.OpenFanouts(t.Context(), 1, tt.now, 10, func(int64) bool { return false })
		if err != nil || more || !next.Equal(tt.next) {
			t.Errorf("at %v: more %v, next %v, want %v, %v", tt.now, more, next, tt.next, err)
		}
		var got []string
		for _, f := range list {
			got = append(got, f.Report.ID)
			if due := dues[f.Report.ID]; !f.Due.Equal(due) || !due.IsZero() && (f.Open != 0b101 || f.Attempts != 2) {
				t.Errorf("at %v: %s: open %b, %d attempts, due %v", tt.now, f.Report.ID, f.Open, f.Attempts, f.Due)
			}
		}
		slices.Sort(got)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("at %v: %s", tt.now, diff)
		}
	}
}

func TestWaiting(t *testing.T) {
	now := noon
	d := dbtest.MustOpen(t, func() time.Time { return now }, nil)
	mustWait := func(want ...db.Waiting) {
		t.Helper()
		got, err := d.Waiting(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	mustWait(db.Waiting{Kind: "reports"}, db.Waiting{Kind: "deliveries"}, db.Waiting{Kind: "mails"})
	c := dbtest.MustCreateCity(t, d, "city", "mail")
	for i := range 2 {
		mustPass(t, d, newReport(c, fmt.Sprint("passed", i), "a", "text", now), db.Audience{BotID: 1, Recipients: recipients(65)})
		if err := d.AddMail(t.Context(), "mail"); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Minute)
	}
	for i := range 3 {
		dbtest.MustHear(t, d, newReport(c, fmt.Sprint("heard", i), "a", "text", now))
		now = now.Add(time.Minute)
	}
	mustWait(db.Waiting{Kind: "reports", Count: 3, Oldest: noon.Add(2 * time.Minute)}, db.Waiting{Kind: "deliveries", Count: 4, Oldest: noon},
		db.Waiting{Kind: "mails", Count: 2, Oldest: noon})
}

// TestMakeDue has what was put off be due at once, of the bots that are named.
func TestMakeDue(t *testing.T) {
	d := dbtest.MustOpen(t, clock, nil)
	one, two := dbtest.MustCreateCity(t, d, "one", "toy"), dbtest.MustCreateCity(t, d, "two", "toy")
	var outcomes []db.Outcome
	for _, c := range []report.City{one, two} {
		bot, err := d.FindBot(t.Context(), c.ID, "toy")
		if err != nil {
			t.Fatal(err)
		}
		in := report.Report{ID: c.Slug, CityID: c.ID, BotID: bot.ID, Network: "toy", Text: "U1", Time: noon, Received: noon}
		judged := dbtest.MustJudge(t, d, dbtest.MustHear(t, d, in), report.Verdict{Passed: true, Reason: report.ReasonTrigger}, dbtest.NoBrake{},
			db.Audience{BotID: bot.ID, Recipients: []int64{1, 2}})
		f := judged.Fanouts[0]
		outcomes = append(outcomes, db.Outcome{Fanout: &f, Open: f.Open, Attempts: 1, Due: noon.Add(time.Hour)})
	}
	if _, err := d.SaveOutcomes(t.Context(), outcomes); err != nil {
		t.Fatal(err)
	}
	if err := d.MakeDue(t.Context(), []int64{outcomes[0].Fanout.BotID, 99}); err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{1, 0} {
		list, _, _, err := d.OpenFanouts(t.Context(), outcomes[i].Fanout.BotID, noon, 10, func(int64) bool { return false })
		if err != nil || len(list) != want {
			t.Errorf("bot %d: %d are due, want %d: %v", i, len(list), want, err)
		}
	}
}
