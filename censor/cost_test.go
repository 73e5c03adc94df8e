package censor

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"ticketfrei/internal/report"
)

// lines repeats a line with its number, as far as the limits allow.
func lines(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format+"\n", i)
	}
	return b.String()
}

// TestAcceptRefusesWhatIsExpensive has rules that a text of the greatest length
// would keep busy for a second or more, alone or together.
func TestAcceptRefusesWhatIsExpensive(t *testing.T) {
	hundred := strings.Repeat("[a-h].{94}z\n", 100)
	for name, triggers := range map[string]string{
		"100 nasty patterns":            hundred,
		"everything under way":          strings.Repeat(".{0,60}x.{0,60}y\n", 30),
		"every pattern at another step": differentLengths(),
		"optional ends":                 strings.Repeat(`\w*(?:`+strings.Repeat("ab?", 60)+")\n", 30),
		"alternatives in a loop":        strings.Repeat(`(?:`+strings.Repeat("ab|ba|", 30)+"x)*y\n", 50),
		"any letters":                   strings.Repeat(strings.Repeat(`\pL`, 60)+"\n", 50),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Compile(triggers, ""); err != nil {
				t.Fatalf("is refused for another reason: %v", err)
			}
			_, err := Accept(triggers, "")
			list, ok := errors.AsType[PatternErrors](err)
			if !ok {
				t.Fatalf("error is %v", err)
			}
			bad := map[int]bool{}
			for _, e := range list {
				if !errors.Is(e.Err, ErrTooExpensive) || e.Field != "triggers" || e.Pattern != strings.Split(triggers, "\n")[e.Line-1] {
					t.Errorf("%+v", e)
				}
				bad[e.Line] = true
			}
			var rest []string
			for i, line := range strings.Split(triggers, "\n") {
				if !bad[i+1] {
					rest = append(rest, line)
				}
			}
			if _, err := Accept(strings.Join(rest, "\n"), ""); err != nil {
				t.Errorf("without the lines that were named: %v", err)
			}
		})
	}
}

// TestAcceptNamesTheExpensiveLine has one bad line among good ones.
func TestAcceptNamesTheExpensiveLine(t *testing.T) {
	var bad strings.Builder
	for i := range 7 {
		fmt.Fprintf(&bad, ".{%d}x.{%d}y\n", 230+i, 230-i)
	}
	good := strings.Split(strings.TrimSpace(manyTriggers()), "\n")
	triggers := "# our rules\n" + strings.Join(good[:100], "\n") + "\n\n" + bad.String() + strings.Join(good[100:], "\n")
	_, err := Accept(triggers, "")
	list, ok := errors.AsType[PatternErrors](err)
	if !ok || len(list) == 0 {
		t.Fatalf("error is %v", err)
	}
	for _, e := range list {
		if !strings.HasPrefix(e.Pattern, ".{") {
			t.Errorf("blames %q", e.Pattern)
		}
	}
}

// TestAcceptTakesWhatModeratorsWrite has long lists of honest rules.
func TestAcceptTakesWhatModeratorsWrite(t *testing.T) {
	for name, triggers := range map[string]string{
		"German defaults":           DefaultTriggers("de"),
		"English defaults":          DefaultTriggers("en"),
		"200 patterns":              manyTriggers(),
		"500 stops":                 lines(500, "haltestelle%d"),
		"500 stops as words":        lines(500, `\bhalt%dstr`),
		"alternatives at the start": lines(300, `\b(?:kontrollör|prüfer)%d`),
		"something in between":      lines(100, `kontroll.*(?:u|s)%d`),
		"a few letters in between":  lines(20, `kontroll.{0,30}linie ?%d`),
		"endings":                   lines(300, `\bkontroll\w*%d`),
		"stops between letters":     lines(500, `(?:^|[^\pL])halt%d(?:$|[^\pL\pN])`),
		"any Chinese sign":          lines(20, `[一-龥]%d`),
		"stops with hyphens":        lines(500, `U1-駅[ -]%d`),
		"everything":                "*",
		"nothing":                   "",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Accept(triggers, manyBlocked()); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestAcceptRefusesWideRanges has patterns that take seconds to make, though they are
// cheap to look for. Those that are stored already go on.
func TestAcceptRefusesWideRanges(t *testing.T) {
	many := func(part string) string {
		return strings.Repeat("["+strings.Repeat(part, 198/len([]rune(part)))+"]", 1) + "\n"
	}
	for name, line := range map[string]string{
		"ranges":             many("B-𞥂"),
		"ranges by number":   many(`\x{42}-\x{1e942}`),
		"octal ranges":       many(`\102-𞥂`),
		"after a class":      many("[:alpha:]B-𞥂"),
		"after a bracket":    many("]B-𞥂"),
		"not in them":        many("^B-𞥂"),
		"in one of many":     "[" + strings.Repeat("B-𞥂][", 39) + "x]\n",
		"classes":            strings.Repeat(many(`\pL`), 25),
		"scripts of letters": strings.Repeat(many(`\p{Lu}`), 50),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Compile("konti\n"+line, ""); err != nil {
				t.Fatalf("stored rules are refused: %v", err)
			}
			_, err := Accept("konti\n"+line, "")
			if list, ok := errors.AsType[PatternErrors](err); !ok || !errors.Is(list[0].Err, ErrTooWide) || list[0].Line < 2 {
				t.Errorf("error is %v", err)
			}
		})
	}
}

// TestAcceptBoundsItself has rules with as many kinds of characters as fit in.
func TestAcceptBoundsItself(t *testing.T) {
	var b strings.Builder
	for i := range 9000 {
		b.WriteRune(rune(0x4e00 + i))
		if i%190 == 189 {
			b.WriteByte('\n')
		}
	}
	_, err := Accept(b.String(), "")
	if list, ok := errors.AsType[PatternErrors](err); !ok || len(list) != 1 || !errors.Is(err, ErrAllTooLong) {
		t.Errorf("error is %v", err)
	}
}

// TestCostsHold reads texts step by step: none looks at more instructions than
// costs says.
func TestCostsHold(t *testing.T) {
	for name, triggers := range map[string]string{
		"defaults":             DefaultTriggers("de"),
		"many":                 manyTriggers(),
		"everything under way": strings.Repeat(".{0,20}x.{0,20}y\n", 10),
		"different lengths":    differentLengths(),
		"edges":                lines(50, `\b(?:a|b)*\Bx%d$`),
	} {
		t.Run(name, func(t *testing.T) {
			rules, err := Compile(triggers, "")
			if err != nil {
				t.Fatal(err)
			}
			a := rules.found
			_, most := a.costs()
			for _, text := range []string{umlautReport, mixed("abx")(300), mixed("abcdefgh")(300), mixed("aЖ 1")(300)} {
				s := a.first.Load()
				for _, r := range Normalize(text) {
					class := a.classes.of(r)
					a.advance(s.under, s.before, class)
					looked := a.looked()
					a.advance(a.starts, s.before, class)
					if looked += a.looked(); looked > most {
						t.Fatalf("%d instructions for a character, at most %d were foretold", looked, most)
					}
					s = a.step(s, class)
				}
			}
		})
	}
}

// looked returns how many instructions the last round looked at.
func (a *automaton) looked() int {
	n := 0
	for _, round := range a.seen {
		if round == a.round {
			n++
		}
	}
	return n
}

// TestTextThatGrows has a text within the limit that normalising makes 18 times
// as long.
func TestTextThatGrows(t *testing.T) {
	rules, err := Accept("*", "")
	if err != nil {
		t.Fatal(err)
	}
	if got := rules.Judge(strings.Repeat("ﷺ", MaxLength)); got.Reason != report.ReasonTooLong {
		t.Errorf("verdict %+v", got)
	}
	if got := rules.Judge(strings.Repeat("ß", MaxLength/2)); !got.Passed {
		t.Errorf("verdict %+v", got)
	}
}
