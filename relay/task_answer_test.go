package relay_test

import (
	"context"
	"testing"
	"time"

	"ticketfrei/bots"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/report"
)

// TestTasksAnswer has tasks say a word to whoever wrote: it comes with what became of the
// report, and alone where they are told nothing of that.
func TestTasksAnswer(t *testing.T) {
	t.Parallel()
	timetable := newTask(func(context.Context, report.Report) (bots.TaskResult, error) {
		return bots.TaskResult{Answer: "Next one in 5 minutes"}, nil
	})
	second := newTask(func(context.Context, report.Report) (bots.TaskResult, error) {
		return bots.TaskResult{Answer: " \n"}, nil
	})
	judge := newTask(func(_ context.Context, r report.Report) (bots.TaskResult, error) {
		if r.Text == "U3 spam" {
			return bots.TaskResult{Refuse: "spam", Answer: "No spam"}, nil
		}
		return bots.TaskResult{}, nil
	})
	a := newTasked(t, time.Minute, map[string]bots.Network{"timetable": timetable, "second": second, "judge": judge}, "timetable", "second", "judge")
	dbtest.MustSaveRules(t, a.relay.DB, a.city.ID, `\bu\d\b`, "fascho")
	start(t, a.relay)
	for _, in := range []struct{ id, text, want string }{
		{"passed", "U1 Plärrer", "passed: passed: Weitergegeben, an 34 Leute.\n\nNext one in 5 minutes"},
		{"blocked", "U1 fascho", "blocked: received: Next one in 5 minutes"},
		{"refused", "U3 spam", "refused: held: " + a.relay.Texts.T("de", "answer.held.task") + "\n\nNext one in 5 minutes\n\nNo spam"},
	} {
		message := a.message(in.id, in.id, in.text)
		answer := message.Answer
		message.Answer = func(ctx context.Context, w bots.Answer) error {
			if !w.Always() {
				t.Errorf("%s: whether it is said is left to the moderators", in.id)
			}
			return answer(ctx, w)
		}
		a.mustHear(message)
		a.mustSay(in.want)
	}
}
