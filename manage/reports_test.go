package manage_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/report"
	"ticketfrei/manage"
)

// tell stores a report that was written some minutes ago.
func (tn *town) tell(c report.City, id string, minutes int, v report.Verdict, lines ...string) {
	tn.t.Helper()
	at := time.Now().Add(-time.Duration(minutes) * time.Minute).Truncate(time.Millisecond)
	r := report.Report{ID: id, CityID: c.ID, Network: "tram", Author: "hash of " + id, Text: id, Time: at, Received: at}
	if len(lines) > 0 {
		r.Reading = report.Reading{Line: lines[0], Stop: "U9", Lines: report.NewLines(lines...)}
	}
	dbtest.MustSaveReport(tn.t, tn.db, r, v)
}

func (tn *town) found(c report.City, w manage.Wanted) string {
	tn.t.Helper()
	var ids []string
	if w.Limit == 0 {
		w.Limit = 10
	}
	for _, j := range must(tn.Reports(tn.t.Context(), c.ID, w))(tn.t) {
		ids = append(ids, j.Report.ID)
	}
	return strings.Join(ids, " ")
}

var (
	passed  = report.Verdict{Passed: true, Reason: report.ReasonTrigger}
	refused = report.Verdict{Reason: report.ReasonNoTrigger}
	held    = report.Verdict{Reason: report.ReasonFlood}
)

func TestReportsAreFound(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c, other := tn.city("jena"), tn.city("gera")
	must(tn.SavePlaces(t.Context(), c.ID, "U1: a\nU10: b\nA&B \"x\": c", ""))(t)
	tn.tell(c, "p1", 1, passed, "U1", "U10")
	tn.tell(c, "p2", 30, passed, "U10")
	tn.tell(c, "p3", 31, passed, `A&B "x"`)
	tn.tell(c, "old", 25*60, passed, "U1")
	tn.tell(c, "r1", 10, refused, "U1")
	tn.tell(c, "h1", 20, held, "U1")
	tn.tell(other, "o1", 5, passed, "U1")
	for _, tt := range []struct {
		want   string
		wanted manage.Wanted
	}{
		{"p1 p2 p3", manage.Wanted{Passed: true}},
		{"p1 r1 h1 p2 p3", manage.Wanted{Passed: true, Refused: true, Held: true}},
		{"p1 r1", manage.Wanted{Passed: true, Refused: true, Held: true, Limit: 2}},
		{"r1 h1", manage.Wanted{Refused: true, Held: true}},
		{"h1", manage.Wanted{Held: true}},
		{"", manage.Wanted{}},
		{"p1", manage.Wanted{Passed: true, Since: time.Now().Add(-10 * time.Minute)}},
		{"p1 p2 p3", manage.Wanted{Passed: true, Since: time.Now().Add(-100 * time.Hour)}},
		{"p1", manage.Wanted{Passed: true, Line: "u1"}},
		{"p1 p2", manage.Wanted{Passed: true, Line: "U10"}},
		{"p3", manage.Wanted{Passed: true, Line: `a&b "x"`}},
		{"", manage.Wanted{Passed: true, Line: "U9"}}, // a stop
		{"", manage.Wanted{Passed: true, Line: "|"}},
		{"p1 h1", manage.Wanted{Passed: true, Refused: true, Held: true, Line: "U1"}}, // what is refused is kept without its line,
	} {
		if got := tn.found(c, tt.wanted); got != tt.want {
			t.Errorf("%+v: found %q, want %q", tt.wanted, got, tt.want)
		}
	}
}

func TestDecisions(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c, other := tn.city("jena"), tn.city("gera")
	tn.tell(c, "p1", 1, passed)
	tn.tell(c, "r1", 1, refused)
	for i := range 3 {
		tn.tell(c, fmt.Sprint("h", i), 3-i, held)
	}
	t.Run("taken back", func(t *testing.T) {
		for range 2 {
			tn.check(tn.TakeBack(t.Context(), c.ID, "p1"))
		}
		for _, id := range []string{"r1", "h0", "nothing"} {
			tn.is(tn.TakeBack(t.Context(), c.ID, id), db.ErrNotFound)
		}
		if got := tn.found(c, manage.Wanted{Passed: true}); got != "" {
			t.Errorf("passed are %s", got)
		}
	})
	t.Run("held", func(t *testing.T) {
		if n, late, err := tn.LetThrough(t.Context(), other.ID, db.Choice{}); n+late != 0 || err != nil {
			t.Error("another city's are let through")
		}
		if n, _, err := tn.LetThrough(t.Context(), c.ID, db.Choice{ReportID: "h1"}); n != 1 || err != nil {
			t.Errorf("let through %d: %v", n, err)
		}
		if n := must(tn.ThrowAway(t.Context(), c.ID, db.Choice{Reason: report.ReasonFlood}))(t); n != 2 {
			t.Errorf("thrown away %d", n)
		}
		if got := tn.found(c, manage.Wanted{Passed: true, Held: true}); got != "h1" {
			t.Errorf("left are %s", got)
		}
	})
	t.Run("muted", func(t *testing.T) {
		tn.changes[c.ID] = 0
		tn.is(tn.Mute(t.Context(), other.ID, "r1"), db.ErrNotFound)
		tn.check(tn.Mute(t.Context(), c.ID, "r1"))
		if muted := must(tn.db.Mutes(t.Context(), c.ID))(t); !muted["hash of r1"] {
			t.Errorf("muted are %v", muted)
		}
		tn.check(tn.Unmute(t.Context(), c.ID, "r1"))
		if muted := must(tn.db.Mutes(t.Context(), c.ID))(t); len(muted) != 0 {
			t.Errorf("muted are %v", muted)
		}
		tn.changed(c, 2)
		dbtest.MustSaveReport(t, tn.db, report.Report{ID: "x", CityID: c.ID, Network: "tram", Text: "x", Time: time.Now(), Received: time.Now()}, refused)
		tn.is(tn.Mute(t.Context(), c.ID, "x"), manage.ErrNoAuthor)
	})
}
