package relay_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/report"
	"ticketfrei/relay"
)

const cityPlaces = `U1: Langwasser Süd, Plärrer, Fürth
U2: Röthenbach, Plärrer, Rathenauplatz
U7: Yorckstr, Mehringdamm`

// rider is somebody who writes to a city that has lines and stops.
type rider struct {
	*answering
	t *testing.T
}

// newRider returns one in a city that takes what names a number, and nothing else but its
// places.
func newRider(t *testing.T) *rider {
	t.Helper()
	return newRiderOf(t, crowd(34))
}

// newRiderOf is newRider in a city that has one network.
func newRiderOf(t *testing.T, n bots.Network) *rider {
	t.Helper()
	a := newAskingTo(t, n)
	r := &rider{a, t}
	dbtest.MustSaveRules(t, a.relay.DB, a.city.ID, `kontis?`, "spam")
	r.savePlaces(cityPlaces)
	return r
}

func (r *rider) savePlaces(text string) {
	r.t.Helper()
	dbtest.MustSavePlaces(r.t, r.relay.DB, r.city.ID, text)
	r.relay.Notices.Changed(r.city.ID)
	r.passes(time.Millisecond)
}

// stands waits until a message is judged, and returns what stands of it.
func (r *rider) stands(id string) db.Judged {
	r.t.Helper()
	ctx, stop := context.WithTimeout(r.t.Context(), time.Minute)
	defer stop()
	mustWaitForVerdict(ctx, r.t, r.relay, r.city, r.id(id))
	j, err := r.relay.DB.Report(ctx, r.city.ID, r.id(id))
	if err != nil {
		r.t.Fatal(err)
	}
	return j
}

// write hears a text of somebody who cannot be answered, and returns what stands of it.
func (r *rider) write(text string) db.Judged {
	r.t.Helper()
	r.mustHear(bots.Incoming{ID: text, Author: text, Text: text})
	return r.stands(text)
}

func (r *rider) want(j db.Judged, v report.Verdict, heading string) {
	r.t.Helper()
	if j.Verdict != v || j.Report.Heading() != heading {
		r.t.Errorf("%q: %+v with %q, want %+v with %q", j.Report.Text, j.Verdict, j.Report.Heading(), v, heading)
	}
}

var (
	held     = report.Verdict{Reason: report.ReasonNoTrigger}
	allClear = report.Verdict{Passed: true, Reason: report.ReasonClear}
)

func named(place string) report.Verdict {
	return report.Verdict{Passed: true, Reason: report.ReasonPlace, Detail: place}
}

// TestPlacesAreTriggers has a report pass that names a line or stop of its city, or is an
// all-clear; what the city refuses it refuses.
func TestPlacesAreTriggers(t *testing.T) {
	t.Parallel()
	r := newRider(t)
	for text, want := range map[string]struct {
		report.Verdict
		heading string
	}{
		"Yorckstr jetzt":        {named("Yorckstr"), "Yorckstr"},
		"jetzt in der U1":       {named("U1"), "U1"},
		"Kontis Plärrer":        {report.Verdict{Passed: true, Reason: report.ReasonTrigger, Detail: "kontis?"}, "Plärrer"},
		"Schönes Wetter":        {held, ""},
		"Gleisdreieck jetzt":    {held, ""},
		"wieder weg":            {allClear, "✓"},
		"gone again":            {allClear, "✓"},
		"Plärrer sauber":        {allClear, "✓ Plärrer"},
		"spam am Plärrer":       {report.Verdict{Reason: report.ReasonBlocked, Detail: "spam"}, ""},
		"Danke, Plärrer sauber": {allClear, "✓ Plärrer"},
	} {
		r.want(r.write(text), want.Verdict, want.heading)
		said, v, err := r.hearing.Rehearse(t.Context(), r.city.ID, text)
		if said != text || v != want.Verdict || err != nil {
			t.Errorf("rehearsed: %q, %+v, %v", said, v, err)
		}
	}
	j := r.stands("Kontis Plärrer")
	if got := j.Report.Lines; got != "|U1|U2|" {
		t.Errorf("the lines of a stop: %q", got)
	}
}

// TestPlacesTakeEffectAtOnce has the next report judged by what was stored last, also
// where it cannot be read.
func TestPlacesTakeEffectAtOnce(t *testing.T) {
	t.Parallel()
	r := newRider(t)
	r.want(r.write("Moritzplatz 1"), held, "")
	r.savePlaces(cityPlaces + "\nU8: Moritzplatz")
	r.want(r.write("Moritzplatz 2"), named("Moritzplatz"), "Moritzplatz")
	for _, text := range []string{"", ":::\x01"} {
		r.savePlaces(text)
		r.want(r.write("Moritzplatz with "+text), held, "")
	}
	r.savePlaces(cityPlaces + "\nU8: Moritzplatz")
	r.want(r.write("Moritzplatz 3"), named("Moritzplatz"), "Moritzplatz")
}

// TestEditsAreRead has what a report is about follow its words.
func TestEditsAreRead(t *testing.T) {
	t.Parallel()
	r := newRider(t)
	edit := func(id, text string) {
		t.Helper()
		r.mustHear(bots.Incoming{ID: id, Author: id, Text: text, Edited: true})
	}
	r.write("Kontis U1")
	edit("Kontis U1", "am Plärrer")
	r.want(r.stands("Kontis U1"), named("Plärrer"), "Plärrer")
	edit("Kontis U1", "doch nicht mehr da, wieder weg")
	r.want(r.stands("Kontis U1"), allClear, "✓")
	edit("Kontis U1", "naja")
	r.want(r.stands("Kontis U1"), report.Verdict{Reason: report.ReasonTakenBack, Detail: report.DetailChanged}, "")

	r.write("Kontis U2")
	r.mustHear(bots.Incoming{ID: "Kontis U2", Author: "Kontis U2", Deleted: true})
	r.want(r.stands("Kontis U2"), report.Verdict{Reason: report.ReasonTakenBack, Detail: report.DetailDeleted}, "")

	r.write("irgendwo") // is refused, and then says where
	edit("irgendwo", "Yorckstr")
	r.want(r.stands("irgendwo"), named("Yorckstr"), "Yorckstr")
}

// TestQuestionLetThroughIsRead has a moderator let through what was taken for a question.
func TestQuestionLetThroughIsRead(t *testing.T) {
	t.Parallel()
	r := newRider(t)
	r.mustHear(r.message("q", "a", "Plärrer?"))
	r.mustSay("q: question: Keine Meldung zu Plärrer in der letzten Stunde." + hint)
	mustLetThrough(t, r.relay, r.city, db.Choice{ReportID: r.id("q")}, 1, 0)
	r.want(r.stands("q"), report.Verdict{Passed: true, Reason: report.ReasonLetThrough}, "Plärrer")
}

// TestQuestionsAboutPlaces are answered with what is about the line or the stop, and are
// not passed on, though they name one.
func TestQuestionsAboutPlaces(t *testing.T) {
	t.Parallel()
	r := newRider(t)
	for _, text := range []string{"Kontis in der U1", "Kontis Plärrer", "Kontis Yorckstr"} {
		r.write(text)
		r.passes(time.Minute)
	}
	const last = "question: Meldungen der letzten Stunde:\n"
	for i, in := range []struct{ asks, want string }{
		{"Ist am Plärrer was?", last + "Vor 2 min: Kontis Plärrer\nVor 3 min: Kontis in der U1"},
		{"U1?", last + "Vor 2 min: Kontis Plärrer\nVor 3 min: Kontis in der U1"},
		{"U2?", last + "Vor 2 min: Kontis Plärrer"},
		{"Yorckstr?", last + "Vor 1 min: Kontis Yorckstr"},
		{"ist die U7 frei?", last + "Vor 1 min: Kontis Yorckstr"},
		{"Langwasser Süd?", last + "Vor 3 min: Kontis in der U1"},
		{"U2 Rathenauplatz?", "question: Keine Meldung zu U2, Rathenauplatz in der letzten Stunde."},
		{"Plärrer sauber?", last + "Vor 2 min: Kontis Plärrer\nVor 3 min: Kontis in der U1"},
	} {
		r.mustHear(r.message(in.asks, fmt.Sprint("b", i), in.asks))
		r.mustSay(in.asks + ": " + in.want + hint)
	}
	r.mustHear(r.message("both", "c", "Kontis in der U2?"))
	r.mustSay("both: " + last + "Vor 2 min: Kontis Plärrer" + both)
	r.mustHear(r.message("insists", "d", "! Plärrer?"))
	r.mustSay("insists: passed: Weitergegeben, an 34 Leute.")
	if got := r.passedTexts(); strings.Contains(got, "was?") || !strings.Contains(got, "Kontis in der U2?") {
		t.Errorf("passed on: %s", got)
	}
}

// TestRepliesThatNameAPlaceAreReports: others are talk.
func TestRepliesThatNameAPlaceAreReports(t *testing.T) {
	t.Parallel()
	r := newRider(t)
	for text, heard := range map[string]bool{"jetzt Yorckstr": true, "Plärrer sauber": true, "nein, wieder weg": false} {
		r.mustHear(bots.Incoming{ID: text, Author: text, Text: text, Reply: true})
		if there, err := r.relay.DB.Knows(t.Context(), r.city.ID, r.id(text)); there != heard || err != nil {
			t.Errorf("%q is heard: %v, %v", text, there, err)
		}
	}
}

// TestRecipientsAreChosenByLines has networks see what was read when they say whom a report
// is sent to.
func TestRecipientsAreChosenByLines(t *testing.T) {
	t.Parallel()
	asked := make(chan report.Lines, 10)
	r := newRiderOf(t, listing{list: func(r report.Report) ([]int64, error) {
		asked <- r.Lines
		return nil, nil
	}})
	r.write("Yorckstr jetzt")
	if got := <-asked; got != "|U7|" {
		t.Errorf("asked for %q", got)
	}
}

// TestLinesOfACity are told to the networks.
func TestLinesOfACity(t *testing.T) {
	t.Parallel()
	r := newRider(t)
	got, err := r.hearing.Places.Lines(t.Context(), r.city.ID)
	if !slices.Equal(got, []string{"U1", "U2", "U7"}) || err != nil {
		t.Errorf("lines %q, %v", got, err)
	}
	if got, err := r.hearing.Places.Lines(t.Context(), r.city.ID+1); len(got) > 0 || err != nil {
		t.Errorf("of another city: %q, %v", got, err)
	}
	dbtest.MustSavePlaces(t, r.relay.DB, r.city.ID, "U9: Zoo")
	if got, err := r.hearing.Places.Lines(t.Context(), r.city.ID); !slices.Equal(got, []string{"U9"}) || err != nil {
		t.Errorf("lines that nobody has told of: %q, %v", got, err)
	}
	var none *relay.Places
	if got, err := none.Lines(t.Context(), r.city.ID); len(got) > 0 || err != nil {
		t.Errorf("where nothing is read: %q, %v", got, err)
	}
}
