package manage

import (
	"errors"
	"regexp/syntax"
	"strings"
	"testing"

	"ticketfrei/censor"
	"ticketfrei/internal/i18n"
	"ticketfrei/templates"
)

func TestPatternTexts(t *testing.T) {
	t.Parallel()
	texts, err := i18n.New(templates.Texts...)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ pattern, id string }{
		{"U[12", "missing_bracket"},
		{"(a", "missing_paren"},
		{"a)", "unexpected_paren"},
		{"+a", "nothing_to_repeat"},
		{"a**", "bad_repeat"},
		{"a{1001}", "repeat_size"},
		{`a\`, "trailing_backslash"},
		{`\y`, "bad_escape"},
		{"[z-a]", "bad_range"},
		{"(?=a)", "lookahead"},
		{"(?P<1", "bad_name"},
		{strings.Repeat("(", 1001) + strings.Repeat(")", 1001), "too_big"},
		{"\xff", "bad_text"},
	}
	for _, tt := range tests {
		t.Run(tt.id, func(t *testing.T) {
			_, err := syntax.Parse(tt.pattern, syntax.Perl)
			if err == nil {
				t.Fatalf("%q is no mistake", tt.pattern)
			}
			id, _ := patternText(err)
			if want := "settings.pattern." + tt.id; id != want {
				t.Errorf("%v: %s, want %s", err, id, want)
			}
			if !texts.Has(id) {
				t.Errorf("there is no text %s", id)
			}
		})
	}
	for err, want := range map[error]string{censor.ErrTooMany: "too_many", censor.ErrTooLong: "line_too_long",
		censor.ErrTooComplex: "too_big", censor.ErrAllTooLong: "all_too_long", censor.ErrNoWord: "no_word",
		censor.ErrTooExpensive: "too_expensive", censor.ErrTooWide: "too_wide"} {
		if id, _ := patternText(err); id != "settings.pattern."+want || !texts.Has(id) {
			t.Errorf("%v: text id %s", err, id)
		}
	}
	t.Run("anything else", func(t *testing.T) {
		if id, _ := patternText(errors.New("odd")); id != "settings.pattern.other" || !texts.Has(id) {
			t.Errorf("text id %s", id)
		}
	})
}
