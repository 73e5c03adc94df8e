package relay_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/text"
	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/intent"
	"ticketfrei/internal/notice"
	"ticketfrei/internal/report"
	"ticketfrei/relay"
)

// builtIn is what has learned from the sentences that are built in.
var builtIn = sync.OnceValue(func() *intent.Recognizer {
	r := intent.New(intent.BuiltIn())
	r.Train()
	return r
})

const (
	hint      = "\n\nDas wurde für eine Frage gehalten. War es eine Meldung, schick sie noch einmal mit ! davor."
	hintOther = "\n\nDas wurde nicht weitergegeben. War es eine Meldung, schick sie noch einmal mit ! davor."
	both      = "\n\nEs könnte auch eine Meldung gewesen sein. Weitergegeben, an 34 Leute."
)

// newAsking is newAnswering for a city that answers questions.
func newAsking(t *testing.T) *answering {
	t.Helper()
	return newAskingTo(t, crowd(34))
}

// newAskingTo is newAsking for a city that has one network.
func newAskingTo(t *testing.T, n bots.Network) *answering {
	t.Helper()
	a := newAnswering(t, map[string]bots.Network{"crowd": n}, "crowd")
	a.relay.Calm, a.relay.Notices = text.Calm, &notice.Board{}
	places, stop := relay.NewPlaces(a.relay.DB, a.relay.Notices, a.relay.Log)
	t.Cleanup(stop)
	a.relay.Places, a.hearing.Places = places, places
	a.hearing.Customs, stop = relay.NewCustoms(a.relay.DB, a.relay.Notices, builtIn(), places, a.now)
	t.Cleanup(stop)
	start(t, a.relay)
	return a
}

// passedTexts are the texts of the reports that passed, the newest first.
func (a *answering) passedTexts() string {
	a.t.Helper()
	list, err := a.relay.DB.Reports(a.t.Context(), a.city.ID, true, 24*time.Hour, 100)
	if err != nil {
		a.t.Fatal(err)
	}
	var texts []string
	for _, j := range list {
		texts = append(texts, j.Report.Text)
	}
	return strings.Join(texts, "|")
}

// id is that of the report that a message became.
func (a *answering) id(message string) string {
	return a.hearing.Secrets.ReportID(a.bot.Network, a.bot.ID, message)
}

// TestQuestionsAreAnswered has questions answered with the last reports and not passed
// on, what may be both answered and passed on, and a report be a report.
func TestQuestionsAreAnswered(t *testing.T) {
	t.Parallel()
	a := newAsking(t)
	a.mustHear(a.message("none", "a", "Wo sind gerade Kontis?"))
	a.mustSay("none: question: In der letzten Stunde gab es keine Meldungen." + hint)
	for i, said := range []string{"U1 Plärrer, 2 Kontis @konti /stop", "Kontrolle Tram 5 Thon"} {
		a.mustHear(a.message(said, fmt.Sprint("r", i), said))
		a.mustSay(said + ": passed: Weitergegeben, an 34 Leute.")
		a.passes(7 * time.Minute)
	}
	for i, in := range []struct{ heard, want string }{
		{"Ist am Plärrer eine Kontrolle?", "question: Meldungen der letzten Stunde:\nVor 7 min: Kontrolle Tram 5 Thon\nVor 14 min: U1 Plärrer, 2 Kontis @\u2060konti /\u2060stop" + hint},
		{"Sind Kontrolleure in der U-Bahn 1?", "question: Meldungen der letzten Stunde:\nVor 14 min: U1 Plärrer, 2 Kontis @\u2060konti /\u2060stop" + hint},
		{"ist die Linie 5 sauber?", "question: Meldungen der letzten Stunde:\nVor 7 min: Kontrolle Tram 5 Thon" + hint},
		{"Wird in der U3 kontrolliert?", "question: Keine Meldung zu U3 in der letzten Stunde." + hint},
		{"Wird auf der Linie 6 kontrolliert?", "question: Keine Meldung zu Linie 6 in der letzten Stunde." + hint},
		{"Danke für die Warnung!", "question: Gern geschehen!" + hintOther},
		{"Kontrolle in der U3?", "question: Keine Meldung zu U3 in der letzten Stunde." + both},
		{"! Wo sind gerade Kontis?", "passed: Weitergegeben, an 34 Leute."},
		{"Wo die U1 hält stehen 2 Kontis", "passed: Weitergegeben, an 34 Leute."},
	} {
		m := a.message(fmt.Sprint(i), fmt.Sprint("b", i), in.heard)
		a.mustHear(m, m) // the second time is known
		a.mustSay(fmt.Sprint(i) + ": " + in.want)
	}
	a.saysNothing()
	got := strings.Split(a.passedTexts(), "|")
	slices.Sort(got)
	want := []string{"Kontrolle Tram 5 Thon", "Kontrolle in der U3?", "U1 Plärrer, 2 Kontis @konti /stop", "U9", "Wo die U1 hält stehen 2 Kontis", "Wo sind gerade Kontis?"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("passed on:", diff)
	}
}

// TestDoubtfulReportThatDoesNotPass has somebody write what may be a report, and learn
// that it was none that is passed on.
func TestDoubtfulReportThatDoesNotPass(t *testing.T) {
	t.Parallel()
	a := newAsking(t)
	dbtest.MustSaveRules(t, a.relay.DB, a.city.ID, `\bu\d\b`, "")
	a.mustHear(a.message("vague", "a", "Kontrolle am Plärrer?"))
	a.mustSay("vague: question: In der letzten Stunde gab es keine Meldungen.\n\nNicht weitergegeben: Schreib bitte noch einmal und sag dazu, welche Linie oder Haltestelle.")
	a.mustHear(a.message("first", "b", "Kontrolle in der U3?"))
	a.mustSay("first: question: Keine Meldung zu U3 in der letzten Stunde." + both)
	a.passes(time.Minute)
	a.mustHear(a.message("again", "b", "Kontrolle in der U3?"))
	a.mustSay("again: question: Meldungen der letzten Stunde:\nVor 1 min: Kontrolle in der U3?\n\nSchon bekannt, danke!")
}

// TestOnlyWhoCanBeAnsweredAsks has nobody's message taken for a question who cannot be
// told so, and none in a city that does not want it.
func TestOnlyWhoCanBeAnsweredAsks(t *testing.T) {
	t.Parallel()
	a := newAsking(t)
	silent := a.message("silent", "a", "Sind gerade Kontis in der U1?")
	silent.Answer = nil
	forged := a.message("forged", "b", "Sind gerade Kontis in der U2?")
	forged.Unverified = &bots.Origin{}
	a.mustHear(silent, forged)
	a.mustSay("forged: passed: Weitergegeben, an 34 Leute.")
	here := a.message("here", "d", "Sind gerade Kontis in der U4?")
	here.Unverified, here.Here = &bots.Origin{}, true // nobody else is answered
	a.mustHear(here)
	a.mustSay("here: question: Keine Meldung zu U4 in der letzten Stunde." + hint)
	dbtest.MustSaveHearing(t, a.relay.DB, a.city.ID, false, true)
	a.relay.Notices.Changed(a.city.ID)
	a.mustHear(a.message("off", "c", "Sind gerade Kontis in der U3?"))
	a.mustSay("off: passed: Weitergegeben, an 34 Leute.")
	if got := a.passedTexts(); strings.Count(got, "Sind gerade Kontis") != 3 {
		t.Errorf("passed on: %s", got)
	}
}

// TestRepliesAreDroppedWhereTheyAreNoReports hears answers to what the bot has posted.
func TestRepliesAreDroppedWhereTheyAreNoReports(t *testing.T) {
	t.Parallel()
	a := newAsking(t)
	reply := func(id string) bots.Incoming {
		in := a.message(id, id, "U1 stehen immer noch 2 Kontis, "+id)
		in.Reply = true
		return in
	}
	a.mustHear(reply("heard"))
	a.mustSay("heard: passed: Weitergegeben, an 34 Leute.")
	dbtest.MustSaveHearing(t, a.relay.DB, a.city.ID, true, false)
	a.relay.Notices.Changed(a.city.ID)
	a.mustHear(reply("dropped"))
	a.saysNothing()
	if _, err := a.relay.DB.Report(t.Context(), a.city.ID, a.id("dropped")); err == nil {
		t.Error("a reply was stored")
	}
}

// TestCommandsInPlainWords has somebody who is alone with a bot ask for what it has
// commands for: they are told which, and nothing is done.
func TestCommandsInPlainWords(t *testing.T) {
	t.Parallel()
	a := newAsking(t)
	for said, want := range map[string]string{
		"ich will keine nachrichten mehr":   "Um keine Meldungen mehr zu bekommen, schreib /stop.",
		"ich möchte die Meldungen bekommen": "Um die Meldungen zu bekommen, schreib /start.",
		"Wie funktioniert das?":             "Wie das hier geht, sagt dir /help.",
	} {
		m := a.message(said, said, said)
		m.Commands = true
		a.mustHear(m)
		a.mustSay(said + ": question: " + want + hintOther)
	}
	a.mustHear(a.message("group", "g", "ich will keine nachrichten mehr"))
	a.mustSay("group: passed: Weitergegeben, an 34 Leute.")
}

// TestOneAuthorIsAnsweredNowAndThen has somebody ask without end: what was not answered
// is not passed on either, as they know how to make a report of it.
func TestOneAuthorIsAnsweredNowAndThen(t *testing.T) {
	t.Parallel()
	a := newAsking(t)
	answered := 0
	for i := range 100 {
		a.mustHear(a.message(fmt.Sprint(i), "a", "Wo sind gerade Kontis?"))
		// Four in a row spend what is left, less one for each ten seconds.
		if (i < 7 || i%2 == 0) && answered < 30 {
			answered++
			a.mustSay(fmt.Sprint(i) + ": question: In der letzten Stunde gab es keine Meldungen." + hint)
		}
		a.passes(5 * time.Second)
	}
	a.mustHear(a.message("other", "b", "Wo sind gerade Kontis?"))
	a.mustSay("other: question: In der letzten Stunde gab es keine Meldungen." + hint)
	a.saysNothing()
	if got := a.passedTexts(); got != "U9" {
		t.Errorf("passed on: %s", got)
	}
	a.passes(time.Hour)
	a.mustHear(a.message("later", "a", "Wo sind gerade Kontis?"))
	a.mustSay("later: question: In der letzten Stunde gab es keine Meldungen." + hint)
}

// TestQuestionsInARow has somebody ask four things in one second, as people do who write
// in short messages, and then go on: what is too much is not answered, and does not reach
// the city. What may be a report is passed on all the same.
func TestQuestionsInARow(t *testing.T) {
	t.Parallel()
	a := newAsking(t)
	none := "question: In der letzten Stunde gab es keine Meldungen." + hint
	ask := func(id, text, want string) {
		t.Helper()
		a.mustHear(a.message(id, "a", text))
		if want == "" {
			a.saysNothing()
			return
		}
		a.mustSay(id + ": " + want)
	}
	for i, text := range []string{"Wo sind gerade Kontis?", "Ist am Plärrer eine Kontrolle?", "Wird am Plärrer kontrolliert?", "Wo sind Kontis?"} {
		ask(fmt.Sprint(i), text, none)
	}
	ask("fifth", "Wo sind jetzt Kontis?", "")
	ask("doubt", "Kontrolle am Plärrer?", "passed: Weitergegeben, an 34 Leute.")
	a.passes(10 * time.Second)
	ask("then", "Danke für die Warnung!", "question: Gern geschehen!"+hintOther)
	a.passes(time.Second)
	ask("again", "Wo sind jetzt Kontis?", "")
	a.passes(time.Minute)
	ask("later", "Danke für die Warnung!", "question: Gern geschehen!"+hintOther)
	if got := a.passedTexts(); strings.Contains(got, "Wo sind") {
		t.Errorf("passed on: %s", got)
	}
}

// TestQuestionIsLetThrough has a moderator pass on what was taken for a question, once
// and while it is of use.
func TestQuestionIsLetThrough(t *testing.T) {
	t.Parallel()
	a := newAsking(t)
	for _, id := range []string{"wrong", "late"} {
		a.mustHear(a.message(id, id, "Wird am Plärrer kontrolliert?"))
		a.mustSay(id + ": question: In der letzten Stunde gab es keine Meldungen." + hint)
		j, err := a.relay.DB.Report(t.Context(), a.city.ID, a.id(id))
		if err != nil || j.Verdict.Reason != report.ReasonQuestion || j.Held {
			t.Fatalf("%+v, %v", j, err)
		}
	}
	if groups := mustListHeld(t, a.relay.DB, a.city); len(groups) != 0 {
		t.Errorf("moderators are told of %+v", groups)
	}
	mustLetThrough(t, a.relay, a.city, db.Choice{}, 0, 0) // all that is held
	choice := db.Choice{ReportID: a.id("wrong")}
	mustLetThrough(t, a.relay, report.City{ID: a.city.ID + 1}, choice, 0, 0)
	mustLetThrough(t, a.relay, a.city, choice, 1, 0)
	mustLetThrough(t, a.relay, a.city, choice, 0, 0)
	if got := a.passedTexts(); got != "Wird am Plärrer kontrolliert?" {
		t.Errorf("passed on: %s", got)
	}
	a.passes(a.relay.Expire + time.Minute)
	mustLetThrough(t, a.relay, a.city, db.Choice{ReportID: a.id("late")}, 0, 1)
	mustLetThrough(t, a.relay, a.city, db.Choice{ReportID: a.id("late")}, 0, 0)
}

// TestQuestionOutlivesAStop has the server stop between hearing and judging: the
// question is not passed on after that either.
func TestQuestionOutlivesAStop(t *testing.T) {
	t.Parallel()
	a := newAnswering(t, map[string]bots.Network{"crowd": crowd(34)}, "crowd")
	var stop func()
	a.hearing.Customs, stop = relay.NewCustoms(a.relay.DB, &notice.Board{}, builtIn(), nil, a.now)
	defer stop()
	a.mustHear(a.message("asked", "a", "Wo sind gerade Kontis?"))
	a.relay.Answers.Forget()
	start(t, a.relay)
	a.saysNothing()
	j, err := a.relay.DB.Report(t.Context(), a.city.ID, a.id("asked"))
	if err != nil || j.Verdict.Reason != report.ReasonQuestion {
		t.Errorf("%+v, %v", j, err)
	}
}

// TestEditedQuestionStaysOne has somebody change a word of a question, and then make a
// report of it.
func TestEditedQuestionStaysOne(t *testing.T) {
	t.Parallel()
	a := newAsking(t)
	a.mustHear(a.message("1", "a", "Wo sind jetzt Kontis?"))
	a.mustSay("1: question: In der letzten Stunde gab es keine Meldungen." + hint)
	edit := func(text string) {
		a.passes(time.Minute)
		m := a.message("1", "a", text)
		m.Edited = true
		a.mustHear(m)
	}
	edit("Wo sind gerade Kontis?")
	a.mustSay("1: question: In der letzten Stunde gab es keine Meldungen." + hint)
	if got := a.passedTexts(); got != "" {
		t.Errorf("passed on: %s", got)
	}
	edit("U1 Plärrer, 2 Kontis")
	a.mustSay("1: passed: Weitergegeben, an 34 Leute.")
}

// TestTalkBelowAPostIsNoReport has people talk below what the bot of a city has posted
// whose rules let everything pass.
func TestTalkBelowAPostIsNoReport(t *testing.T) {
	t.Parallel()
	a := newAsking(t)
	dbtest.MustSaveRules(t, a.relay.DB, a.city.ID, "*", "")
	a.relay.Notices.Changed(a.city.ID)
	for _, said := range []string{"nein, weg", "no, gone", "ok", "+1", "Ja, noch da", "noch da?"} {
		in := a.message(said, said, said)
		in.Reply = true
		a.mustHear(in)
	}
	a.mustSay("noch da?: question: In der letzten Stunde gab es keine Meldungen." + hint)
	in := a.message("report", "b", "U1 stehen immer noch 2 Kontis")
	in.Reply = true
	a.mustHear(in)
	a.mustSay("report: passed: Weitergegeben, an 34 Leute.")
	if got := a.passedTexts(); got != "U1 stehen immer noch 2 Kontis" {
		t.Errorf("passed on: %s", got)
	}
}
