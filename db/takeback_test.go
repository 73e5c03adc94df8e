package db_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/report"
)

// TestTakeBack takes back a report that one bot has sent to many and another still
// has to send; a third bot sent it and is gone.
func TestTakeBack(t *testing.T) {
	d := dbtest.MustOpen(t, clock, nil)
	c := dbtest.MustCreateCity(t, d, "city", "chat", "post", "quiet")
	other := dbtest.MustCreateCity(t, d, "other", "chat")
	to := recipients(130)
	fanouts := mustPass(t, d, newReport(c, "1", "a", "text", noon), db.Audience{BotID: 1, Recipients: to},
		db.Audience{BotID: 2, Recipients: []int64{0}}, db.Audience{BotID: 3, Recipients: []int64{0}}).Fanouts
	var sent []db.Outcome
	for i := range fanouts[:3] {
		sent = append(sent, db.Outcome{Fanout: &fanouts[i], Counts: db.Counts{Sent: len(fanouts[i].Recipients)}, Receipts: sentTo(fanouts[i].Recipients...)})
	}
	dbtest.MustSaveOutcomes(t, d, append(sent, db.Outcome{Fanout: &fanouts[4], Counts: db.Counts{Sent: 1}, Receipts: sentTo(0)})...)
	if err := d.DeleteBot(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	kept := mustPass(t, d, newReport(c, "2", "b", "text", noon), db.Audience{BotID: 2, Recipients: []int64{0}}).Fanouts

	if err := d.TakeBack(t.Context(), other.ID, "1"); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("taken back by another city: %v, want ErrNotFound", err)
	}
	if err := d.TakeBack(t.Context(), c.ID, "1"); err != nil {
		t.Fatal(err)
	}
	if err := d.TakeBack(t.Context(), c.ID, "1"); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("taken back twice: %v, want ErrNotFound", err)
	}
	if diff := cmp.Diff(kept, dbtest.MustHaveOpen(t, d, 2, noon)); diff != "" {
		t.Errorf("what the second bot has to send: %s", diff)
	}
	if open := dbtest.MustHaveOpen(t, d, 3, noon); len(open) != 0 {
		t.Errorf("a bot that is gone takes back %v", open)
	}
	open := dbtest.MustHaveOpen(t, d, 1, noon)
	var receipts []db.SentReceipt
	for _, f := range open {
		if !f.Retract || f.OpenCount() != len(f.Recipients) || !f.Created.Equal(noon) || f.Report.ID != "1" {
			t.Errorf("to be taken back: %+v", f)
		}
		receipts = append(receipts, mustReceipts(t, d, f)...)
	}
	if len(open) != 3 {
		t.Errorf("%d fanouts for 130 receipts, want 3", len(open))
	}
	if diff := cmp.Diff(sentTo(to...), receipts); diff != "" {
		t.Errorf("taken back: %s", diff)
	}
	stored, err := d.Report(t.Context(), c.ID, "1")
	if err != nil || stored.Verdict.Passed || stored.Verdict.Reason != report.ReasonTakenBack {
		t.Errorf("what stands of it: %+v, %v", stored.Verdict, err)
	}
}

// TestTakenBackIsNotSent has what was taken back move from what was sent to what was
// retracted. A message that is gone already can never be taken back.
func TestTakenBackIsNotSent(t *testing.T) {
	d := dbtest.MustOpen(t, clock, nil)
	c := dbtest.MustCreateCity(t, d, "city", "chat")
	f := mustPass(t, d, newReport(c, "1", "a", "text", noon), db.Audience{BotID: 1, Recipients: recipients(3)}).Fanouts[0]
	dbtest.MustSaveOutcomes(t, d, db.Outcome{Fanout: &f, Counts: db.Counts{Sent: 3}, Receipts: sentTo(1, 2, 3)})
	if err := d.TakeBack(t.Context(), c.ID, "1"); err != nil {
		t.Fatal(err)
	}
	back := dbtest.MustHaveOpen(t, d, 1, noon)[0]
	dbtest.MustSaveOutcomes(t, d, db.Outcome{Fanout: &back, Open: 0b100, Due: noon, Counts: db.Counts{Retracted: 1}, Retired: back.Recipients[:2]})
	if diff := cmp.Diff(map[int64]db.Counts{1: {Sent: 2, Retracted: 1}}, mustCounts(t, d, "1")); diff != "" {
		t.Error(diff)
	}
	for i, id := range back.Recipients {
		if _, err := d.Receipt(t.Context(), id); (i < 2) != errors.Is(err, db.ErrNotFound) {
			t.Errorf("receipt %d: %v", i, err)
		}
	}
	dbtest.MustSaveOutcomes(t, d, db.Outcome{Fanout: &back, Counts: db.Counts{Retracted: 1}, Retired: back.Recipients[2:]})
	if diff := cmp.Diff(map[int64]db.Counts{1: {Sent: 1, Retracted: 2}}, mustCounts(t, d, "1")); diff != "" {
		t.Error(diff)
	}
	if open := dbtest.MustHaveOpen(t, d, 1, noon); len(open) != 0 {
		t.Errorf("open: %v", open)
	}
}

// TestPutBack has a report that was taken back stand as before: who has it keeps it, and who
// had not got it yet gets it once.
func TestPutBack(t *testing.T) {
	now := noon
	d := dbtest.MustOpen(t, func() time.Time { return now }, nil)
	c, other := dbtest.MustCreateCity(t, d, "city", "chat", "post"), dbtest.MustCreateCity(t, d, "other")
	fanouts := mustPass(t, d, newReport(c, "1", "a", "text", noon), db.Audience{BotID: 1, Recipients: recipients(70)}, db.Audience{BotID: 2, Recipients: []int64{0}}).Fanouts
	half := fanouts[0] // 64 of them, of which two are open
	dbtest.MustSaveOutcomes(t, d,
		db.Outcome{Fanout: &half, Open: 0b101, Due: noon, Counts: db.Counts{Sent: 62}, Receipts: sentTo(2)},
		db.Outcome{Fanout: &fanouts[2], Counts: db.Counts{Sent: 1}, Receipts: sentTo(0)})
	before, err := d.Report(t.Context(), c.ID, "1")
	if err != nil {
		t.Fatal(err)
	}
	const undo = 30 * time.Second
	if err := d.TakeBackFor(t.Context(), c.ID, "1", undo); err != nil {
		t.Fatal(err)
	}
	for _, bot := range []int64{1, 2} {
		if open := dbtest.MustHaveOpen(t, d, bot, now.Add(undo-time.Second)); len(open) > 0 {
			t.Errorf("bot %d takes back at once: %v", bot, open)
		}
		if open := dbtest.MustHaveOpen(t, d, bot, now.Add(undo)); len(open) != 1 || !open[0].Retract {
			t.Errorf("bot %d is to take back %v", bot, open)
		}
	}
	if _, err := d.PutBack(t.Context(), other.ID, "1"); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("another city puts it back: %v", err)
	}
	list, err := d.PutBack(t.Context(), c.ID, "1")
	if err != nil {
		t.Fatal(err)
	}
	var open []int64
	for _, f := range list {
		open = append(open, f.Recipients...)
	}
	if diff := cmp.Diff([]int64{1, 3, 65, 66, 67, 68, 69, 70}, open); diff != "" {
		t.Errorf("to be sent: %s", diff)
	}
	if open := dbtest.MustHaveOpen(t, d, 2, now.Add(time.Hour)); len(open) > 0 {
		t.Errorf("it is taken back all the same: %v", open)
	}
	after, err := d.Report(t.Context(), c.ID, "1")
	if diff := cmp.Diff(before, after); diff != "" || err != nil {
		t.Errorf("it is %s, %v", diff, err)
	}
	if _, err := d.PutBack(t.Context(), c.ID, "1"); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("put back twice: %v", err)
	}
	if err := d.TakeBackFor(t.Context(), c.ID, "1", undo); err != nil {
		t.Fatal(err)
	}
	now = now.Add(undo + time.Millisecond)
	if _, err := d.PutBack(t.Context(), c.ID, "1"); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("put back too late: %v", err)
	}
}
