package relay_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/bus"
	"ticketfrei/internal/report"
	"ticketfrei/relay"
)

// tasking is a network that looks at reports, and sends none.
type tasking struct {
	listing
	task func(ctx context.Context, r report.Report) (bots.TaskResult, error)
}

var _ bots.Tasker = tasking{}

func (t tasking) Task(ctx context.Context, _ report.Bot, r report.Report) (bots.TaskResult, error) {
	return t.task(ctx, r)
}

func newTask(task func(ctx context.Context, r report.Report) (bots.TaskResult, error)) tasking {
	return tasking{listing{list: func(report.Report) ([]int64, error) { return nil, nil }}, task}
}

// results is what a task says of every report.
func results(raw string) tasking {
	return newTask(func(context.Context, report.Report) (bots.TaskResult, error) {
		return bots.TaskResult{Results: json.RawMessage(raw)}, nil
	})
}

// hanging never answers, and does not care that its time is over.
func hanging(t *testing.T) tasking {
	end := make(chan struct{})
	t.Cleanup(func() { close(end) })
	return newTask(func(context.Context, report.Report) (bots.TaskResult, error) {
		<-end
		return bots.TaskResult{Results: json.RawMessage(`"late"`)}, nil
	})
}

// newTasked is newAnswering for a city with these tasks, which may take so long.
func newTasked(t *testing.T, wait time.Duration, tasks map[string]bots.Network, order ...string) *answering {
	t.Helper()
	networks := map[string]bots.Network{"crowd": crowd(34)}
	for name, n := range tasks {
		networks[name] = n
	}
	a := newAnswering(t, networks, append([]string{"crowd"}, order...)...)
	_, err := a.relay.DB.ChangeCity(t.Context(), a.city.ID, func(c *report.City) error {
		c.Tasks = strings.Join(order, "\n")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	a.relay.Bus = new(bus.Bus)
	a.relay.Tasks = &relay.Tasks{DB: a.relay.DB, Networks: networks, Texts: a.relay.Texts, Wait: wait, Log: a.relay.Log, Now: a.now}
	a.hearing.Tasks = a.relay.Tasks
	return a
}

// judged is a report as it was stored.
func (a *answering) judged(message string) db.Judged {
	a.t.Helper()
	j, err := a.relay.DB.Report(a.t.Context(), a.city.ID, a.id(message))
	if err != nil {
		a.t.Fatal(err)
	}
	return j
}

// logOf is the log of the city's bot on a network.
func (a *answering) logOf(network string) (lines []string) {
	a.t.Helper()
	b, err := a.relay.DB.FindBot(a.t.Context(), a.city.ID, network)
	if err != nil {
		a.t.Fatal(err)
	}
	list, err := a.relay.DB.Log(a.t.Context(), b.ID, 50)
	if err != nil {
		a.t.Fatal(err)
	}
	for _, l := range list {
		lines = append(lines, l.Level+" "+l.Text)
	}
	return lines
}

// TestTasksGrowResults has tasks look at a report in the order of their city: each gets
// what those before it said, under its name, and the report keeps it.
func TestTasksGrowResults(t *testing.T) {
	t.Parallel()
	var got string
	var read report.Reading
	judge := newTask(func(_ context.Context, r report.Report) (bots.TaskResult, error) {
		got, read = r.Results, r.Reading
		return bots.TaskResult{Results: json.RawMessage(`{"sure": 0.9}`)}, nil
	})
	silent := results("")
	a := newTasked(t, time.Minute, map[string]bots.Network{"gtfs": results(`{"line":"U1","gtfs":"mine"}`), "silent": silent, "judge": judge}, "gtfs", "silent", "judge")
	a.relay.Places, _ = relay.NewPlaces(a.relay.DB, a.relay.Notices, a.relay.Log)
	dbtest.MustSavePlaces(t, a.relay.DB, a.city.ID, "U1: Plärrer")
	start(t, a.relay)
	a.mustHear(a.message("a", "x", "U1 Plärrer 2 Kontis"))
	a.mustSay("a: passed: Weitergegeben, an 34 Leute.")
	if want := `{"gtfs":{"line":"U1","gtfs":"mine"}}`; got != want {
		t.Errorf("judge was given the results %s, want %s", got, want)
	}
	if read.Stop != "Plärrer" {
		t.Errorf("judge was given the stop %q", read.Stop)
	}
	if want, got := `{"gtfs":{"line":"U1","gtfs":"mine"},"judge":{"sure":0.9}}`, a.judged("a").Report.Results; got != want {
		t.Errorf("stored results %s, want %s", got, want)
	}
}

// TestTaskRefuses has a task refuse what the censor would pass, and pass nothing that the
// censor refuses. What it refused can be let through by a moderator.
func TestTaskRefuses(t *testing.T) {
	t.Parallel()
	judge := newTask(func(_ context.Context, r report.Report) (bots.TaskResult, error) {
		if strings.Contains(r.Text, "Werbung") {
			return bots.TaskResult{Refuse: "looks like\nadvertising", Results: json.RawMessage(`1`)}, nil
		}
		return bots.TaskResult{}, nil
	})
	never := newTask(func(_ context.Context, r report.Report) (bots.TaskResult, error) {
		if strings.Contains(r.Text, "Werbung") {
			t.Error("what was refused was looked at once more")
		}
		return bots.TaskResult{}, nil
	})
	a := newTasked(t, time.Minute, map[string]bots.Network{"judge": judge, "never": never}, "judge", "never")
	dbtest.MustSaveRules(t, a.relay.DB, a.city.ID, `\bu\d\b`, "")
	events := a.relay.Bus.Subscribe(a.city.ID, 9, "report.*")
	start(t, a.relay)
	a.mustHear(a.message("ad", "x", "U1 Werbung"))
	a.mustSay("ad: held: Nicht weitergegeben: Das wurde nicht für eine Meldung gehalten. Die Moderation sieht es trotzdem.")
	want := report.Verdict{Reason: report.ReasonTask, Detail: "looks like advertising"}
	if got := a.judged("ad"); got.Verdict != want || got.Report.Results != `{"judge":1}` {
		t.Errorf("stored %+v with the results %s", got.Verdict, got.Report.Results)
	}
	a.mustHear(a.message("none", "x", "Plärrer Werbung"))
	a.mustSay("none: held: Nicht weitergegeben: Schreib bitte noch einmal und sag dazu, welche Linie oder Haltestelle.")
	if passed, _, err := a.relay.LetThrough(t.Context(), a.city.ID, db.Choice{ReportID: a.id("ad")}); passed != 1 || err != nil {
		t.Errorf("%d were let through: %v", passed, err)
	}
	var names []string
	for range 3 {
		e := <-events.C
		var f report.Form
		if err := json.Unmarshal(e.Payload, &f); err != nil {
			t.Error(err)
		}
		names = append(names, fmt.Sprint(e.Name, " ", f.Reason, " ", f.City, " ", string(f.Results)))
	}
	if diff := cmp.Diff([]string{`report.refused task fuerth {"judge":1}`, `report.refused no_trigger fuerth {"judge":1}`, `report.passed let_through fuerth {"judge":1}`}, names); diff != "" {
		t.Error(diff)
	}
}

// TestTaskRefusesWithoutRoom has a task refuse a report with results that do not fit: it
// is refused all the same, and the tasks behind it are not asked.
func TestTaskRefusesWithoutRoom(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]string{"too long": `"` + strings.Repeat("x", 5000) + `"`, "no JSON": `{"a":`} {
		t.Run(name, func(t *testing.T) {
			judge := newTask(func(context.Context, report.Report) (bots.TaskResult, error) {
				return bots.TaskResult{Refuse: "advertising", Results: json.RawMessage(raw)}, nil
			})
			a := newTasked(t, time.Minute, map[string]bots.Network{"judge": judge, "next": results(`1`)}, "judge", "next")
			start(t, a.relay)
			a.mustHear(a.message("a", "x", "U1 Kontis"))
			a.mustSay("a: held: Nicht weitergegeben: Das wurde nicht für eine Meldung gehalten. Die Moderation sieht es trotzdem.")
			if j := a.judged("a"); j.Verdict.Reason != report.ReasonTask || j.Verdict.Detail != "advertising" || j.Report.Results != "" {
				t.Errorf("stored %+v with the results %s", j.Verdict, j.Report.Results)
			}
			if log := a.logOf("judge"); len(log) != 1 {
				t.Errorf("logged %q", log)
			}
		})
	}
}

// TestTaskThatFailsLosesNothing has tasks hang, panic, fail and say too much: the report
// is judged with what is there, and the log of the bot says so.
func TestTaskThatFailsLosesNothing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		task bots.Network
		log  string
	}{
		{"hangs", hanging(t), "WARN Zu langsam: Eine Meldung wurde nach 0.05 s ohne dieses Programm beurteilt."},
		{"fails", newTask(func(context.Context, report.Report) (bots.TaskResult, error) {
			return bots.TaskResult{}, bots.Say(errors.New("no model"), "relay.task.no_json")
		}), "WARN Eine Meldung konnte nicht angesehen werden und wurde ohne dieses Programm beurteilt: was es gesagt hat, ist nicht zu lesen"},
		{"panics", newTask(func(context.Context, report.Report) (bots.TaskResult, error) { panic("oh") }), "WARN Eine Meldung konnte nicht angesehen werden und wurde ohne dieses Programm beurteilt: "},
		{"babbles", results(`"` + strings.Repeat("x", 5000) + `"`), "WARN Eine Meldung konnte nicht angesehen werden und wurde ohne dieses Programm beurteilt: es hat mehr gesagt, als gespeichert wird"},
		{"stammers", results(`{"a":`), "WARN Eine Meldung konnte nicht angesehen werden und wurde ohne dieses Programm beurteilt: was es gesagt hat, ist nicht zu lesen"},
	} {
		t.Run(c.name, func(t *testing.T) {
			wait := time.Minute
			if c.name == "hangs" {
				wait = 50 * time.Millisecond
			}
			a := newTasked(t, wait, map[string]bots.Network{"first": results(`1`), "bad": c.task}, "first", "bad")
			start(t, a.relay)
			for _, id := range []string{"a", "b"} {
				a.mustHear(a.message(id, id, "U1 Kontis"))
				a.mustSay(id + ": passed: Weitergegeben, an 34 Leute.")
			}
			if got := a.judged("a").Report.Results; got != `{"first":1}` {
				t.Errorf("stored results %s", got)
			}
			log := a.logOf("bad")
			if len(log) != 1 || !strings.HasPrefix(log[0], c.log) {
				t.Errorf("logged %q, want %q once", log, c.log)
			}
		})
	}
}

// TestTasksOfOneCity has a task hang: reports of its city come in order, those of another
// on the same lane at once, and those that wait when the program stops are judged after
// its next start.
func TestTasksOfOneCity(t *testing.T) {
	t.Parallel()
	a := newTasked(t, time.Hour, map[string]bots.Network{"bad": hanging(t)}, "bad")
	var other report.City
	for i := 0; other.ID%16 != a.city.ID%16 || other.ID == 0; i++ {
		other = dbtest.MustCreateCity(t, a.relay.DB, fmt.Sprint("c", i), "crowd")
	}
	hearer, err := a.relay.DB.FindBot(t.Context(), other.ID, "crowd")
	if err != nil {
		t.Fatal(err)
	}
	stop := start(t, a.relay)
	a.mustHear(a.message("a", "x", "U1 Kontis"), a.message("b", "y", "U2 Kontis"))
	if err := a.hearing.Hear(t.Context(), hearer, a.message("other", "z", "U3 Kontis")); err != nil {
		t.Fatal(err)
	}
	a.mustSay("other: passed: Passed on, to 34 people.")
	stop()
	if n := a.relay.DB.Backlog(); n != 2 {
		t.Errorf("%d reports wait, want 2", n)
	}
	again, _ := newRelayOn(a.relay.DB, a.now(), map[string]bots.Network{"crowd": crowd(34), "bad": results(`"now"`)})
	again.Texts, again.Tasks = a.relay.Texts, &relay.Tasks{DB: a.relay.DB, Texts: a.relay.Texts, Wait: time.Minute, Log: a.relay.Log, Now: a.now}
	again.Bus = new(bus.Bus)
	events := again.Bus.Subscribe(a.city.ID, 9, bus.ReportPassed)
	start(t, again)
	for _, want := range []string{"U1 Kontis", "U2 Kontis"} {
		var f report.Form
		if err := json.Unmarshal((<-events.C).Payload, &f); err != nil || f.Text != want || string(f.Results) != `{"bad":"now"}` {
			t.Errorf("passed %+v, want %s: %v", f, want, err)
		}
	}
}

// TestDeletedCityLeavesNothing has cities with tasks deleted, one while a task looks at a
// report of it: neither a lane nor a room of it is kept, and the others go on.
func TestDeletedCityLeavesNothing(t *testing.T) {
	asked, answer := make(chan string, 9), make(chan struct{})
	var free atomic.Bool
	slow := newTask(func(ctx context.Context, r report.Report) (bots.TaskResult, error) {
		asked <- r.Text
		if !free.Load() {
			select {
			case <-answer:
			case <-ctx.Done():
			}
		}
		return bots.TaskResult{}, nil
	})
	a := newTasked(t, time.Minute, map[string]bots.Network{"slow": slow}, "slow")
	other := dbtest.MustCreateCity(t, a.relay.DB, "erlangen", "crowd", "slow")
	if _, err := a.relay.DB.ChangeCity(t.Context(), other.ID, func(c *report.City) error { c.Tasks = "slow"; return nil }); err != nil {
		t.Fatal(err)
	}
	start(t, a.relay)
	a.mustHear(a.message("a", "x", "U1 Kontis"))
	mustHear(t, a.relay, other, "b")
	for range 2 {
		<-asked
	}
	a.holds(2, 2)
	a.delete(other) // while its report is looked at
	free.Store(true)
	close(answer)
	a.mustSay("a: passed: Weitergegeben, an 34 Leute.")
	a.holds(1, 0)
	a.mustHear(a.message("c", "y", "U2 Kontis"))
	a.mustSay("c: passed: Weitergegeben, an 34 Leute.")
	a.delete(a.city)
	a.holds(0, 0)
}

// delete deletes a city.
func (a *answering) delete(c report.City) {
	a.t.Helper()
	if err := a.relay.DB.DeleteCity(a.t.Context(), c.ID); err != nil {
		a.t.Fatal(err)
	}
	a.relay.Notices.Changed(c.ID)
}

// holds waits until so many cities have lanes of their own, and rooms.
func (a *answering) holds(lanes, rooms int) {
	a.t.Helper()
	late := time.After(10 * time.Second)
	for a.relay.Aside() != lanes || a.relay.Tasks.Rooms() != rooms {
		select {
		case <-late:
			a.t.Fatalf("%d cities have lanes, want %d; %d have rooms, want %d", a.relay.Aside(), lanes, a.relay.Tasks.Rooms(), rooms)
		case <-time.After(time.Millisecond):
		}
	}
}

// TestTasksKeepOrder has many reports come while a task looks at the first one, more than a
// lane keeps in memory, and the task be done with some before others.
func TestTasksKeepOrder(t *testing.T) {
	t.Parallel()
	const many = relay.LaneSize + 100
	heard := make(chan struct{})
	slow := newTask(func(_ context.Context, r report.Report) (bots.TaskResult, error) {
		<-heard
		for range len(r.ID) % 3 * 10 {
			runtime.Gosched()
		}
		return bots.TaskResult{Results: json.RawMessage(`1`)}, nil
	})
	a := newTasked(t, time.Minute, map[string]bots.Network{"slow": slow}, "slow")
	events := a.relay.Bus.Subscribe(a.city.ID, 2*many, bus.ReportPassed)
	start(t, a.relay)
	for i := range many {
		mustHear(t, a.relay, a.city, fmt.Sprint(i))
	}
	close(heard)
	for i := range many {
		var f report.Form
		if err := json.Unmarshal((<-events.C).Payload, &f); err != nil || f.ID != fmt.Sprint(i) || string(f.Results) != `{"slow":1}` {
			t.Fatalf("report %d was %s with %s: %v", i, f.ID, f.Results, err)
		}
	}
}

// TestTasksLookAtEdits has the author change a report that passed so that a task refuses
// it: it is taken back.
func TestTasksLookAtEdits(t *testing.T) {
	t.Parallel()
	judge := newTask(func(_ context.Context, r report.Report) (bots.TaskResult, error) {
		if strings.Contains(r.Text, "Werbung") {
			return bots.TaskResult{Refuse: "advertising"}, nil
		}
		return bots.TaskResult{Results: json.RawMessage(fmt.Sprint(len(r.Text)))}, nil
	})
	a := newTasked(t, time.Minute, map[string]bots.Network{"judge": judge}, "judge")
	events := a.relay.Bus.Subscribe(0, 9, bus.ReportTakenBack)
	start(t, a.relay)
	a.mustHear(a.message("a", "x", "U1 Kontis"))
	a.mustSay("a: passed: Weitergegeben, an 34 Leute.")
	edit := a.message("a", "x", "U1 Kontis!")
	edit.Edited = true
	a.mustHear(edit)
	if got := a.judged("a").Report; got.Results != `{"judge":10}` || got.Text != "U1 Kontis!" {
		t.Errorf("%q has the results %s", got.Text, got.Results)
	}
	edit.Text = "U1 Werbung"
	a.mustHear(edit)
	if got := a.judged("a"); got.Verdict.Reason != report.ReasonTakenBack || got.Report.Results != "" {
		t.Errorf("stored %+v with %s", got.Verdict, got.Report.Results)
	}
	e := <-events.C
	var f report.Form
	if err := json.Unmarshal(e.Payload, &f); err != nil || f.ID != a.id("a") || f.Text != "" || f.Reason != report.ReasonTakenBack {
		t.Errorf("told of %+v: %v", f, err)
	}
}

// TestBusTellsOfReports has a moderator take a report back and a city change, and nobody
// told who does not follow it.
func TestBusTellsOfReports(t *testing.T) {
	t.Parallel()
	a := newTasked(t, time.Minute, nil)
	events, elsewhere := a.relay.Bus.Subscribe(a.city.ID, 9, ">"), a.relay.Bus.Subscribe(a.city.ID+1, 9, ">")
	start(t, a.relay)
	a.mustHear(a.message("a", "x", "U1 Kontis"))
	a.mustSay("a: passed: Weitergegeben, an 34 Leute.")
	if err := a.relay.TakeBack(t.Context(), a.city.ID, a.id("a")); err != nil {
		t.Fatal(err)
	}
	a.relay.Notices.Changed(a.city.ID)
	var got []string
	for range 3 {
		e := <-events.C
		got = append(got, e.Name+" "+string(e.Payload))
		if strings.Contains(string(e.Payload), "author") || e.CityID != a.city.ID {
			t.Errorf("told %+v", e)
		}
	}
	at := a.now().UTC().Truncate(time.Second).Format(time.RFC3339)
	form := fmt.Sprintf(`{"id":%q,"city":"fuerth","time":%q,"text":"U1 Kontis","reason":`, a.id("a"), at)
	if diff := cmp.Diff([]string{"report.passed " + form + `"trigger"}`, "report.taken_back " + form + `"taken_back"}`, "city.changed "}, got); diff != "" {
		t.Error(diff)
	}
	if len(elsewhere.C) > 0 {
		t.Error("another city was told")
	}
}
