package db_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/dbserver"
	"ticketfrei/internal/report"
	"ticketfrei/internal/slow"
)

// openWords opens a database on a server of its own, with a city. What goes to its log is in
// said.
func openWords(t *testing.T) (s *dbserver.Server, d *db.DB, c report.City, said *bytes.Buffer) {
	t.Helper()
	s, said = dbserver.Start(t), &bytes.Buffer{}
	d, err := db.OpenServer(t.Context(), s.URL(), clock, slog.New(slog.NewTextHandler(said, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := d.Migrate(t.Context(), dbtest.MustMakeBox(t), nil); err != nil {
		t.Fatal(err)
	}
	return s, d, dbtest.MustCreateCity(t, d, "city", "toy"), said
}

// wordsOf is what a report says, in all columns that hold words of riders.
func wordsOf(c report.City, id, word string) report.Report {
	r := newReport(c, id, "a", "text-"+word, clock())
	r.Results = "results-" + word
	r.Reading = report.Reading{Line: "line-" + word, Stop: "stop-" + word, Toward: "toward-" + word, People: 2, Lines: report.NewLines("line-"+word, "U1")}
	return r
}

// TestWordsAreSealedOnAServer stores reports in every state there is: they read as they were
// written, and no table has a word of them.
func TestWordsAreSealedOnAServer(t *testing.T) {
	slow.Test(t, "starts PostgreSQL")
	t.Parallel()
	s, d, c, said := openWords(t)
	passed := report.Verdict{Passed: true, Reason: report.ReasonTrigger, Detail: "detail-xyzzy"}
	refused := report.Verdict{Reason: report.ReasonBlocked, Detail: "detail-xyzzy"}
	dbtest.MustSaveReport(t, d, wordsOf(c, "passed", "xyzzy"), passed)
	dbtest.MustSaveReport(t, d, wordsOf(c, "held", "xyzzy"), report.Verdict{Reason: report.ReasonFlood, Detail: "detail-xyzzy"})
	dbtest.MustSaveReport(t, d, wordsOf(c, "refused", "xyzzy"+strings.Repeat("ä", 600)), refused)
	dbtest.MustSaveReport(t, d, wordsOf(c, "edited", "plugh"), passed)
	dbtest.MustSaveReport(t, d, wordsOf(c, "withdrawn", "plugh"), passed)
	edit := db.Edit{Report: wordsOf(c, "edited", "xyzzy"), Verdict: passed, Sameness: "same-xyzzy"}
	if err := d.Edit(t.Context(), edit); err != nil {
		t.Fatal(err)
	}
	if err := d.Withdraw(t.Context(), c.ID, "withdrawn"); err != nil {
		t.Fatal(err)
	}
	heard := dbtest.MustHear(t, d, wordsOf(c, "heard", "xyzzy"))
	if heard.Report.Text != "text-xyzzy" {
		t.Errorf("what waits says %q", heard.Report.Text)
	}

	for id, verdict := range map[string]report.Verdict{"passed": passed, "held": {Reason: report.ReasonFlood, Detail: "detail-xyzzy"}, "refused": refused, "edited": passed} {
		j, err := d.Report(t.Context(), c.ID, id)
		if err != nil {
			t.Fatal(err)
		}
		want := wordsOf(c, id, "xyzzy")
		if id == "refused" { // what was read in it is not kept, and of what it says 500 characters
			want.Reading, want.Text = report.Reading{}, ("text-xyzzy" + strings.Repeat("ä", 600))[:10+2*490]
			want.Results += strings.Repeat("ä", 600)
		}
		got := []any{j.Report.Text, j.Report.Reading, j.Report.Results, j.Verdict}
		if diff := cmp.Diff([]any{want.Text, want.Reading, want.Results, verdict}, got); diff != "" {
			t.Errorf("%s: %s", id, diff)
		}
	}
	j, err := d.Report(t.Context(), c.ID, "withdrawn")
	if err != nil || j.Report.Text != "" || j.Verdict.Detail != report.DetailDeleted {
		t.Errorf("what was withdrawn is %+v, %v", j, err)
	}

	if rows := s.Query("SELECT count(*) FROM reports"); rows != "6" {
		t.Errorf("there are %s reports", rows)
	}
	for _, word := range []string{"xyzzy", "plugh", "line-", report.DetailDeleted} {
		if rows := s.Query("SELECT * FROM reports AS r WHERE CAST(r AS TEXT) LIKE '%" + word + "%'"); rows != "" {
			t.Errorf("the table holds %s: %s", word, rows)
		}
	}
	if said.Len() > 0 {
		t.Error(said)
	}
}

// TestSamenessOnAServer counts what an author says again, and nobody sees in the table who
// says the same as somebody else.
func TestSamenessOnAServer(t *testing.T) {
	slow.Test(t, "starts PostgreSQL")
	t.Parallel()
	s, d, c, _ := openWords(t)
	b := &sameBrake{}
	for i, r := range []struct{ author, text string }{{"a", "one"}, {"a", "one"}, {"a", "two"}, {"b", "one"}} {
		h := dbtest.MustHear(t, d, newReport(c, fmt.Sprint(i), r.author, r.text, clock()))
		dbtest.MustJudge(t, d, h, report.Verdict{Passed: true}, b)
	}
	if diff := cmp.Diff([]int{0, 1, 0, 0}, b.same); diff != "" {
		t.Error(diff)
	}
	if n := s.Query("SELECT count(DISTINCT normalized) FROM reports"); n != "3" {
		t.Errorf("%s forms are stored, want 3", n)
	}
}

// sameBrake lets all pass and notes how often an author has said the same before.
type sameBrake struct {
	dbtest.NoBrake
	same []int
}

func (*sameBrake) Window() time.Duration { return time.Hour }

func (b *sameBrake) Judge(v report.Verdict, said db.History) report.Verdict {
	b.same = append(b.same, said.Same)
	return v
}

// TestLinesOnAServer looks for the reports about a line among many that are not.
func TestLinesOnAServer(t *testing.T) {
	slow.Test(t, "starts PostgreSQL")
	t.Parallel()
	_, d, c, _ := openWords(t)
	const reports, each = 450, 100
	list := make([]db.Ruling, reports)
	for i := range list {
		r := newReport(c, fmt.Sprint(i), "", "", clock().Add(-time.Duration(i/3)*time.Second)) // some at the same time
		r.Reading.Lines = report.NewLines("U2", "U11")
		if i%each == 0 {
			r.Reading.Lines = report.NewLines("U3", "U1")
		}
		if err := d.Hear(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	heard, err := d.UnjudgedOf(t.Context(), c.ID, 0, reports)
	if err != nil || len(heard) != reports {
		t.Fatal(len(heard), err)
	}
	for i, h := range heard {
		h.Report.Reading.Lines = report.NewLines("U2", "U11")
		if i%each == 0 {
			h.Report.Reading.Lines = report.NewLines("U3", "U1")
		}
		list[i] = db.Ruling{Heard: h, Verdict: report.Verdict{Passed: true}}
	}
	if _, err := d.SaveVerdicts(t.Context(), list, dbtest.NoBrake{}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		line  string
		limit int
		want  []string
	}{
		{"U1", 10, []string{"0", "100", "200", "300", "400"}},
		{"U3", 2, []string{"0", "100"}},
		{"U", 10, nil},
	} {
		found, err := d.FindReports(t.Context(), c.ID, db.Search{Passed: true, Line: tt.line, Limit: tt.limit})
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, j := range found {
			ids = append(ids, j.Report.ID)
		}
		if diff := cmp.Diff(tt.want, ids); diff != "" {
			t.Errorf("%s: %s", tt.line, diff)
		}
	}
}

// TestWordsThatCannotBeRead has somebody move the words of one report to another, and break
// those of a third: these read as empty, which is logged, and all others as they are.
func TestWordsThatCannotBeRead(t *testing.T) {
	slow.Test(t, "starts PostgreSQL")
	t.Parallel()
	s, d, c, said := openWords(t)
	for _, id := range []string{"moved", "broken", "whole"} {
		dbtest.MustSaveReport(t, d, wordsOf(c, id, id), report.Verdict{Passed: true, Reason: report.ReasonTrigger})
	}
	s.Query("UPDATE reports SET text = (SELECT text FROM reports WHERE id = 'whole') WHERE id = 'moved'")
	s.Query("UPDATE reports SET text = 'text', reading = '{}' WHERE id = 'broken'")
	list, err := d.Reports(t.Context(), c.ID, true, time.Hour, 10)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, j := range list {
		got[j.Report.ID] = j.Report.Text + " " + j.Report.Reading.Line + " " + j.Report.Results
	}
	want := map[string]string{"moved": " line-moved results-moved", "broken": "  results-broken", "whole": "text-whole line-whole results-whole"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if n := strings.Count(said.String(), "cannot be read"); n != 3 || strings.Contains(said.String(), "text-") {
		t.Errorf("logged %d times:\n%s", n, said)
	}
}

// TestNewKeyOnAServer goes on without the key: no report that nobody can read is left.
func TestNewKeyOnAServer(t *testing.T) {
	slow.Test(t, "starts PostgreSQL")
	t.Parallel()
	s, d, c, _ := openWords(t)
	dbtest.MustSaveReport(t, d, wordsOf(c, "passed", "xyzzy"), report.Verdict{Passed: true, Reason: report.ReasonTrigger})
	dbtest.MustHear(t, d, wordsOf(c, "heard", "xyzzy"))
	if err := d.ForgetKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := s.Query("SELECT count(*) FROM reports"); n != "0" {
		t.Errorf("%s reports are left", n)
	}
}

// TestMovedWordsAreSealed moves reports from a file to a server: there they read as before, are
// compared with what comes, and no table has a word of them.
func TestMovedWordsAreSealed(t *testing.T) {
	slow.Test(t, "starts PostgreSQL")
	t.Parallel()
	from, s := mustOpenFile(t), dbserver.Start(t)
	to := dbtest.MustOpenAt(t, s.URL(), clock, nil)
	c := dbtest.MustCreateCity(t, from, "city", "toy")
	passed := report.Verdict{Passed: true, Reason: report.ReasonTrigger, Detail: "detail-xyzzy"}
	dbtest.MustSaveReport(t, from, wordsOf(c, "passed", "xyzzy"), passed)
	dbtest.MustHear(t, from, wordsOf(c, "heard", "xyzzy"))
	if err := from.LeaveWord(t.Context(), c.ID, "xyzzy"); err != nil {
		t.Fatal(err)
	}
	if _, err := from.MoveTo(t.Context(), to); err != nil {
		t.Fatal(err)
	}
	before, err := from.Report(t.Context(), c.ID, "passed")
	if err != nil {
		t.Fatal(err)
	}
	after, err := to.Report(t.Context(), c.ID, "passed")
	if diff := cmp.Diff(before, after); diff != "" || err != nil || before.Report.Text != "text-xyzzy" {
		t.Errorf("%v %s", err, diff)
	}
	heard, err := to.UnjudgedOf(t.Context(), c.ID, 0, 10)
	if err != nil || len(heard) != 1 || heard[0].Report.Text != "text-xyzzy" {
		t.Fatalf("%d wait, %v", len(heard), err)
	}
	b := &sameBrake{}
	if dbtest.MustJudge(t, to, heard[0], passed, b); len(b.same) != 1 || b.same[0] != 1 {
		t.Errorf("the same was said %v times before", b.same)
	}
	left, err := to.LeftWords(t.Context(), c.ID)
	if err != nil || !left("xyzzy") {
		t.Errorf("the word is suggested again, %v", err)
	}
	for _, table := range []string{"reports", "unwanted_words"} {
		if rows := s.Query("SELECT * FROM " + table + " AS r WHERE CAST(r AS TEXT) LIKE '%xyzzy%'"); rows != "" {
			t.Errorf("the table %s holds %s", table, rows)
		}
	}
}

// TestUnwantedWordsAreHashed keeps that words are not to be suggested, without the words.
func TestUnwantedWordsAreHashed(t *testing.T) {
	slow.Test(t, "starts PostgreSQL")
	t.Parallel()
	s, d, c, _ := openWords(t)
	other := dbtest.MustCreateCity(t, d, "other", "toy")
	for range 2 {
		if err := d.LeaveWord(t.Context(), c.ID, "xyzzy"); err != nil {
			t.Fatal(err)
		}
	}
	for id, want := range map[int64]bool{c.ID: true, other.ID: false} {
		left, err := d.LeftWords(t.Context(), id)
		if err != nil || left("xyzzy") != want || left("plugh") {
			t.Errorf("city %d: left is %t, want %t, %v", id, left("xyzzy"), want, err)
		}
	}
	if rows := s.Query("SELECT * FROM unwanted_words WHERE word LIKE '%xyzzy%'"); rows != "" {
		t.Errorf("the table holds %s", rows)
	}
}
