package relay_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/report"
)

// TestTakeBack takes back a report that was posted on one network, mailed on
// another and failed on a third: only the post can be taken back.
func TestTakeBack(t *testing.T) {
	t.Parallel()
	rl, out := newRelay(t, nil)
	c := dbtest.MustCreateCity(t, rl.DB, "fuerth", "posts", "mails", "fails")
	r := report.Report{ID: "r", CityID: c.ID, Network: "posts", NetworkID: "r", Text: "U1", Time: rl.Now(), Received: rl.Now()}
	h := dbtest.MustHear(t, rl.DB, r)
	ends := []struct {
		network string
		ended   db.Outcome
	}{
		{"posts", db.Outcome{Counts: db.Counts{Sent: 1}, Receipts: []db.SentReceipt{{Receipt: report.Receipt{ID: "7"}}}}}, // as of a chat: nothing that has a page
		{"mails", db.Outcome{Counts: db.Counts{Sent: 1}}},
		{"fails", db.Outcome{Counts: db.Counts{Failed: 1}}},
	}
	var audiences []db.Audience
	for _, e := range ends {
		b, err := rl.DB.FindBot(t.Context(), c.ID, e.network)
		if err != nil {
			t.Fatal(err)
		}
		audiences = append(audiences, db.Audience{BotID: b.ID, Recipients: []int64{0}})
	}
	saved := dbtest.MustJudge(t, rl.DB, h, report.Verdict{Passed: true, Reason: report.ReasonTrigger}, dbtest.NoBrake{}, audiences...)
	for i, e := range ends {
		e.ended.Fanout = &saved.Fanouts[i]
		dbtest.MustSaveOutcomes(t, rl.DB, e.ended)
	}
	told := make(chan int64, 1)
	defer rl.Notices.OnPassed(func(cityID int64) { told <- cityID })()
	if err := rl.TakeBack(t.Context(), c.ID, r.ID); err != nil {
		t.Fatal(err)
	}
	if len(told) != 1 || <-told != c.ID {
		t.Error("nobody was told of the change")
	}
	if !slices.Equal(out.taken, [][2]int64{{c.ID, h.Seq}}) {
		t.Errorf("the bots were told of %v, want report %d of city %d", out.taken, h.Seq, c.ID)
	}
	for i, a := range audiences {
		open := dbtest.MustHaveOpen(t, rl.DB, a.BotID, rl.Now())
		if i > 0 {
			if len(open) > 0 {
				t.Errorf("the bot on %s has to send %v", ends[i].network, open)
			}
			continue
		}
		if len(open) != 1 || !open[0].Retract || len(open[0].Recipients) != 1 || open[0].Report.Text != r.Text {
			t.Fatalf("to be taken back: %+v, want the post", open)
		}
		receipt, err := rl.DB.Receipt(t.Context(), open[0].Recipients[0])
		if diff := cmp.Diff(ends[0].ended.Receipts[0], receipt); diff != "" || err != nil {
			t.Errorf("to be taken back: %v, %s", err, diff)
		}
	}
	if j, err := rl.DB.Report(t.Context(), c.ID, r.ID); err != nil || j.Verdict.Passed || j.Verdict.Reason != report.ReasonTakenBack {
		t.Errorf("what stands of the report: %+v, %v", j.Verdict, err)
	}
	if err := rl.TakeBack(t.Context(), c.ID, r.ID); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("taken back twice: %v, want ErrNotFound", err)
	}
	if len(out.taken) != 1 {
		t.Errorf("the bots were told of %v", out.taken)
	}
}
