package manage_test

import (
	"fmt"
	"strings"
	"testing"

	"ticketfrei/censor"
	"ticketfrei/db"
	"ticketfrei/internal/report"
	"ticketfrei/manage"
)

func TestTriggerOf(t *testing.T) {
	t.Parallel()
	for word, tt := range map[string]struct{ line, finds, misses string }{
		"bus":         {`\bbus\b`, "der Bus steht", "Busse"},
		"konti*":      {`\bkonti`, "3 Kontis", "Dreikonti"},
		"*kontroll*":  {`kontroll`, "Fahrkartenkontrolleur", "Konti"},
		"*prüfer":     {`prüfer\b`, "Fahrscheinprüfer!", "Prüferin"},
		"2 kontis":    {`\b2 kontis\b`, "da sind 2  Kontis", "12 kontis"},
		"a.b (c)":     {`\ba\.b \(c\)`, "A.B (c)", "axb (c)"},
		"  u-bahn  ":  {`\bu-bahn\b`, "U-Bahn", "ubahn"},
		"كنترول":      {`\bكنترول\b`, "كنترول هنا", "كنت"},
		"#notiz":      {`\#notiz\b`, "das ist #Notiz", "Notiz"},
		"zwei\nZeile": {`\bzwei Zeile\b`, "zwei zeile", "zwei"},
	} {
		got := manage.TriggerOf(word)
		rules, err := censor.Compile(got.Line, "")
		if err != nil || got.Line != tt.line || !rules.Judge(tt.finds).Passed || rules.Judge(tt.misses).Passed {
			t.Errorf("%s: %+v, %v", word, got, err)
		}
		words, patterns := manage.Rules{Triggers: got.Line}.Words()
		if len(words) != 1 || patterns != 0 || words[0] != got {
			t.Errorf("%s is shown as %+v, want %+v", word, words, got)
		}
	}
}

// TestWordsOfRules tells words from patterns, and shows most of those that every city begins
// with as words.
func TestWordsOfRules(t *testing.T) {
	t.Parallel()
	words, patterns := manage.Rules{Triggers: "# Notiz\nkontroll\n\n \\bbus\\b \n\\bkontros?\\b\n*\nkontroll\nU[123]\na|b"}.Words()
	if got := fmt.Sprint(words, patterns); got != `[{*kontroll* kontroll} {bus \bbus\b}] 4` {
		t.Errorf("got %s", got)
	}
	for _, language := range []string{"de", "en", "fr", "tr", "ar", "uk"} {
		words, patterns := manage.DefaultRules(language).Words()
		if len(words) < 3*patterns {
			t.Errorf("%s: %d words and %d patterns", language, len(words), patterns)
		}
	}
}

func TestWordsAreAddedAndRemoved(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := tn.city("jena")
	before := must(tn.SaveRules(t.Context(), c.ID, manage.Rules{Triggers: "# Wer\nkontis?\n", Blocked: "spam"}, ""))(t)
	tn.changed(c, 1)
	for range 2 {
		if got := must(tn.AddTrigger(t.Context(), c.ID, " kontrolletti* "))(t); got.Word != "kontrolletti*" {
			t.Errorf("added %+v", got)
		}
		tn.check(tn.Block(t.Context(), c.ID, "Quatsch"))
	}
	tn.changed(c, 2)
	if got, want := manage.RulesOf(tn.now(c)), (manage.Rules{Triggers: "# Wer\nkontis?\n\\bkontrolletti", Blocked: "spam\nQuatsch"}); got != want {
		t.Errorf("stored %q, want %q", got, want)
	}
	for range 2 {
		tn.check(tn.RemoveTrigger(t.Context(), c.ID, `\bkontrolletti`))
		tn.check(tn.Unblock(t.Context(), c.ID, "Quatsch"))
	}
	tn.changed(c, 2)
	if got := manage.RulesOf(tn.now(c)); got != before {
		t.Errorf("stored %q, want %q", got, before)
	}
	for _, word := range []string{"", "*", " ** ", "!!", "#", strings.Repeat("x", 61)} {
		_, err := tn.AddTrigger(t.Context(), c.ID, word)
		tn.wrong(err, "word")
		tn.wrong(tn.Block(t.Context(), c.ID, word), "word")
	}
	tn.wrong(tn.Block(t.Context(), c.ID, "/(a/"), "blocked")
	_, err := tn.AddTrigger(t.Context(), c.ID, "kontroll*eur")
	tn.wrong(err, "word")
	tn.changed(c, 0)
}

func TestWould(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := tn.city("jena")
	tn.says(c, passed, "kontis u1", "kontis https://example.org", "kontis t.me/x "+strings.Repeat("und viele Worte ", 20), "Wo sind gerade Kontis?")
	tn.says(c, refused, "refused https://example.org")
	if got, want := must(tn.Would(t.Context(), c))(t), (manage.Would{Questions: 1, Links: 2, Long: 1, Of: 4}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// says stores reports, one a minute, and the first one as the newest.
func (tn *town) says(c report.City, v report.Verdict, texts ...string) {
	tn.t.Helper()
	for i, text := range texts {
		tn.tell(c, text, i+1, v)
	}
}

// TestSuggestions suggests what stood in several reports that were let through or taken back.
func TestSuggestions(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := tn.city("jena")
	must(tn.SaveRules(t.Context(), c.ID, manage.Rules{Triggers: "konti"}, ""))(t)
	must(tn.SavePlaces(t.Context(), c.ID, "U1: Plärrer", ""))(t)
	c = tn.now(c)
	through := report.Verdict{Passed: true, Reason: report.ReasonLetThrough}
	tn.says(c, through, "Kontrolletti jetzt im Wagen 1 https://beispiel.example/seite www.beispiel.example t.me/seite", "zwei kontrolletti jetzt https://beispiel.example/seite www.beispiel.example t.me/seite", "Kontrolletti, Kontrolletti! https://beispiel.example/seite www.beispiel.example t.me/seite", "Blaumann jetzt", "Blaumann", "konti Radler", "konti radler 2", "konti radler 3")
	tn.says(c, report.Verdict{Reason: report.ReasonTakenBack}, "konti Werbung Plärrer", "konti werbung am Hbf", "werbung konti Hbf", "konti am Hbf")
	tn.says(c, report.Verdict{Reason: report.ReasonTakenBack, Detail: report.DetailDeleted}, "konti Blaulicht 1", "konti Blaulicht 2", "konti Blaulicht 3")
	tn.says(c, passed, "konti Bahnsteig 1", "konti Hbf 1")
	suggested := func() string {
		var list []string
		for _, s := range must(tn.Suggestions(t.Context(), c))(t) {
			list = append(list, fmt.Sprint(s.Word, " ", s.Count, " ", s.Block))
		}
		return strings.Join(list, ", ")
	}
	if got := suggested(); got != "kontrolletti 3 false, werbung 3 true" {
		t.Errorf("suggested: %s", got)
	}
	tn.check(tn.LeaveWord(t.Context(), c.ID, "Werbung"))
	must(tn.AddTrigger(t.Context(), c.ID, "kontrolletti"))(t)
	if c = tn.now(c); suggested() != "" {
		t.Errorf("suggested: %s", suggested())
	}
}

// TestAlways lets a report through and has such reports pass.
func TestAlways(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := tn.city("jena")
	must(tn.SaveRules(t.Context(), c.ID, manage.Rules{Triggers: "konti", Blocked: "spam\nQuatsch"}, ""))(t)
	c = tn.now(c)
	tn.tell(c, "Kontrolletti jetzt im Wagen der Schnellbahnlinie", 1, refused)
	tn.tell(c, "konti so ein quatsch", 1, report.Verdict{Reason: report.ReasonBlocked, Detail: "Quatsch"})
	tn.tell(c, "zu viele", 1, held)
	first, second := "Kontrolletti jetzt im Wagen der Schnellbahnlinie", "konti so ein quatsch"
	if a := must(tn.AlwaysOf(t.Context(), c, first))(t); a.Unblock != "" || strings.Join(a.Words, " ") != "schnellbahnlinie kontrolletti wagen" {
		t.Errorf("%+v", a)
	}
	if a := must(tn.AlwaysOf(t.Context(), c, second))(t); a.Unblock != "Quatsch" || len(a.Words) != 0 {
		t.Errorf("%+v", a)
	}
	_, err := tn.AlwaysOf(t.Context(), c, "zu viele")
	tn.is(err, manage.ErrNoRule)
	_, err = tn.AlwaysOf(t.Context(), c, "nothing")
	tn.is(err, db.ErrNotFound)
	for _, word := range []string{"", "kontrolleur", "schnellbahn"} {
		_, err := tn.AlwaysLetThrough(t.Context(), c, first, word)
		tn.wrong(err, "word")
	}
	if !must(tn.AlwaysLetThrough(t.Context(), c, first, "kontrolletti*"))(t) || !must(tn.AlwaysLetThrough(t.Context(), c, second, ""))(t) {
		t.Error("they were not let through")
	}
	if got, want := manage.RulesOf(tn.now(c)), (manage.Rules{Triggers: "konti\n\\bkontrolletti", Blocked: "spam"}); got != want {
		t.Errorf("stored %q, want %q", got, want)
	}
	for _, id := range []string{first, second} {
		if j := must(tn.db.Report(t.Context(), c.ID, id))(t); j.Verdict.Reason != report.ReasonLetThrough {
			t.Errorf("%s: %+v", id, j.Verdict)
		}
	}
}

func TestAnswersOfACity(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := tn.city("jena")
	tn.check(tn.SaveAnswers(t.Context(), c.ID, "de", map[string]string{"answer.to": " Danke! Geht an {whom}. ", "answer.known": "Wissen wir.\r\nDanke."}, ""))
	tn.check(tn.SaveAnswers(t.Context(), c.ID, "en", map[string]string{"answer.known": "We know."}, ""))
	texts := tn.now(c).AnswerTexts()
	for _, tt := range []struct{ language, id, want string }{
		{"de", "answer.to", "Danke! Geht an 3 Leute."}, {"de", "answer.known", "Wissen wir.\nDanke."}, {"en", "answer.known", "We know."}, {"en", "answer.to", ""}, {"fr", "answer.known", ""},
	} {
		if got, own := texts.Say(tt.language, tt.id, "Whom", "3 Leute"); got != tt.want || own != (tt.want != "") {
			t.Errorf("%s %s: %q", tt.language, tt.id, got)
		}
	}
	tn.wrong(tn.SaveAnswers(t.Context(), c.ID, "de", map[string]string{"answer.known": "an {whom}"}, ""), "answer.known")
	tn.wrong(tn.SaveAnswers(t.Context(), c.ID, "de", map[string]string{"answer.to": "an {wen}"}, ""), "answer.to")
	tn.wrong(tn.SaveAnswers(t.Context(), c.ID, "de", map[string]string{"answer.to": strings.Repeat("x", 301)}, ""), "answer.to")
	tn.wrong(tn.SaveAnswers(t.Context(), c.ID, "xx", map[string]string{"answer.other": "x"}, ""), "language", "answer.other")
	tn.check(tn.SaveAnswers(t.Context(), c.ID, "de", nil, ""))
	tn.check(tn.SaveAnswers(t.Context(), c.ID, "en", nil, ""))
	if got := tn.now(c).Answers; got != "" {
		t.Errorf("left is %s", got)
	}
	tn.changed(c, 4)
}
