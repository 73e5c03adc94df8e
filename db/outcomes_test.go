package db_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/report"
)

func mustCounts(t *testing.T, d *db.DB, reportID string) map[int64]db.Counts {
	t.Helper()
	counts, err := d.CountsByBot(t.Context(), reportID)
	if err != nil {
		t.Fatal(err)
	}
	return counts
}

// sentTo makes the receipts of those recipients.
func sentTo(recipients ...int64) []db.SentReceipt {
	list := make([]db.SentReceipt, len(recipients))
	for i, r := range recipients {
		list[i] = db.SentReceipt{Recipient: r, Receipt: report.Receipt{ID: fmt.Sprint("m", r), URL: fmt.Sprint("https://example.org/", r)}}
	}
	return list
}

// TestOutcomes has two bots send a report little by little.
func TestOutcomes(t *testing.T) {
	d := dbtest.MustOpen(t, clock, nil)
	c := dbtest.MustCreateCity(t, d, "city", "mail", "toy")
	fanouts := mustPass(t, d, newReport(c, "1", "a", "text", noon), db.Audience{BotID: 2, Recipients: []int64{0}},
		db.Audience{BotID: 1, Recipients: recipients(64)}).Fanouts
	public, mails := &fanouts[0], &fanouts[1]
	later := noon.Add(time.Minute)
	const left = uint64(1)<<63 | 0b1000
	bots := dbtest.MustSaveOutcomes(t, d,
		db.Outcome{Fanout: public, Counts: db.Counts{Sent: 1}, Receipts: sentTo(0)},
		db.Outcome{Fanout: mails, Open: left, Attempts: 1, Due: later, Counts: db.Counts{Sent: 60, Failed: 2}},
	)
	if len(bots) != 0 {
		t.Errorf("bots %v have something to take back", bots)
	}
	if open := dbtest.MustHaveOpen(t, d, 2, later); len(open) != 0 {
		t.Errorf("what was sent is open: %v", open)
	}
	want := *mails
	want.Open, want.Attempts, want.Due = left, 1, later
	if diff := cmp.Diff([]db.Fanout{want}, dbtest.MustHaveOpen(t, d, 1, later)); diff != "" {
		t.Error(diff)
	}
	dbtest.MustSaveOutcomes(t, d, db.Outcome{Fanout: mails, Open: 1 << 63, Attempts: 2, Due: later, Counts: db.Counts{Sent: 1}})
	dbtest.MustSaveOutcomes(t, d, db.Outcome{Fanout: mails, Counts: db.Counts{Expired: 1}})
	if open := dbtest.MustHaveOpen(t, d, 1, later); len(open) != 0 {
		t.Errorf("a fanout that is done is open: %v", open)
	}
	wantCounts := map[int64]db.Counts{1: {Sent: 61, Failed: 2, Expired: 1}, 2: {Sent: 1}}
	if diff := cmp.Diff(wantCounts, mustCounts(t, d, "1")); diff != "" {
		t.Error(diff)
	}
	sum, err := d.Counts(t.Context(), "1")
	if diff := cmp.Diff(db.Counts{Sent: 62, Failed: 2, Expired: 1}, sum); diff != "" || err != nil {
		t.Errorf("all bots together: %v, %s", err, diff)
	}
	if counts := mustCounts(t, d, "unknown"); len(counts) != 0 {
		t.Errorf("counts of an unknown report: %v", counts)
	}
}

// TestOutcomesAfterTakeBack ends deliveries of a report that was taken back while
// they were sent: what arrived is taken back as well.
func TestOutcomesAfterTakeBack(t *testing.T) {
	d := dbtest.MustOpen(t, clock, nil)
	c := dbtest.MustCreateCity(t, d, "city", "mail", "toy")
	fanouts := mustPass(t, d, newReport(c, "1", "a", "text", noon), db.Audience{BotID: 1, Recipients: recipients(3)},
		db.Audience{BotID: 2, Recipients: []int64{0}}).Fanouts
	if err := d.TakeBack(t.Context(), c.ID, "1"); err != nil {
		t.Fatal(err)
	}
	bots := dbtest.MustSaveOutcomes(t, d,
		db.Outcome{Fanout: &fanouts[0], Open: 0b100, Due: noon, Counts: db.Counts{Sent: 2}, Receipts: sentTo(1, 2)},
		db.Outcome{Fanout: &fanouts[1], Counts: db.Counts{Sent: 1}}) // its network gave no receipt
	if !slices.Equal(bots, []int64{1}) {
		t.Errorf("bots %v have something to take back, want 1", bots)
	}
	open := dbtest.MustHaveOpen(t, d, 1, noon)
	if len(open) != 1 || !open[0].Retract || open[0].Report.Text != "text" {
		t.Fatalf("open: %+v, want one that takes back", open)
	}
	if diff := cmp.Diff(sentTo(1, 2), mustReceipts(t, d, open[0])); diff != "" {
		t.Errorf("taken back: %s", diff)
	}
	if open := dbtest.MustHaveOpen(t, d, 2, noon); len(open) != 0 {
		t.Errorf("what cannot be taken back is open: %v", open)
	}
	if diff := cmp.Diff(map[int64]db.Counts{1: {Sent: 2}, 2: {Sent: 1}}, mustCounts(t, d, "1")); diff != "" {
		t.Error(diff)
	}
}

// mustReceipts returns what a fanout takes back.
func mustReceipts(t *testing.T, d *db.DB, f db.Fanout) (list []db.SentReceipt) {
	t.Helper()
	for _, id := range f.Recipients {
		receipt, err := d.Receipt(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, receipt)
	}
	return list
}

// TestOutcomesOfWhatHasEnded counts what was sent, though the fanout had been ended
// meanwhile, and nothing as expired twice.
func TestOutcomesOfWhatHasEnded(t *testing.T) {
	d := dbtest.MustOpen(t, clock, nil)
	c := dbtest.MustCreateCity(t, d, "city", "mail")
	old := newReport(c, "old", "a", "text", noon.Add(-time.Hour))
	f := mustPass(t, d, old, db.Audience{BotID: 1, Recipients: recipients(3)}).Fanouts[0]
	mustExpire(t, d, nobody)
	bots := dbtest.MustSaveOutcomes(t, d, db.Outcome{Fanout: &f, Counts: db.Counts{Sent: 1, Expired: 2}, Receipts: sentTo(1)})
	if len(bots) != 0 || len(dbtest.MustHaveOpen(t, d, 1, noon)) != 0 {
		t.Errorf("bots %v take back what nobody took back", bots)
	}
	if diff := cmp.Diff(map[int64]db.Counts{1: {Sent: 1, Expired: 3}}, mustCounts(t, d, "old")); diff != "" {
		t.Error(diff)
	}
}

// TestOutcomesOfDeletedReport ends what belongs to a report that is gone.
func TestOutcomesOfDeletedReport(t *testing.T) {
	d := dbtest.MustOpen(t, clock, nil)
	c := dbtest.MustCreateCity(t, d, "city", "mail")
	f := mustPass(t, d, newReport(c, "1", "a", "text", noon), db.Audience{BotID: 1, Recipients: recipients(3)}).Fanouts[0]
	if err := d.DeleteCity(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	bots := dbtest.MustSaveOutcomes(t, d, db.Outcome{Fanout: &f, Open: 0b100, Counts: db.Counts{Sent: 2}, Receipts: sentTo(1, 2)})
	if len(bots) != 0 {
		t.Errorf("bots %v have something to take back", bots)
	}
	for _, table := range []string{"fanouts", "outcomes", "receipts"} {
		var n int
		if err := d.ReadRow(t.Context(), "SELECT count(*) FROM "+table).Scan(&n); err != nil || n != 0 {
			t.Errorf("%s: %d rows of a report that is gone, %v", table, n, err)
		}
	}
}

func nobody(int64, int64) bool { return false }

// mustExpire ends what is older than half an hour and returns how many rounds that
// took.
func mustExpire(t *testing.T, d *db.DB, inHand func(botID, id int64) bool) (rounds int) {
	t.Helper()
	for more := true; more; rounds++ {
		var err error
		if _, more, err = d.Expire(t.Context(), 30*time.Minute, inHand); err != nil || rounds > 100 {
			t.Fatalf("round %d: %v", rounds, err)
		}
	}
	return rounds
}

// TestExpire ends what no bot has in hand, some at a time.
func TestExpire(t *testing.T) {
	now := noon
	d := dbtest.MustOpen(t, func() time.Time { return now }, nil)
	c := dbtest.MustCreateCity(t, d, "city", "mail", "toy")
	old := newReport(c, "old", "a", "text", noon.Add(-time.Hour))
	fanouts := mustPass(t, d, old, db.Audience{BotID: 2, Recipients: []int64{0}}, db.Audience{BotID: 1, Recipients: recipients(120 * 64)}).Fanouts
	f := fanouts[1]
	dbtest.MustSaveOutcomes(t, d, db.Outcome{Fanout: &f, Open: 0b11, Due: noon.Add(time.Minute), Counts: db.Counts{Sent: 62}})
	mustPass(t, d, newReport(c, "new", "b", "text", noon), db.Audience{BotID: 1, Recipients: recipients(3)})
	if rounds := mustExpire(t, d, func(botID, id int64) bool { return botID == 2 }); rounds < 2 {
		t.Errorf("all of it was ended in %d transaction", rounds)
	}
	if open := dbtest.MustHaveOpen(t, d, 1, noon); len(open) != 1 || open[0].Report.ID != "new" {
		t.Errorf("left are %v, want the new one", open)
	}
	if open := dbtest.MustHaveOpen(t, d, 2, noon); len(open) != 1 {
		t.Error("what a bot has in hand was ended")
	}
	if diff := cmp.Diff(map[int64]db.Counts{1: {Sent: 62, Expired: 119*64 + 2}}, mustCounts(t, d, "old")); diff != "" {
		t.Error(diff)
	}
}

// TestTakingBackExpires has a report be taken back by a bot that does not run.
func TestTakingBackExpires(t *testing.T) {
	now := noon
	d := dbtest.MustOpen(t, func() time.Time { return now }, nil)
	c := dbtest.MustCreateCity(t, d, "city", "toy")
	f := mustPass(t, d, newReport(c, "1", "a", "text", noon), db.Audience{BotID: 1, Recipients: []int64{0}}).Fanouts[0]
	dbtest.MustSaveOutcomes(t, d, db.Outcome{Fanout: &f, Counts: db.Counts{Sent: 1}, Receipts: sentTo(0)})
	if err := d.TakeBack(t.Context(), c.ID, "1"); err != nil {
		t.Fatal(err)
	}
	for _, after := range []time.Duration{time.Hour, 48 * time.Hour, 48*time.Hour + time.Second} {
		now = noon.Add(after)
		mustExpire(t, d, nobody)
		if open := dbtest.MustHaveOpen(t, d, 1, now); len(open) == 1 != (after <= 48*time.Hour) {
			t.Errorf("after %v: %v", after, open)
		}
	}
	if diff := cmp.Diff(map[int64]db.Counts{1: {Sent: 1}}, mustCounts(t, d, "1")); diff != "" {
		t.Error(diff)
	}
}
