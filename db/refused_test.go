package db_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"

	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/report"
)

// holding is a brake that holds everything.
type holding struct{ dbtest.NoBrake }

func (holding) Judge(report.Verdict, db.History) report.Verdict {
	return report.Verdict{Reason: report.ReasonFloodCity}
}

var refused = report.Verdict{Reason: report.ReasonNoTrigger}

// TestRefusedAreFewAndShort has a city refuse many long reports, among them some that
// were taken back: the newest are kept, the beginning of each, and nothing of the rest
// is in a file. Those of another city and those that passed or are held stay whole.
func TestRefusedAreFewAndShort(t *testing.T) {
	const kept, characters, more = 200, 500, 70
	a := openArchive(t)
	other := dbtest.MustCreateCity(t, a.DB, "other", "toy")
	long := func(mark string) string { return mark + strings.Repeat("ü", 1000-len(mark)-7) + "the end" }
	judge := func(c report.City, id string, v report.Verdict, brake db.Brake) {
		t.Helper()
		dbtest.MustJudge(t, a.DB, dbtest.MustHear(t, a.DB, newReport(c, id, "a", long("mark-"+id+"-"), a.now)), v, brake)
	}
	judge(a.city, "back", passed, dbtest.NoBrake{})
	if err := a.TakeBack(t.Context(), a.city.ID, "back"); err != nil {
		t.Fatal(err)
	}
	judge(a.city, "passed", passed, dbtest.NoBrake{})
	judge(a.city, "held", passed, holding{})
	judge(other, "elsewhere", refused, dbtest.NoBrake{})
	for i := range kept + more {
		judge(a.city, fmt.Sprint("no", i), refused, dbtest.NoBrake{})
	}
	a.deleteExpired()

	stored := func(c report.City, id string) string {
		t.Helper()
		j, err := a.Report(t.Context(), c.ID, id)
		if err != nil {
			t.Errorf("%s: %v", id, err)
		}
		return j.Report.Text
	}
	for _, id := range []string{"back", "passed", "held"} {
		if text := stored(a.city, id); text != long("mark-"+id+"-") {
			t.Errorf("of %s there is %q", id, text)
		}
	}
	if text := stored(other, "elsewhere"); text != string([]rune(long("mark-elsewhere-"))[:characters]) {
		t.Errorf("of one that was refused there is %q", text)
	}
	list, err := a.Reports(t.Context(), a.city.ID, false, time.Hour, 1000)
	if err != nil || len(list) != kept+2 { // and those that were taken back or are held
		t.Errorf("%d are kept, %v", len(list), err)
	}
	for i := range kept + more {
		mark := fmt.Sprintf("mark-no%d-", i)
		if n := a.found(mark)[mark]; n > 0 != (i >= more) {
			t.Errorf("refused report %d is in the files %d times", i, n)
		}
	}
	if n := a.found("the end")["the end"]; n != 6 { // each also in the form in which it is compared
		t.Errorf("the ends of reports are in the files %d times, want 6", n)
	}
}

// TestRefusedOfBefore has a city refuse one report where an earlier version has kept
// very many.
func TestRefusedOfBefore(t *testing.T) {
	d := mustFill(t)
	c := report.City{ID: 1}
	err := d.Write(t.Context(), func(tx *gorm.DB) error {
		return tx.Exec("UPDATE reports SET city_id = 1, passed = FALSE WHERE state = 'judged' AND seq < 1000").Error
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		dbtest.MustJudge(t, d, dbtest.MustHear(t, d, newReport(c, fmt.Sprint("one more ", i), "", "U1", noon)), refused, dbtest.NoBrake{})
	}
	var n int
	if err := d.ReadRow(t.Context(), "SELECT count(*) FROM reports WHERE city_id = 1 AND state = 'judged' AND passed = FALSE").Scan(&n); err != nil || n != 200 {
		t.Errorf("%d refused reports are kept, %v", n, err)
	}
}

// TestTrimmingLooksAtOneCity has a server delete what one of many cities has refused and does
// not keep, where nobody has told it how many rows there are: it looks at each of that city's
// a few times at most, and at no others.
func TestTrimmingLooksAtOneCity(t *testing.T) {
	d := dbtest.MustOpenAt(t, mustHaveServer(t), clock, nil)
	var plan []string
	err := d.Write(t.Context(), func(tx *gorm.DB) error {
		steps := db.SQL("ALTER TABLE reports SET (autovacuum_enabled = off)",
			`INSERT INTO reports (seq, id, city_id, bot_id, network, network_id, author, text, visibility, time, received, state, reason)
				SELECT 1000 + i, 'r' || i, 1 + i % 10, 1, 'toy', '', '', 'U1', 'private', 1, 1, 'judged', 'no_trigger' FROM generate_series(1, 2500) AS i`,
			"PREPARE trimming AS "+db.TrimRefusedOnServer)
		if err := steps(tx); err != nil {
			return err
		}
		return tx.Raw("EXPLAIN (ANALYZE, BUFFERS) EXECUTE trimming(1, 256, 200)").Scan(&plan).Error
	})
	if err != nil {
		t.Fatal(err)
	}
	n, pages := 0, 0
	for _, line := range plan { // the first is that of the whole
		if _, err := fmt.Sscanf(strings.TrimSpace(line), "Buffers: shared hit=%d", &pages); err == nil {
			break
		}
	}
	if err := d.ReadRow(t.Context(), "SELECT count(*) FROM reports").Scan(&n); err != nil || n != 2450 {
		t.Errorf("%d reports are left, %v", n, err)
	}
	if pages == 0 || pages > 1500 {
		t.Errorf("it looked at %d pages:\n%s", pages, strings.Join(plan, "\n"))
	}
}

// TestHeldAreBounded has more reports be held than a city keeps for its moderators:
// those that wait stay, what comes then is refused, and what waits for another reason
// has room of its own.
func TestHeldAreBounded(t *testing.T) {
	const most = 1000
	d := dbtest.MustOpen(t, clock, nil)
	c := dbtest.MustCreateCity(t, d, "city")
	err := d.Write(t.Context(), func(tx *gorm.DB) error {
		return tx.Exec(`INSERT INTO reports (seq, id, city_id, bot_id, network, network_id, author, text, visibility, time, received, state, reason)
			WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
			SELECT 100000 + i, 'h' || i, ?, 1, 'toy', i, '', 'U1', 'private', ?, ?, 'held', 'flood_city' FROM n`, most-2, c.ID, noon.UnixMilli(), noon.UnixMilli()).Error
	})
	if err != nil {
		t.Fatal(err)
	}
	list := make([]db.Ruling, 5)
	for i := range list {
		list[i] = db.Ruling{Heard: dbtest.MustHear(t, d, newReport(c, fmt.Sprint(i), "a", strings.Repeat("U", 600), noon)), Verdict: passed}
	}
	mustSaveVerdicts(t, d, list, holding{})
	flood := db.Ruling{Heard: dbtest.MustHear(t, d, newReport(c, "flood", "a", "U1", noon)), Verdict: report.Verdict{Reason: report.ReasonFlood}}
	mustSaveVerdicts(t, d, []db.Ruling{flood}, dbtest.NoBrake{})
	groups, err := d.HeldGroups(t.Context(), c.ID)
	if err != nil || len(groups) != 2 || groups[0].Count != most || !groups[0].Full() || groups[1].Count != 1 || groups[1].Full() {
		t.Errorf("held: %+v, %v", groups, err)
	}
	for i, want := range []bool{true, true, false, false, false} {
		j, err := d.Report(t.Context(), c.ID, fmt.Sprint(i))
		if err != nil || j.Held != want || (len(j.Report.Text) == 600) != want || j.Verdict.Reason != report.ReasonFloodCity {
			t.Errorf("report %d: held %v with %d characters for %s, %v", i, j.Held, len(j.Report.Text), j.Verdict.Reason, err)
		}
	}
	if n, err := d.ThrowAway(t.Context(), c.ID, db.Choice{Reason: report.ReasonFloodCity}); n != most || err != nil {
		t.Errorf("%d thrown away, %v", n, err)
	}
}

// crowding is a brake that counts where reports come from.
type crowding struct{ dbtest.NoBrake }

func (crowding) Crowd() bool { return true }

// TestOriginsAreForgotten has reports come that name the keys of a client and a domain.
// They are kept as long as a brake counts a report that passed, and not at all else.
func TestOriginsAreForgotten(t *testing.T) {
	a := openArchive(t)
	judge := func(id string, v report.Verdict, brake db.Brake) {
		t.Helper()
		r := newReport(a.city, id, "a", "U1", a.now)
		r.Unverified, r.Client, r.Domain = true, "origin-of-"+id, "domain-of-"+id
		dbtest.MustJudge(t, a.DB, dbtest.MustHear(t, a.DB, r), v, brake)
	}
	judge("counted", passed, crowding{})
	judge("uncounted", passed, dbtest.NoBrake{})
	judge("held", passed, holding{})
	judge("refused", refused, crowding{})
	kept := func() []string {
		t.Helper()
		clients, err := db.ReadColumn[string](t.Context(), a.DB, "SELECT client FROM reports WHERE client || domain <> '' ORDER BY seq")
		if err != nil {
			t.Fatal(err)
		}
		return clients
	}
	a.deleteExpired()
	if diff := cmp.Diff([]string{"origin-of-counted"}, kept()); diff != "" {
		t.Error(diff)
	}
	a.now = a.now.Add(20 * time.Minute)
	a.deleteExpired()
	if left := kept(); len(left) > 0 || a.found("origin-of-counted")["origin-of-counted"] > 0 {
		t.Errorf("20 minutes later there is still %q", left)
	}
}

func TestSpan(t *testing.T) {
	for span, want := range map[time.Duration]string{0: "1 s", 5 * time.Second: "5 s", 119 * time.Second: "119 s",
		3 * time.Minute: "3 min", 119 * time.Minute: "119 min", 26 * time.Hour: "26 h"} {
		if got := (db.HeldGroup{First: noon, Last: noon.Add(span)}).Span(); got != want {
			t.Errorf("%s is %q, want %q", span, got, want)
		}
	}
}

// TestHeldUntold looks at which cities' moderators are to be told.
func TestHeldUntold(t *testing.T) {
	a := openArchive(t)
	untold := func() []int64 {
		t.Helper()
		ids, err := a.HeldUntold(context.Background(), a.now.Add(-5*time.Second), a.now.Add(-8*time.Hour), a.now.Add(-time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		return ids
	}
	hold := func(id string) {
		t.Helper()
		dbtest.MustJudge(t, a.DB, dbtest.MustHear(t, a.DB, newReport(a.city, id, "a", id, a.now)), passed, holding{})
	}
	steps := []struct {
		name   string
		after  time.Duration
		hold   bool
		decide bool // about all that is held before
		want   int
	}{
		{"nothing is held", 0, false, false, 0},
		{"more may come", time.Second, true, false, 0},
		{"it is time", 6 * time.Second, false, false, 1},
		{"they were told", time.Minute, false, false, 0},
		{"more of it", time.Hour, true, false, 0},
		{"eight hours later", 8 * time.Hour, false, false, 1},
		{"nothing new", 9 * time.Hour, false, false, 0},
		{"the next flood", time.Minute, true, false, 1},
		{"they have decided", time.Minute, false, true, 0},
		{"one more at once", time.Minute, true, false, 0},
		{"an hour after they were told", time.Hour, false, false, 1},
	}
	for i, s := range steps {
		if s.decide {
			if _, err := a.ThrowAway(t.Context(), a.city.ID, db.Choice{}); err != nil {
				t.Fatal(err)
			}
		}
		if s.hold {
			hold(fmt.Sprint(i))
		}
		a.now = a.now.Add(s.after)
		ids := untold()
		if len(ids) != s.want {
			t.Errorf("%s: cities %v are to be told, want %d", s.name, ids, s.want)
		}
		for _, id := range ids {
			if err := a.HeldTold(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
	}
}
