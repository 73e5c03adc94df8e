package relay_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/queue"
	"ticketfrei/internal/report"
)

// TestTakeBack takes back a report that was posted on one network, mailed on
// another and failed on a third: only the post can be taken back.
func TestTakeBack(t *testing.T) {
	rl := newRelay(t, nil)
	c := dbtest.MustCreateCity(t, rl.DB, "fuerth", "posts", "mails", "fails")
	r := report.Report{ID: "r", CityID: c.ID, Network: "posts", NetworkID: "r", Text: "U1", Time: rl.Now(), Received: rl.Now()}
	dbtest.MustSaveReport(t, rl.DB, r, report.Verdict{Passed: true, Reason: report.ReasonTrigger})
	cityBots, err := rl.DB.CityBots(t.Context(), c.ID)
	if err != nil {
		t.Fatal(err)
	}
	posted := report.Receipt{ID: "7"} // as of a chat: nothing that has a page
	ends := map[string]db.Outcome{
		"posts": {Result: db.Sent, Receipt: posted},
		"mails": {Result: db.Sent},
		"fails": {Result: db.Failed, Error: "no"},
	}
	var post report.Delivery // as it was sent
	for _, b := range cityBots {
		o := ends[b.Network]
		o.Delivery = report.NewDelivery(r, b, "")
		if err := rl.DB.RecordOutcome(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		if b.Network == "posts" {
			post = o.Delivery
		}
	}
	told := make(chan int64, 1)
	defer rl.Notices.OnPassed(func(cityID int64) { told <- cityID })()
	if err := rl.TakeBack(t.Context(), c.ID, r.ID); err != nil {
		t.Fatal(err)
	}
	if len(told) != 1 || <-told != c.ID {
		t.Error("nobody was told of the change")
	}
	got := mustTakeOne(t, rl.Queue)
	if got.ID != post.ID || got.BotID != post.BotID || got.Report.Text != r.Text {
		t.Errorf("delivery %+v, want that of the post: %+v", got, post)
	}
	if diff := cmp.Diff(&posted, got.Retract); diff != "" {
		t.Error(diff)
	}
	if j, err := rl.DB.Report(t.Context(), c.ID, r.ID); err != nil || j.Verdict.Passed || j.Verdict.Reason != report.ReasonTakenBack {
		t.Errorf("what stands of the report: %+v, %v", j.Verdict, err)
	}
	if err := rl.TakeBack(t.Context(), c.ID, r.ID); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("taken back twice: %v, want ErrNotFound", err)
	}
}

// mustTakeOne takes the one delivery out of the queue.
func mustTakeOne(t *testing.T, q *queue.Queue) report.Delivery {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	var list []report.Delivery
	err := q.ConsumeDeliveries(ctx, func(m *queue.Message[report.Delivery]) {
		list = append(list, m.Body)
		m.Done()
		stop()
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 1 {
		t.Fatalf("%d deliveries, want 1", len(list))
	}
	return list[0]
}
