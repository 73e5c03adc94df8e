package relay_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/report"
)

// TestApproval has reports wait for their moderators.
func TestApproval(t *testing.T) {
	t.Parallel()
	const passed, waits = report.ReasonTrigger, report.ReasonApproval
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	rl, out := newRelay(t, nil)
	start(t, rl)
	city := func(slug string, a report.Approval) report.City {
		t.Helper()
		c := dbtest.MustCreateCity(t, rl.DB, slug, "posts")
		c, err := rl.DB.ChangeCity(t.Context(), c.ID, func(c *report.City) error {
			c.Approval = a
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	all := city("all", report.ApproveAll)
	if diff := cmp.Diff([]report.Reason{waits, waits, report.ReasonEmpty}, say(ctx, t, rl, all, []utterance{{"a", "Kontis U1", 0}, {"a", "Kontis U2", 0}, {"a", " ", 0}})); diff != "" {
		t.Error(diff)
	}
	fresh := city("fresh", report.ApproveNew)
	if diff := cmp.Diff([]report.Reason{waits, waits, waits}, say(ctx, t, rl, fresh, []utterance{{"a", "Kontis U1", 0}, {"b", "Kontis U1", 0}, {"", "Kontis U1", 0}})); diff != "" {
		t.Error(diff)
	}
	out.mustWait(t, 0)
	mustLetThrough(t, rl, fresh, db.Choice{ReportID: "fresh 0"}, 1, 0)
	out.mustWait(t, 1)
	// a is not new any more; b is, and so is whoever writes as a and is not verified.
	for id, tt := range map[string]struct {
		author     string
		unverified bool
		want       report.Reason
	}{"next a": {"a", false, passed}, "next b": {"b", false, waits}, "forged": {"a", true, waits}} {
		r := report.Report{ID: id, CityID: fresh.ID, Network: "toy", NetworkID: id, Author: tt.author, Unverified: tt.unverified, Text: "Kontis " + id, Time: rl.Now(), Received: rl.Now()}
		if err := rl.DB.Hear(ctx, r); err != nil {
			t.Fatal(err)
		}
		if got := mustWaitForVerdict(ctx, t, rl, fresh, id).Reason; got != tt.want {
			t.Errorf("%s: %s, want %s", id, got, tt.want)
		}
	}
	if groups := mustListHeld(t, rl.DB, fresh); len(groups) != 1 || groups[0].Reason != waits || groups[0].Count != 4 {
		t.Errorf("held: %+v", groups)
	}
}

// TestLimitsOfACity judges by what a city does not pass on.
func TestLimitsOfACity(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	rl, _ := newRelay(t, nil)
	start(t, rl)
	open, strict := dbtest.MustCreateCity(t, rl.DB, "open"), dbtest.MustCreateCity(t, rl.DB, "strict")
	if _, err := rl.DB.ChangeCity(ctx, strict.ID, func(c *report.City) error {
		c.NoLinks, c.Short = true, true
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	said := []utterance{{"a", "Kontis https://example.org", 0}, {"a", "Kontis " + strings.Repeat("x", report.ShortChars), 0}, {"a", "Kontis", 0}}
	const passed = report.ReasonTrigger
	for c, want := range map[*report.City][]report.Reason{&open: {passed, passed, passed}, &strict: {report.ReasonLink, report.ReasonLong, passed}} {
		if diff := cmp.Diff(want, say(ctx, t, rl, *c, said)); diff != "" {
			t.Errorf("%s: %s", c.Slug, diff)
		}
	}
}

// TestAnswersInTheirWords answers with the words of a city's moderators, and says that they
// look at it first.
func TestAnswersInTheirWords(t *testing.T) {
	t.Parallel()
	a := newAnswering(t, nil, "posts")
	start(t, a.relay)
	own := report.AnswerTexts{"de": {"answer.public": "Ist raus!", "answer.held.too_long": "Höchstens {max}."}}
	change := func(f func(*report.City)) {
		t.Helper()
		if _, err := a.relay.DB.ChangeCity(t.Context(), a.city.ID, func(c *report.City) error {
			f(c)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		a.relay.Notices.Changed(a.city.ID)
	}
	change(func(c *report.City) { c.Answers, c.Short = own.Stored(), true })
	for _, tt := range []struct{ id, text, language, want string }{
		{"one", "Kontis U1", "de", "one: passed: Ist raus!"},
		{"two", "Kontis U2", "en", "two: passed: Passed on: posted in public."},
		{"three", "Kontis " + strings.Repeat("x", 300), "de", "three: held: Höchstens 250."},
	} {
		in := a.message(tt.id, "a", tt.text)
		in.Language = tt.language
		a.mustHear(in)
		if got := <-a.said; got != tt.want {
			t.Errorf("said %q, want %q", got, tt.want)
		}
	}
	change(func(c *report.City) { c.Approval = report.ApproveAll })
	a.mustHear(a.message("four", "b", "Kontis U4"))
	if got, want := <-a.said, "four: received: Die Moderation schaut es sich an, bevor es weitergegeben wird."; got != want {
		t.Errorf("said %q, want %q", got, want)
	}
}
