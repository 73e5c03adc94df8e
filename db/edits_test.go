package db_test

import (
	"testing"
	"time"

	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/report"
)

// TestWithdrawnIsInNoFile has authors delete what passed, what was taken back and what
// waits, and change what passed: what they had written is in no file any more.
func TestWithdrawnIsInNoFile(t *testing.T) {
	a := openArchive(t)
	for _, id := range []string{"passed", "taken", "changed"} {
		a.hear(id, id+"mark")
	}
	dbtest.MustHear(t, a.DB, newReport(a.city, "waits", "", "waitsmark", a.now))
	if err := a.TakeBack(t.Context(), a.city.ID, "taken"); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"passed", "taken", "waits"} {
		if err := a.Withdraw(t.Context(), a.city.ID, id); err != nil {
			t.Fatal(err)
		}
	}
	edited := newReport(a.city, "changed", "", "aftermark", a.now)
	if err := a.Edit(t.Context(), db.Edit{Report: edited, Verdict: report.Verdict{Passed: true, Reason: report.ReasonTrigger}, Sameness: "aftermark"}); err != nil {
		t.Fatal(err)
	}
	a.now = a.now.Add(time.Minute)
	a.deleteExpired()
	if found := a.found("passedmark", "takenmark", "waitsmark", "changedmark", "aftermark"); len(found) != 1 || found["aftermark"] == 0 {
		t.Errorf("found %v, want what was written last", found)
	}
}

// TestChangesOfOtherCitiesAndAuthors leave a report as it is.
func TestChangesOfOtherCitiesAndAuthors(t *testing.T) {
	a := openArchive(t)
	other := dbtest.MustCreateCity(t, a.DB, "other", "toy")
	a.hear("1", "U1")
	stranger := newReport(a.city, "1", "", "U2", a.now)
	stranger.Author = "somebody else"
	elsewhere := newReport(other, "1", "", "U2", a.now)
	for _, r := range []report.Report{stranger, elsewhere} {
		if err := a.Edit(t.Context(), db.Edit{Report: r}); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Withdraw(t.Context(), other.ID, "1"); err != nil {
		t.Fatal(err)
	}
	if j, err := a.Report(t.Context(), a.city.ID, "1"); err != nil || !j.Verdict.Passed || j.Report.Text != "U1" {
		t.Errorf("it is %+v now, %v", j, err)
	}
}
