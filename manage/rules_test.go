package manage_test

import (
	"strings"
	"testing"

	"ticketfrei/internal/report"
	"ticketfrei/manage"
)

func TestRules(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c, other := tn.city("jena"), tn.now(tn.city("gera"))
	got := must(tn.SaveRules(t.Context(), c.ID, manage.Rules{Triggers: "kontis?\r\nU\\d ", Blocked: "spam\n\n"}, manage.RulesOf(c).Revision()))(t)
	if want := (manage.Rules{Triggers: "kontis?\nU\\d", Blocked: "spam"}); got != want || manage.RulesOf(tn.now(c)) != want {
		t.Errorf("stored %q", got)
	}
	tn.changed(c, 1)
	_, err := tn.SaveRules(t.Context(), c.ID, manage.Rules{Triggers: "*"}, manage.RulesOf(c).Revision())
	tn.is(err, manage.ErrConflict)
	tn.changed(c, 0)
	reset := must(tn.ResetRules(t.Context(), c.ID, ""))(t)
	if reset != manage.DefaultRules("en") || manage.RulesOf(tn.now(c)) != reset {
		t.Errorf("reset to %q", reset)
	}
	if tn.now(other) != other {
		t.Error("another city was changed")
	}
}

func TestWrongRules(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := tn.city("jena")
	save := func(triggers, blocked string) error {
		_, err := tn.SaveRules(t.Context(), c.ID, manage.Rules{Triggers: triggers, Blocked: blocked}, "")
		return err
	}
	wrong := tn.wrong(save("fine\n(a", "good\n!\n"), "triggers", "blocked")
	if wrong[0].Line != 2 || wrong[0].Value != "(a" || wrong[1].Line != 2 {
		t.Errorf("wrong is %+v", wrong)
	}
	tn.wrong(save(strings.Repeat("x\n", manage.MaxRules), strings.Repeat("y\n", manage.MaxRules)), "triggers", "blocked")
	tn.wrong(save(`(?i)(\w+\s+){100}(kontrolle|kontis){100}`, ""), "triggers")
	if _, err := tn.Try(t.Context(), c, manage.Rules{Triggers: "a**"}, "x", nil); err == nil {
		t.Error("they can be tried")
	}
	tn.changed(c, 0)
}

func TestTry(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := tn.city("jena")
	rules := manage.Rules{Triggers: "kontis", Blocked: "spam"}
	must(tn.SavePlaces(t.Context(), c.ID, "U1: Plärrer", ""))(t)
	for text, want := range map[string]report.Reason{"Kontis!": report.ReasonTrigger, "Kontis spam": report.ReasonBlocked, "hello": report.ReasonNoTrigger,
		"U1 Plärrer zwei von der VAG": report.ReasonPlace} {
		if got := must(tn.Try(t.Context(), c, rules, text, nil))(t); got.Verdict.Reason != want {
			t.Errorf("%s: %+v", text, got)
		}
	}
	c = tn.now(c)
	if got := must(tn.Try(t.Context(), c, rules, "Wo sind gerade Kontis?", nil))(t); !got.Asks {
		t.Errorf("a question: %+v", got)
	}
	c.Questions = false
	if got := must(tn.Try(t.Context(), c, rules, "Wo sind gerade Kontis?", nil))(t); got.Asks || got.MayAsk {
		t.Errorf("a question, where they are not answered: %+v", got)
	}
}
