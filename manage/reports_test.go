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

// TestSearch finds words however they are spelt, and goes on where it has ended.
func TestSearch(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := tn.city("jena")
	tn.says(c, passed, "U1 Plärrer 2 Kontis", "Weißer Turm", "PLAERRER wieder frei", "plarrer", "Opernhaus")
	tn.tell(c, "Plärrer?", 8, refused)
	tn.tell(c, "Plärrer held", 9, held)
	all := manage.Wanted{Passed: true, Refused: true, Held: true}
	for words, want := range map[string]string{"plärrer": "U1 Plärrer 2 Kontis PLAERRER wieder frei plarrer Plärrer? Plärrer held", "KONTI u1": "U1 Plärrer 2 Kontis", "weisser": "Weißer Turm",
		"plärrer opernhaus": "", "%": "", "turm  wei": "Weißer Turm"} {
		w := all
		if w.Words = words; tn.found(c, w) != want {
			t.Errorf("%s: found %q, want %q", words, tn.found(c, w), want)
		}
	}
	w := all
	w.Reasons, w.Words = []report.Reason{report.ReasonFlood, report.ReasonNoTrigger}, "plarrer"
	if got := tn.found(c, w); got != "Plärrer? Plärrer held" {
		t.Errorf("found %q", got)
	}
	w = all
	if w.Network = "bell"; tn.found(c, w) != "" {
		t.Errorf("found %q", tn.found(c, w))
	}
	w = all
	if w.Until = time.Now().Add(-4 * time.Minute); tn.found(c, w) != "plarrer Opernhaus Plärrer? Plärrer held" {
		t.Errorf("found %q", tn.found(c, w))
	}
	for _, words := range []string{"", "rr"} {
		var ids []string
		w := manage.Wanted{Passed: true, Refused: true, Held: true, Words: words, Limit: 2}
		for page := range 10 {
			found := must(tn.Search(t.Context(), c.ID, w))(t)
			for _, j := range found.Reports {
				ids = append(ids, j.Report.ID)
			}
			if w.After = found.Next; !found.More {
				break
			} else if page == 9 {
				t.Error("it never ends")
			}
		}
		one := manage.Wanted{Passed: true, Refused: true, Held: true, Words: words}
		if got := strings.Join(ids, " "); got != tn.found(c, one) {
			t.Errorf("%q by pages: %q, at once %q", words, got, tn.found(c, one))
		}
	}
	counts := fmt.Sprint(must(tn.CountReports(t.Context(), c.ID))(t))
	if counts != "[{no_trigger false false 1} {trigger true false 5} {flood false true 1}]" {
		t.Errorf("counted %s", counts)
	}
}

// TestRefusedAreLetThrough lets what the rules refused through, where all of it is kept.
func TestRefusedAreLetThrough(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := tn.city("jena")
	for reason, want := range map[report.Reason]int{report.ReasonNoTrigger: 1, report.ReasonBlocked: 1, report.ReasonLink: 1, report.ReasonLong: 1, report.ReasonQuestion: 1,
		report.ReasonTask: 1, report.ReasonMuted: 1, report.ReasonTrouble: 1, report.ReasonSlur: 0, report.ReasonRepeated: 0, report.ReasonExpired: 0, report.ReasonTooLong: 0} {
		id := string(reason)
		tn.tell(c, id, 1, report.Verdict{Reason: reason})
		if j := must(tn.db.Report(t.Context(), c.ID, id))(t); j.Overrulable() != (want == 1) {
			t.Errorf("%s: overrulable is %t", id, j.Overrulable())
		}
		if n, late, err := tn.LetThrough(t.Context(), c.ID, db.Choice{ReportID: id}); n != want || late != 0 || err != nil {
			t.Errorf("%s: let through %d, too late %d, %v; want %d", id, n, late, err, want)
		}
	}
	long := strings.Repeat("x", 600)
	tn.tell(c, long, 1, refused)
	if n, _, err := tn.LetThrough(t.Context(), c.ID, db.Choice{ReportID: long}); n != 0 || err != nil {
		t.Errorf("what is kept in part: %d, %v", n, err)
	}
}

func TestMuted(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := tn.city("jena")
	tn.tell(c, "first", 5, passed)
	tn.tell(c, "other", 4, refused)
	tn.check(tn.Mute(t.Context(), c.ID, "first"))
	tn.clock.Add(1000)
	tn.check(tn.Mute(t.Context(), c.ID, "other"))
	list := must(tn.Muted(t.Context(), c.ID))(t)
	if len(list) != 2 || list[0].Last.Report.ID != "other" || list[1].Last.Report.ID != "first" || list[1].Since.IsZero() {
		t.Fatalf("muted: %+v", list)
	}
	tn.check(tn.UnmuteAuthor(t.Context(), c.ID, list[1].Author))
	if list = must(tn.Muted(t.Context(), c.ID))(t); len(list) != 1 || list[0].Last.Report.ID != "other" {
		t.Errorf("muted: %+v", list)
	}
}
