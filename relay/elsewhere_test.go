package relay_test

import (
	"context"
	"encoding/json"
	"log/slog"
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
	if !dbtest.OnServer() {
		t.Skip("of PostgreSQL alone: install it, and give the URL of a server in " + dbtest.ServerVariable)
	}
	one, other := dbtest.MustOpenTwo(t, time.Now, nil)
	one.Share("one", slog.New(slog.DiscardHandler)) // it wins no city
	networks := map[string]bots.Network{"crowd": crowd(34)}
	p := &two{answering: newAnsweringOn(t, func(func() time.Time) *db.DB { return one }, networks, "crowd")}
	dbtest.MustSaveRules(t, one, p.city.ID, `\bu\d\b`, "fascho")
	p.judge, _ = newRelayOn(other, p.now(), networks)
	p.judge.Now = p.now
	p.relay.Bus = new(bus.Bus)
	if tell {
		p.listen(one, p.relay.Notices)
		p.listen(other, p.judge.Notices)
	}
	start(t, p.judge)
	start(t, p.relay)
	p.events = p.relay.Bus.Subscribe(p.city.ID, 100, "report.*")
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
	p.mustHear(p.message("3", "c", "U2 Plärrer"))
	p.mustHappen(bus.ReportPassed, "U2 Plärrer")
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
