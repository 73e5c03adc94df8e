package relay_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/bus"
	"ticketfrei/internal/notice"
	"ticketfrei/internal/report"
	"ticketfrei/relay"
)

// two are two processes on one server: one hears, and the other judges.
type two struct {
	*answering              // of the one that hears
	judge      *relay.Relay // of the other
	events     *bus.Subscription
}

// newTwo starts both. Where they are not to tell each other anything, all that one does is
// found by the other in the database.
func newTwo(t *testing.T, tell bool) *two {
	t.Helper()
	return newTwoTasked(t, tell, nil)
}

// newTwoTasked is newTwo for a city with these tasks.
func newTwoTasked(t *testing.T, tell bool, tasks map[string]bots.Network) *two {
	t.Helper()
	if !dbtest.OnServer() {
		t.Skip("of PostgreSQL alone: install it, and give the URL of a server in " + dbtest.ServerVariable)
	}
	one, other := dbtest.MustOpenTwo(t, time.Now, nil)
	one.Share("one", slog.New(slog.DiscardHandler)) // it wins no city
	networks, names := map[string]bots.Network{"crowd": crowd(34)}, []string{"crowd"}
	for name, n := range tasks {
		networks[name], names = n, append(names, name)
	}
	p := &two{answering: newAnsweringOn(t, func(func() time.Time) *db.DB { return one }, networks, names...)}
	_, err := one.ChangeCity(t.Context(), p.city.ID, func(c *report.City) error {
		c.Tasks = strings.Join(names[1:], "\n")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	dbtest.MustSaveRules(t, one, p.city.ID, `\bu\d\b`, "fascho")
	p.judge, _ = newRelayOn(other, p.now(), networks)
	p.judge.Now = p.now
	p.judge.Tasks = &relay.Tasks{DB: other, Networks: networks, Texts: p.relay.Texts, Wait: time.Minute, Log: p.judge.Log, Now: p.now}
	p.relay.Bus = new(bus.Bus)
	if tell {
		p.listen(one, p.relay.Notices)
		p.listen(other, p.judge.Notices)
	}
	start(t, p.judge)
	start(t, p.relay)
	p.events = p.relay.Bus.Subscribe(p.city.ID, 100, "report.*", "bot.*")
	t.Cleanup(p.events.Close)
	return p
}

// listen has a process tell and hear, and waits until it does.
func (p *two) listen(d *db.DB, board *notice.Board) {
	p.t.Helper()
	ready := make(chan struct{}, 1000)
	stop := board.OnHeard(func(int64) { ready <- struct{}{} })
	ctx, end := context.WithCancel(context.Background())
	ended := make(chan struct{})
	wire := d.Wire(board, slog.New(slog.DiscardHandler))
	go func() {
		defer close(ended)
		wire.Run(ctx)
	}()
	p.t.Cleanup(func() {
		end()
		<-ended
	})
	<-ready
	stop()
}

// mustHappen waits for the next event, which is of a report.
func (p *two) mustHappen(name, text string) report.Form {
	p.t.Helper()
	select {
	case e := <-p.events.C:
		var f report.Form
		if err := json.Unmarshal(e.Payload, &f); err != nil {
			p.t.Fatal(err)
		}
		if e.Name != name || f.Text != text {
			p.t.Errorf("%s of %q, want %s of %q", e.Name, f.Text, name, text)
		}
		return f
	case <-time.After(time.Minute):
		p.t.Fatalf("nothing happened, want %s of %q", name, text)
		panic("unreachable")
	}
}

// TestWhoHearsAnswers has reports judged by another process than the one that hears them:
// whoever wrote is told by that, and who follows the city there of what passed.
func TestWhoHearsAnswers(t *testing.T) {
	t.Parallel()
	for name, tell := range map[string]bool{"told": true, "found": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newTwo(t, tell)
			p.mustHear(p.message("1", "a", "U1 Plärrer"))
			p.mustSay("1: passed: Weitergegeben, an 34 Leute.")
			p.mustHear(p.message("2", "b", "am Plärrer"))
			p.mustSay("2: held: Nicht weitergegeben: Schreib bitte noch einmal und sag dazu, welche Linie oder Haltestelle.")
			p.mustHear(p.message("3", "a", "u1   plärrer"))
			p.mustSay("3: known: Schon bekannt, danke!")
			if n := p.relay.Answers.Expected(); n != 0 {
				t.Errorf("%d wait for an answer", n)
			}
		})
	}
}

func TestWhoFollowsIsToldOfOtherProcesses(t *testing.T) {
	t.Parallel()
	p := newTwo(t, true)
	p.mustHear(p.message("1", "a", "U1 Plärrer"))
	passed := p.mustHappen(bus.ReportPassed, "U1 Plärrer")
	p.mustHear(p.message("2", "b", "am Plärrer"))
	refused := p.mustHappen(bus.ReportRefused, "am Plärrer")
	if err := p.judge.TakeBack(t.Context(), p.city.ID, passed.ID); err != nil {
		t.Fatal(err)
	}
	p.mustHappen(bus.ReportTakenBack, "U1 Plärrer")

	// What a moderator does here is told once, also where the other process goes on.
	if _, _, err := p.relay.LetThrough(t.Context(), p.city.ID, db.Choice{ReportID: refused.ID}); err != nil {
		t.Fatal(err)
	}
	p.mustHappen(bus.ReportPassed, "am Plärrer")
	p.mustHear(p.message("3", "c", "U2 Plärrer"))
	p.mustHappen(bus.ReportPassed, "U2 Plärrer")
}

// TestTasksAnswerAtAnyProcess has a task of the process that judges say a word to whoever wrote
// to the other. What it said is sealed, and goes with the report.
func TestTasksAnswerAtAnyProcess(t *testing.T) {
	t.Parallel()
	p := newTwoTasked(t, true, map[string]bots.Network{"timetable": newTask(func(context.Context, report.Report) (bots.TaskResult, error) {
		return bots.TaskResult{Answer: "Next one in 5 minutes"}, nil
	})})
	p.mustHear(p.message("1", "a", "U1 Plärrer"))
	p.mustSay("1: passed: Weitergegeben, an 34 Leute.\n\nNext one in 5 minutes")
	p.mustHear(p.message("2", "b", "U1 fascho"))
	p.mustSay("2: received: Next one in 5 minutes")
	stored, err := db.ReadColumn[string](t.Context(), p.relay.DB, "SELECT answer FROM task_answers")
	if err != nil || len(stored) != 2 || strings.Contains(strings.Join(stored, ""), "Next") {
		t.Errorf("%q are stored, %v", stored, err)
	}
	p.passes(time.Hour)
	if err := p.judge.DB.WipeReports(t.Context(), p.city.ID); err != nil {
		t.Fatal(err)
	}
	if stored, err = db.ReadColumn[string](t.Context(), p.relay.DB, "SELECT answer FROM task_answers"); err != nil || len(stored) > 0 {
		t.Errorf("%q are left, %v", stored, err)
	}
}

// TestBotsOfOtherProcessesAreTold changes how bots are doing that another process runs: who
// follows the city here is told, once for each change, also where a message was lost.
func TestBotsOfOtherProcessesAreTold(t *testing.T) {
	t.Parallel()
	p := newTwo(t, true)
	p.mustHear(p.message("1", "a", "U1 Plärrer"))
	p.mustHappen(bus.ReportPassed, "U1 Plärrer") // from here on it is known how the bots were doing
	becomes := func(state report.BotState) {
		t.Helper()
		if err := p.judge.DB.SetBotState(t.Context(), p.bot.ID, state, "", false); err != nil {
			t.Fatal(err)
		}
	}
	told := func(state report.BotState) {
		t.Helper()
		select {
		case e := <-p.events.C:
			var b bus.BotState
			if err := json.Unmarshal(e.Payload, &b); err != nil || e.Name != "bot."+string(state) || b.Bot != p.bot.ID || b.State != string(state) {
				t.Errorf("told of %s %+v, want %s, %v", e.Name, b, state, err)
			}
		case <-time.After(time.Minute):
			t.Fatalf("nobody is told that the bot is %s", state)
		}
	}
	for _, state := range []report.BotState{report.BotRunning, report.BotTrouble, report.BotRunning} {
		becomes(state)
		for range 2 { // of the second there is nothing new
			p.judge.Notices.State(p.bot.ID)
		}
		told(state)
	}
	becomes(report.BotAttention)
	p.relay.Notices.Elsewhere(notice.Notice{Kind: notice.Passed, ID: notice.All}) // as after a connection was lost
	told(report.BotAttention)
	if len(p.events.C) > 0 {
		t.Errorf("told of %+v, too", <-p.events.C)
	}
}

// TestRulesOfOtherProcesses changes the rules where they are not judged by.
func TestRulesOfOtherProcesses(t *testing.T) {
	t.Parallel()
	p := newTwo(t, true)
	p.mustHear(p.message("1", "a", "U1 Plärrer"))
	p.mustHappen(bus.ReportPassed, "U1 Plärrer")
	dbtest.MustSaveRules(t, p.relay.DB, p.city.ID, `\bbus\b`, "")
	told := make(chan int64, 1000)
	defer p.judge.Notices.OnChanged(func(cityID int64) { told <- cityID })()
	p.relay.Notices.Changed(p.city.ID)
	for cityID := range told {
		if cityID == p.city.ID {
			break
		}
	}
	p.mustHear(p.message("2", "b", "U2 Plärrer"))
	p.mustHappen(bus.ReportRefused, "U2 Plärrer")
	p.mustHear(p.message("3", "c", "Bus 36"))
	p.mustHappen(bus.ReportPassed, "Bus 36")
}

// TestRulesAreReadAgain loses what is told of a change.
func TestRulesAreReadAgain(t *testing.T) {
	t.Parallel()
	p := newTwo(t, false)
	p.mustHear(p.message("0", "z", "U1 Plärrer"))
	p.mustSay("0: passed: Weitergegeben, an 34 Leute.")
	dbtest.MustSaveRules(t, p.relay.DB, p.city.ID, "*", "")
	deadline := time.Now().Add(time.Minute)
	for i := 1; ; i++ {
		text := "am Plärrer " + string(rune('a'+i%26)) + string(rune('a'+i/26))
		p.mustHear(p.message(text, text, text))
		select {
		case said := <-p.said:
			if said == text+": passed: Weitergegeben, an 34 Leute." {
				return
			}
		case <-time.After(time.Minute):
			t.Fatal("nobody was answered")
		}
		if time.Now().After(deadline) {
			t.Fatal("the rules are never read again")
		}
	}
}
