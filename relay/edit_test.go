package relay_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/config"
	"ticketfrei/internal/report"
	"ticketfrei/relay"
)

// editor is somebody whose messages are heard, and who changes them.

type editor struct {
	*testing.T
	rl      *relay.Relay
	out     *sent
	hearing *relay.Hearing
	bot     report.Bot
}

// newEditor returns one of a city that takes what names a line, and nothing with "spam".
func newEditor(t *testing.T) *editor {
	t.Helper()
	rl, out := newRelay(t, map[string]bots.Network{"crowd": crowd(1)})
	a := &editor{T: t, rl: rl, out: out}
	a.hearing, a.bot = newHearing(t, rl, 100)
	dbtest.MustSaveRules(t, rl.DB, a.bot.CityID, `U\d`, "spam")
	return a
}

func (a *editor) hear(in bots.Incoming) {
	a.Helper()
	if in.Author == "" && !in.Deleted {
		in.Author = "anna"
	}
	if err := a.hearing.Hear(a.Context(), a.bot, in); err != nil {
		a.Fatal(err)
	}
}

func (a *editor) id(id string) string { return a.hearing.Secrets.ReportID(a.bot.Network, a.bot.ID, id) }

// stands waits until a message is judged and returns what stands of it.
func (a *editor) stands(id string) db.Judged {
	a.Helper()
	ctx, stop := context.WithTimeout(a.Context(), time.Minute)
	defer stop()
	mustWaitForVerdict(ctx, a.T, a.rl, report.City{ID: a.bot.CityID}, a.id(id))
	j, err := a.rl.DB.Report(ctx, a.bot.CityID, a.id(id))
	if err != nil {
		a.Fatal(err)
	}
	return j
}

// want checks what stands of a message.
func (a *editor) want(id, text string, passed bool, reason report.Reason, detail string) {
	a.Helper()
	j := a.stands(id)
	if j.Report.Text != text || j.Verdict.Passed != passed || j.Verdict.Reason != reason || detail != "" && j.Verdict.Detail != detail {
		a.Errorf("%s stands as %q, %+v; want %q, %v, %s, %s", id, j.Report.Text, j.Verdict, text, passed, reason, detail)
	}
}

func (a *editor) gone(id string) {
	a.Helper()
	if there, err := a.rl.DB.Knows(a.Context(), a.bot.CityID, a.id(id)); err != nil || there {
		a.Errorf("%s is still there: %v", id, err)
	}
}

// receipts are what a report of one who reads was answered with.
func (a *editor) sent(f db.Fanout, receipts ...db.SentReceipt) {
	a.Helper()
	dbtest.MustSaveOutcomes(a.T, a.rl.DB, db.Outcome{Fanout: &f, Counts: db.Counts{Sent: len(receipts)}, Receipts: receipts})
}

func TestWhatPassedIsJudgedAgain(t *testing.T) {
	t.Parallel()
	a := newEditor(t)
	start(t, a.rl)
	a.hear(bots.Incoming{ID: "1", Text: "U1 Hbf"})
	a.want("1", "U1 Hbf", true, report.ReasonTrigger, "")
	a.sent(a.out.mustWait(t, 1)[0], db.SentReceipt{Recipient: 1, Receipt: report.Receipt{ID: "7"}})

	a.hear(bots.Incoming{ID: "1", Text: "U2 Hbf, bei anna@riders.example", Edited: true})
	a.want("1", "U2 Hbf, bei", true, report.ReasonTrigger, "")
	a.hear(bots.Incoming{ID: "1", Author: "eve", Text: "U3 spam", Edited: true})
	a.hear(bots.Incoming{ID: "unknown", Text: "U3", Edited: true})
	a.hear(bots.Incoming{ID: "unknown", Deleted: true})
	a.gone("unknown")
	a.want("1", "U2 Hbf, bei", true, report.ReasonTrigger, "")

	for range 2 {
		a.hear(bots.Incoming{ID: "1", Text: "U2 spam", Edited: true})
	}
	a.want("1", "U2 spam", false, report.ReasonTakenBack, report.DetailChanged)
	open := dbtest.MustHaveOpen(t, a.rl.DB, a.bot.ID, a.rl.Now())
	if len(open) != 1 || !open[0].Retract || len(a.out.taken) != 1 {
		t.Errorf("to be taken back: %+v, told of %v", open, a.out.taken)
	}
	a.hear(bots.Incoming{ID: "1", Text: "U1 Hbf", Edited: true})
	a.want("1", "U2 spam", false, report.ReasonTakenBack, report.DetailChanged)
	a.out.mustWait(t, 1)
}

func TestWhatIsDeletedIsTakenBack(t *testing.T) {
	t.Parallel()
	a := newEditor(t)
	stop := start(t, a.rl)
	told := make(chan int64, 10)
	a.hear(bots.Incoming{ID: "1", Text: "U1 Hbf"})
	a.hear(bots.Incoming{ID: "2", Text: "Hallo"})
	a.hear(bots.Incoming{ID: "3", Text: "U3 Hbf"})
	a.sent(a.out.mustWait(t, 2)[0], db.SentReceipt{Recipient: 1, Receipt: report.Receipt{ID: "7"}})
	if err := a.rl.TakeBack(t.Context(), a.bot.CityID, a.id("3")); err != nil {
		t.Fatal(err)
	}
	a.want("2", "Hallo", false, report.ReasonNoTrigger, "")
	stop()
	a.hear(bots.Incoming{ID: "4", Text: "U4 Hbf"})
	defer a.rl.Notices.OnPassed(func(cityID int64) { told <- cityID })()
	for _, id := range []string{"1", "1", "2", "3", "4", "4"} {
		a.hear(bots.Incoming{ID: id, Deleted: true})
	}
	a.want("1", "", false, report.ReasonTakenBack, report.DetailDeleted)
	a.want("3", "", false, report.ReasonTakenBack, "")
	a.gone("2")
	a.gone("4")
	if n := mustCountBacklog(t, a.rl.DB); n != 0 || len(told) != 1 {
		t.Errorf("%d reports wait, and the page was told %d times", n, len(told))
	}
	var normalized string
	if err := a.rl.DB.ReadRow(t.Context(), "SELECT normalized FROM reports WHERE id = ?", a.id("1")).Scan(&normalized); err != nil || normalized != "" {
		t.Errorf("kept of it is %q, %v", normalized, err)
	}
	start(t, a.rl)
	a.hear(bots.Incoming{ID: "5", Author: "bert", Text: "U5"})
	a.want("5", "U5", true, report.ReasonTrigger, "")
	a.out.mustWait(t, 3) // of 1, 3 and 5
}

// TestWhatDidNotPassIsJudgedAsNew edits what was refused, held, muted, and what waits.
func TestWhatDidNotPassIsJudgedAsNew(t *testing.T) {
	t.Parallel()
	a := newEditor(t)
	a.rl.SetBrakes(config.Brakes{Author: 1})
	a.hear(bots.Incoming{ID: "1", Text: "spam"})
	a.hear(bots.Incoming{ID: "1", Text: "U1", Edited: true}) // not judged yet
	if n := mustCountBacklog(t, a.rl.DB); n != 1 {
		t.Errorf("%d reports wait, want 1", n)
	}
	stop := start(t, a.rl)
	a.want("1", "U1", true, report.ReasonTrigger, "")
	a.hear(bots.Incoming{ID: "2", Author: "bert", Text: "wo"})
	a.want("2", "wo", false, report.ReasonNoTrigger, "")
	a.hear(bots.Incoming{ID: "2", Author: "bert", Text: "U2", Edited: true})
	a.want("2", "U2", true, report.ReasonTrigger, "")
	list := a.out.mustWait(t, 2)
	if got := []string{list[0].Report.Text, list[1].Report.Text}; !slices.Equal(got, []string{"U1", "U2"}) {
		t.Errorf("passed on: %v", got)
	}

	a.hear(bots.Incoming{ID: "3", Text: "U3"})
	a.want("3", "U3", false, report.ReasonFlood, "")
	a.hear(bots.Incoming{ID: "3", Text: "U3 Hbf", Edited: true})
	a.want("3", "U3 Hbf", false, report.ReasonFlood, "")

	muted := a.stands("3").Report.Author
	if err := a.rl.DB.Mute(t.Context(), a.bot.CityID, muted); err != nil {
		t.Fatal(err)
	}
	a.hear(bots.Incoming{ID: "3", Text: "U4 Hbf", Edited: true})
	a.want("3", "U4 Hbf", false, report.ReasonMuted, "")
	a.hear(bots.Incoming{ID: "4", Author: "cleo", Text: "wo", Time: a.rl.Now().Add(-2 * time.Hour)})
	a.want("4", "wo", false, report.ReasonExpired, "")
	a.hear(bots.Incoming{ID: "4", Author: "cleo", Text: "U4", Time: a.rl.Now().Add(-2 * time.Hour), Edited: true})
	a.want("4", "U4", false, report.ReasonExpired, "")
	stop()
	if n := mustCountBacklog(t, a.rl.DB); n != 0 {
		t.Errorf("%d reports wait", n)
	}
	a.out.mustWait(t, 2)
}

// TestMutedChangeNothingThatIsShown: what they make of a report that passed is not shown.
func TestMutedChangeNothingThatIsShown(t *testing.T) {
	t.Parallel()
	a := newEditor(t)
	start(t, a.rl)
	a.hear(bots.Incoming{ID: "1", Text: "U1"})
	if err := a.rl.DB.Mute(t.Context(), a.bot.CityID, a.stands("1").Report.Author); err != nil {
		t.Fatal(err)
	}
	a.hear(bots.Incoming{ID: "1", Text: "U1", Edited: true}) // as it was
	a.want("1", "U1", true, report.ReasonTrigger, "")
	a.hear(bots.Incoming{ID: "1", Text: "U2", Edited: true})
	a.want("1", "U2", false, report.ReasonTakenBack, report.DetailChanged)
}

// TestRepetitionStaysOne edits a message that came by two bots of its city.
func TestRepetitionStaysOne(t *testing.T) {
	t.Parallel()
	a := newEditor(t)
	start(t, a.rl)
	a.hear(bots.Incoming{ID: "1", Text: "U1"})
	a.hear(bots.Incoming{ID: "2", Text: "U1"})
	a.want("2", "U1", false, report.ReasonRepeated, "")
	a.hear(bots.Incoming{ID: "2", Text: "U2", Edited: true})
	a.hear(bots.Incoming{ID: "1", Text: "U2", Edited: true})
	a.want("1", "U2", true, report.ReasonTrigger, "")
	a.want("2", "U1", false, report.ReasonRepeated, "")
	a.out.mustWait(t, 1)
}

func TestWhatWasThrownAwayStaysAway(t *testing.T) {
	t.Parallel()
	a := newEditor(t)
	a.rl.SetBrakes(config.Brakes{Author: 1})
	start(t, a.rl)
	a.hear(bots.Incoming{ID: "1", Text: "U1"})
	a.hear(bots.Incoming{ID: "2", Text: "U2"})
	a.want("2", "U2", false, report.ReasonFlood, "")
	if n, err := a.rl.DB.ThrowAway(t.Context(), a.bot.CityID, db.Choice{}); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	a.hear(bots.Incoming{ID: "2", Text: "U3", Edited: true})
	a.gone("2")
	if _, err := a.rl.Pause(t.Context(), a.bot.CityID); err != nil {
		t.Fatal(err)
	}
	a.hear(bots.Incoming{ID: "1", Text: "U4", Edited: true})
	if err := a.rl.Resume(t.Context(), a.bot.CityID); err != nil {
		t.Fatal(err)
	}
	a.hear(bots.Incoming{ID: "1", Text: "U4", Edited: true})
	a.gone("1")
	a.out.mustWait(t, 1)
}

// TestBoostOfWhatCannotBeBoostedGoes adds to a report that was boosted what its bot does
// not show.
func TestBoostOfWhatCannotBeBoostedGoes(t *testing.T) {
	t.Parallel()
	a := newEditor(t)
	start(t, a.rl)
	in := bots.Incoming{ID: "1", Text: "U1", Visibility: report.Public, KeepID: true}
	a.hear(in)
	boost := db.SentReceipt{Receipt: report.Receipt{ID: report.BoostReceipt + "8"}}
	a.sent(a.out.mustWait(t, 1)[0], boost)
	in.Edited, in.Text = true, "U2"
	a.hear(in)
	a.want("1", "U2", true, report.ReasonTrigger, "")
	a.out.mustWait(t, 1) // the boost shows it

	in.KeepID = false
	a.hear(in)
	a.hear(in) // while it is being taken back
	list := a.out.mustWait(t, 3)[1:]
	if !list[0].Retract || list[1].Retract || list[1].Report.Text != "U2" || !slices.Equal(list[1].Recipients, []int64{0}) {
		t.Fatalf("to be sent: %+v", list)
	}
	id := list[0].Recipients[0]
	receipt, err := a.rl.DB.Receipt(t.Context(), id)
	if diff := cmp.Diff(boost, receipt); diff != "" || err != nil {
		t.Errorf("to be taken back: %v, %s", err, diff)
	}
	dbtest.MustSaveOutcomes(t, a.rl.DB, db.Outcome{Fanout: &list[0], Counts: db.Counts{Retracted: 1}, Retired: []int64{id}})
	a.sent(list[1], db.SentReceipt{Receipt: report.Receipt{ID: "9"}})
	a.hear(in)
	a.out.mustWait(t, 3) // once
}

// TestEditsWaitForModerators edits what passed where moderators look first: nobody sees what
// they have not.
func TestEditsWaitForModerators(t *testing.T) {
	t.Parallel()
	a := newEditor(t)
	start(t, a.rl)
	approve := func(whose report.Approval) {
		t.Helper()
		if _, err := a.rl.DB.ChangeCity(t.Context(), a.bot.CityID, func(c *report.City) error {
			c.Approval = whose
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		a.rl.Notices.Changed(a.bot.CityID)
	}
	let := func(id string) {
		t.Helper()
		a.want(id, "U1 "+id, false, report.ReasonApproval, "")
		mustLetThrough(t, a.rl, report.City{ID: a.bot.CityID}, db.Choice{ReportID: a.id(id)}, 1, 0)
	}
	approve(report.ApproveAll)
	in := bots.Incoming{ID: "1", Text: "U1 1", Visibility: report.Public, KeepID: true}
	a.hear(in)
	let("1")
	a.sent(a.out.mustWait(t, 1)[0], db.SentReceipt{Receipt: report.Receipt{ID: report.BoostReceipt + "8"}})
	in.Edited, in.Text = true, "U2 somebody's name"
	for range 2 {
		a.hear(in)
	}
	a.want("1", "U1 1", true, report.ReasonLetThrough, "")
	list := a.out.mustWait(t, 3)[1:]
	if !list[0].Retract || list[1].Retract || list[1].Report.Text != "U1 1" {
		t.Errorf("the boost shows the new words: to be sent: %+v", list)
	}
	in.Text = "U2 spam"
	a.hear(in)
	a.want("1", "U2 spam", false, report.ReasonTakenBack, report.DetailChanged)

	approve(report.ApproveNew)
	a.hear(bots.Incoming{ID: "2", Author: "bob", Text: "U1 2"})
	let("2")
	a.hear(bots.Incoming{ID: "2", Author: "bob", Text: "U3 2", Edited: true}) // who is not new any more
	a.want("2", "U3 2", true, report.ReasonTrigger, "")
	forged := bots.Incoming{ID: "3", Author: "eve", Text: "U1 3", Unverified: &bots.Origin{}}
	a.hear(forged)
	id := a.hearing.Secrets.Unverified(a.id("3"))
	mustWaitForVerdict(t.Context(), t, a.rl, report.City{ID: a.bot.CityID}, id)
	mustLetThrough(t, a.rl, report.City{ID: a.bot.CityID}, db.Choice{ReportID: id}, 1, 0)
	forged.Text, forged.Edited = "U3 3", true
	a.hear(forged)
	if j, err := a.rl.DB.Report(t.Context(), a.bot.CityID, id); err != nil || j.Report.Text != "U1 3" || !j.Verdict.Passed {
		t.Errorf("who is always new says %q, %+v: %v", j.Report.Text, j.Verdict, err)
	}
}
