package relay_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ticketfrei/bots"
	"ticketfrei/censor"
	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/i18n"
	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"
	"ticketfrei/relay"
)

// answering is a city whose bot is answered by a relay.
type answering struct {
	t       *testing.T
	relay   *relay.Relay
	hearing *relay.Hearing
	bot     report.Bot
	city    report.City
	clock   atomic.Int64 // in milliseconds
	said    chan string  // who was answered, and with what
}

// newAnswering returns a city with bots of the networks, the first of which hears.
func newAnswering(t *testing.T, networks map[string]bots.Network, names ...string) *answering {
	t.Helper()
	return newAnsweringOn(t, func(now func() time.Time) *db.DB { return dbtest.MustOpen(t, now, nil) }, networks, names...)
}

// newAnsweringOn does so on the database that open opens.
func newAnsweringOn(t *testing.T, open func(now func() time.Time) *db.DB, networks map[string]bots.Network, names ...string) *answering {
	t.Helper()
	a := &answering{t: t, said: make(chan string, 1000)}
	a.passes(time.Duration(time.Now().UnixNano()))
	a.relay, _ = newRelayOn(open(a.now), a.now(), networks)
	texts, err := i18n.New(relay.Texts)
	if err != nil {
		t.Fatal(err)
	}
	a.relay.Now, a.relay.Texts, a.relay.Answers = a.now, texts, relay.NewAnswers(slog.New(slog.DiscardHandler), a.now)
	a.city = dbtest.MustCreateCity(t, a.relay.DB, "fuerth", names...)
	dbtest.MustSaveTexts(t, a.relay.DB, a.city.ID, "Fürth", "de", "")
	if a.bot, err = a.relay.DB.FindBot(t.Context(), a.city.ID, names[0]); err != nil {
		t.Fatal(err)
	}
	box, err := secret.New(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	a.hearing = &relay.Hearing{DB: a.relay.DB, Secrets: box, Backlog: 1000, Answers: a.relay.Answers, Now: a.now}
	return a
}

func (a *answering) now() time.Time         { return time.UnixMilli(a.clock.Load()) }
func (a *answering) passes(d time.Duration) { a.clock.Add(d.Milliseconds()) }

// message is one that can be answered.
func (a *answering) message(id, author, text string) bots.Incoming {
	return bots.Incoming{ID: id, Author: author, Text: text, Answer: func(_ context.Context, w bots.Answer) error {
		a.said <- fmt.Sprintf("%s: %s: %s", id, w.Outcome, w.Text)
		return nil
	}}
}

func (a *answering) mustHear(list ...bots.Incoming) {
	a.t.Helper()
	for _, in := range list {
		if err := a.hearing.Hear(a.t.Context(), a.bot, in); err != nil {
			a.t.Fatal(err)
		}
	}
}

// mustSay waits for the next answer.
func (a *answering) mustSay(want string) {
	a.t.Helper()
	select {
	case got := <-a.said:
		if got != want {
			a.t.Errorf("answered %q, want %q", got, want)
		}
	case <-time.After(time.Minute):
		a.t.Fatalf("nobody was answered, want %q", want)
	}
}

// saysNothing tells that whoever was heard before the last one was not answered.
func (a *answering) saysNothing() {
	a.t.Helper()
	last := fmt.Sprint("last", a.now())
	a.mustHear(a.message(last, last, "U9"))
	a.mustSay(last + ": passed: Weitergegeben, an 34 Leute.")
	if len(a.said) > 0 {
		a.t.Errorf("answered %q too", <-a.said)
	}
}

// TestOutcomesAreAnswered has every verdict told to whoever wrote, once and in their
// language or the city's, but for those that nobody is to learn from.
func TestOutcomesAreAnswered(t *testing.T) {
	t.Parallel()
	a := newAnswering(t, map[string]bots.Network{"crowd": crowd(34)}, "crowd")
	dbtest.MustSaveRules(t, a.relay.DB, a.city.ID, `\bu\d\b`, "fascho")
	start(t, a.relay)
	english := a.message("english", "b", "U2 Plärrer")
	english.Language = "en-GB"
	arabic, ukrainian, other := a.message("arabic", "f", "U3 Plärrer"), a.message("ukrainian", "g", "Plärrer"), a.message("other", "h", "U4 Plärrer")
	arabic.Language, ukrainian.Language, other.Language = "ar", "uk-UA", "ja"
	old := a.message("old", "e", "U1")
	old.Time = a.now().Add(-2 * time.Hour)
	for _, in := range []struct {
		heard bots.Incoming
		want  string
	}{
		{a.message("passed", "a", "U1 Plärrer"), "passed: passed: Weitergegeben, an 34 Leute."},
		{a.message("passed", "a", "U1 Plärrer"), ""}, // once more
		{a.message("again", "a", "u1   plärrer"), "again: known: Schon bekannt, danke!"},
		{english, "english: passed: Passed on, to 34 people."},
		{arabic, "arabic: passed: نُقل البلاغ إلى 34 شخصًا."},
		{ukrainian, "ukrainian: held: Не передано: напиши ще раз і вкажи лінію або зупинку."},
		{other, "other: passed: Weitergegeben, an 34 Leute."}, // the city's, as there is no Japanese
		{a.message("vague", "c", "am Plärrer"), "vague: held: Nicht weitergegeben: Schreib bitte noch einmal und sag dazu, welche Linie oder Haltestelle."},
		{a.message("empty", "c", " "), "empty: held: Nicht weitergegeben: Schreib bitte noch einmal und sag dazu, welche Linie oder Haltestelle."},
		{a.message("long", "c", strings.Repeat("U1 ", censor.MaxLength)),
			fmt.Sprintf("long: held: Nicht weitergegeben: Das ist zu lang. Schreib bitte noch einmal, in höchstens %d Zeichen.", censor.MaxLength)},
		{a.message("blocked", "d", "U1 fascho"), ""},
		{old, ""},
	} {
		a.mustHear(in.heard)
		if in.want != "" {
			a.mustSay(in.want)
		}
	}
	a.saysNothing()
}

// TestEditsAreAnswered has somebody add to a message what was missing.
func TestEditsAreAnswered(t *testing.T) {
	t.Parallel()
	a := newAnswering(t, map[string]bots.Network{"crowd": crowd(34)}, "crowd")
	dbtest.MustSaveRules(t, a.relay.DB, a.city.ID, `\bu\d\b`, "")
	start(t, a.relay)
	a.mustHear(a.message("1", "a", "Plärrer"))
	a.mustSay("1: held: Nicht weitergegeben: Schreib bitte noch einmal und sag dazu, welche Linie oder Haltestelle.")
	edited := a.message("1", "a", "U1 Plärrer")
	edited.Edited = true
	a.mustHear(edited)
	a.mustSay("1: passed: Weitergegeben, an 34 Leute.")
	edited.Text = "U1 Plärrer, 2 Kontis"
	a.mustHear(edited)
	a.saysNothing()
}

// TestFloodsAreAnsweredWhenLetThrough has somebody report more than the brake lets pass:
// that is not answered, until a moderator lets it through within minutes.
func TestFloodsAreAnsweredWhenLetThrough(t *testing.T) {
	t.Parallel()
	a := newAnswering(t, map[string]bots.Network{"crowd": crowd(34)}, "crowd")
	start(t, a.relay)
	for i := range 5 {
		a.mustHear(a.message(fmt.Sprint(i), "a", fmt.Sprintf("U1 Zug %d", i)))
		a.mustSay(fmt.Sprintf("%d: passed: Weitergegeben, an 34 Leute.", i))
	}
	a.mustHear(a.message("more", "a", "U1 Zug 6"), a.message("muted", "a", "U1 Zug 7"))
	a.saysNothing()
	let := func(id string) {
		t.Helper()
		c := db.Choice{ReportID: a.hearing.Secrets.ReportID(a.bot.Network, a.bot.ID, id)}
		if passed, _, err := a.relay.LetThrough(t.Context(), a.city.ID, c); err != nil || passed != 1 {
			t.Fatalf("%d were let through: %v", passed, err)
		}
	}
	let("more")
	a.mustSay("more: passed: Weitergegeben, an 34 Leute.")
	a.passes(6 * time.Minute)
	let("muted")
	a.saysNothing()
}

// gathering is a network that sends to some people together.
type gathering struct {
	bots.Network
	people int
}

func (gathering) Recipients(context.Context, report.Bot, report.Report) ([]int64, error) {
	return []int64{1, 1 << 62}, nil
}
func (gathering) RemoveRecipient(context.Context, report.Bot, int64) error { return nil }
func (gathering) CountRecipients(context.Context, report.Bot) (int, error) { return 0, nil }
func (gathering) Waiting(context.Context, int64) (int, error)              { return 0, nil }
func (g gathering) People(context.Context, report.Bot, report.Report) (int, error) {
	return g.people, nil
}

// grouped is a network whose recipients from one on are groups.
type grouped struct {
	listing
	from int64
}

func (g grouped) Groups(_ context.Context, _ report.Bot, recipients []int64) (n int, err error) {
	for _, id := range recipients {
		if id >= g.from {
			n++
		}
	}
	return n, nil
}

// withGroups is a crowd of so many, groups among them.
func withGroups(people, groups int) bots.Network {
	return grouped{crowd(people + groups).(listing), int64(people + 1)}
}

// TestPeopleAreCounted counts those of all bots of the city: those of one mail an hour
// among them, and no followers of an account that posts in public. Groups are no people.
func TestPeopleAreCounted(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		networks map[string]bots.Network
		want     string
	}{
		{map[string]bots.Network{"a": crowd(3), "b": gathering{people: 12}}, "Weitergegeben, an 15 Leute."},
		{map[string]bots.Network{"a": crowd(1)}, "Weitergegeben, an 1 Person."},
		{map[string]bots.Network{"a": crowd(1), "b": nil}, "Weitergegeben, an 1 Person und öffentlich gepostet."},
		{map[string]bots.Network{"a": crowd(0), "b": nil}, "Weitergegeben: öffentlich gepostet."},
		{map[string]bots.Network{"a": crowd(0)}, "Weitergegeben."},
		{map[string]bots.Network{"a": withGroups(2, 57)}, "Weitergegeben, an 2 Leute und 57 Gruppen."},
		{map[string]bots.Network{"a": withGroups(1, 1), "b": nil}, "Weitergegeben, an 1 Person und 1 Gruppe und öffentlich gepostet."},
		{map[string]bots.Network{"a": withGroups(0, 3)}, "Weitergegeben, an 3 Gruppen."},
		{map[string]bots.Network{"a": withGroups(34, 0)}, "Weitergegeben, an 34 Leute."},
	} {
		t.Run(tt.want, func(t *testing.T) {
			names := []string{"a", "b"}[:len(tt.networks)]
			a := newAnswering(t, tt.networks, names...)
			start(t, a.relay)
			a.mustHear(a.message("1", "a", "U1"))
			a.mustSay("1: passed: " + tt.want)
		})
	}
}

// TestOneAnswerHoldsUpNobody has the answers of one bot hang and panic: those of the
// others come, reports are judged, and the server stops.
func TestOneAnswerHoldsUpNobody(t *testing.T) {
	t.Parallel()
	a := newAnswering(t, map[string]bots.Network{"crowd": crowd(34), "slow": crowd(1)}, "crowd", "slow")
	slow, err := a.relay.DB.FindBot(t.Context(), a.city.ID, "slow")
	if err != nil {
		t.Fatal(err)
	}
	stop := start(t, a.relay)
	for i := range 1000 { // more than wait
		in := bots.Incoming{ID: fmt.Sprint("slow", i), Author: fmt.Sprint(i), Text: "U1", Answer: func(ctx context.Context, _ bots.Answer) error {
			<-ctx.Done()
			return ctx.Err()
		}}
		a.relay.Answers.Say(slow, in, bots.Answer{})
	}
	broken := a.message("broken", "b", "U2")
	broken.Answer = func(context.Context, bots.Answer) error { panic(errors.New("a bug")) }
	a.mustHear(broken, a.message("1", "a", "U1"))
	a.mustSay("1: passed: Weitergegeben, an 35 Leute.")
	stop()
	a.relay.Answers.Say(slow, a.message("late", "a", "U1"), bots.Answer{})
	if len(a.said) > 0 {
		t.Errorf("answered %q after the end", <-a.said)
	}
}

// TestWhomToAnswerIsForgotten hears more than are remembered, and what nobody judges.
func TestWhomToAnswerIsForgotten(t *testing.T) {
	t.Parallel()
	a := newAnswering(t, map[string]bots.Network{"crowd": crowd(34)}, "crowd")
	for i := range 3 {
		a.mustHear(a.message(fmt.Sprint(i), "a", "U1"))
	}
	a.mustHear(a.message("1", "a", "U1")) // heard again
	if n := a.relay.Answers.Expected(); n != 3 {
		t.Errorf("%d wait for an answer, want 3", n)
	}
	a.passes(4 * time.Minute)
	a.mustHear(a.message("2", "a", "U1"))
	a.passes(2 * time.Minute)
	a.relay.Answers.Sweep()
	if n := a.relay.Answers.Expected(); n != 1 {
		t.Errorf("%d wait for an answer after 6 minutes, want the one that was heard since", n)
	}
	a.passes(5 * time.Minute)
	a.relay.Answers.Sweep()
	for i := range relay.MaxExpected + 100 {
		a.relay.Answers.Expect(fmt.Sprint(i), a.bot, a.message("1", "a", "U1"))
	}
	if n := a.relay.Answers.Expected(); n != relay.MaxExpected {
		t.Errorf("%d wait for an answer, want %d at most", n, relay.MaxExpected)
	}
}

// TestWhoIsNotHeardIsNotExpected has a city that takes nothing.
func TestWhoIsNotHeardIsNotExpected(t *testing.T) {
	t.Parallel()
	a := newAnswering(t, map[string]bots.Network{"crowd": crowd(34)}, "crowd")
	if _, err := a.relay.Pause(t.Context(), a.city.ID); err != nil {
		t.Fatal(err)
	}
	if err := a.hearing.Hear(t.Context(), a.bot, a.message("1", "a", "U1")); !errors.Is(err, db.ErrPaused) {
		t.Errorf("heard: %v", err)
	}
	if n := a.relay.Answers.Expected(); n != 0 {
		t.Errorf("%d wait for an answer", n)
	}
}
