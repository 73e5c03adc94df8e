package censor

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"ticketfrei/internal/report"
)

// reference judges as Rules does, but plainly and slowly: with a regular
// expression of the standard library for each pattern, and by comparing each
// word at each place.
type reference struct {
	patterns []string
	triggers []*regexp.Regexp // nil for *
	blocked  []plainEntry
	slurs    []plainEntry
}

type plainEntry struct {
	text   string
	tokens []string
}

func newReference(tb testing.TB, triggers, blocked string) *reference {
	tb.Helper()
	r := &reference{blocked: plainEntries(blocked), slurs: plainEntries(slurList)}
	for _, pattern := range plainLines(triggers) {
		if strings.HasPrefix(pattern, "#") {
			continue
		}
		r.patterns = append(r.patterns, pattern)
		if pattern == "*" {
			r.triggers = append(r.triggers, nil)
			continue
		}
		re, err := syntax.Parse(pattern, syntax.Perl|syntax.FoldCase)
		if err != nil {
			tb.Fatal(err)
		}
		foldPattern(re)
		r.triggers = append(r.triggers, regexp.MustCompile(re.String()))
	}
	return r
}

func plainLines(text string) []string {
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

func plainEntries(text string) []plainEntry {
	var entries []plainEntry
	for _, line := range plainLines(text) {
		entries = append(entries, plainEntry{line, plainToken.FindAllString(slowNormalize(line), -1)})
	}
	return entries
}

func (r *reference) judge(text string) report.Verdict {
	if strings.TrimSpace(text) == "" {
		return held(report.ReasonEmpty, "")
	}
	if utf8.RuneCountInString(text) > MaxLength {
		return held(report.ReasonTooLong, "")
	}
	text = slowNormalize(text)
	if text == "" {
		return held(report.ReasonEmpty, "")
	}
	if word := firstEntry(text, r.slurs); word != "" {
		return held(report.ReasonSlur, word)
	}
	if word := firstEntry(text, r.blocked); word != "" {
		return held(report.ReasonBlocked, word)
	}
	everything := false
	for i, re := range r.triggers {
		if re == nil {
			everything = true
		} else if re.MatchString(text) {
			return report.Verdict{Passed: true, Reason: report.ReasonTrigger, Detail: r.patterns[i]}
		}
	}
	if everything {
		return report.Verdict{Passed: true, Reason: report.ReasonTrigger, Detail: "*"}
	}
	return held(report.ReasonNoTrigger, "")
}

// plainToken is a word, or a symbol.
var plainToken = regexp.MustCompile(`[\pL\pN\pM]+|[^\pL\pN\pM\s\pZ\p{Cc}\p{Pc}\p{Pd}\p{Ps}\p{Pe}\p{Pi}\p{Pf}.,;:!?'"/·¡¿、。・]`)

// firstEntry returns the entry that begins first in text; of several, the one
// with the fewest words, then the first in the list.
func firstEntry(text string, entries []plainEntry) string {
	tokens := plainToken.FindAllString(text, -1)
	for i := range tokens {
		best, length := "", len(tokens)+1
		for _, entry := range entries {
			want := entry.tokens
			if len(want) > 0 && len(want) < length && len(want) <= len(tokens)-i && slices.Equal(want, tokens[i:i+len(want)]) {
				best, length = entry.text, len(want)
			}
		}
		if best != "" {
			return best
		}
	}
	return ""
}

// differs reports whether \b of the standard library, which knows only ASCII,
// means something else in this text.
func differs(pattern, text string) bool {
	return (strings.Contains(pattern, `\b`) || strings.Contains(pattern, `\B`)) &&
		strings.ContainsFunc(text, func(r rune) bool { return r >= utf8.RuneSelf && isWord(r) })
}

func FuzzJudge(f *testing.F) {
	f.Add("konti\nu[1-9]", "fetter sack\nrad", "U1 Kontis, fetter  Sack!")
	f.Add("straß+e\n^.{2,3}x$\n*", "c++\n🐷", "STRASSE ..x 🐷c++")
	f.Add(`\bab\b|c*d$`, "", "ab cd abcd")
	f.Add("a|ab|abc\n(?:a|b)*c{2}\n[^a]\\d+", "a b c\na b", "aabcc a-b x12")
	f.Add("(a+)+$\n(?i:Ä)[ß-ü]\n\\pL\\PL", "ﬁ\nİ", "aaaa! äss ﬁ ı")
	f.Fuzz(func(t *testing.T, triggers, blocked, text string) {
		triggers, blocked = string([]rune(triggers)), string([]rune(blocked))
		rules, err := Compile(triggers, blocked)
		if err != nil {
			return
		}
		if strings.ContainsFunc(triggers, func(r rune) bool { return shown(r) != r || r == '\r' }) || differs(triggers, Normalize(text)) {
			rules.Judge(text)
			return
		}
		ref := newReference(t, triggers, blocked)
		want := ref.judge(text)
		for range 2 { // build the automaton's steps, then reuse them
			if got := rules.Judge(text); got != want {
				t.Errorf("triggers %q, blocked %q, text %q: %+v, want %+v", triggers, blocked, text, got, want)
			}
		}
	})
}

// FuzzPatterns compares what patterns mean with the standard library, not only
// how they are run. The fuzzer's letters stand for parts of patterns.
func FuzzPatterns(f *testing.F) {
	parts := []string{"a", "b", "C", "D", "1", ".", "*", "+", "?", "(", ")", "|", "[aB]", "[^a]", `\b`, `\B`, `\d`, `\w`, `\s`, "^", "$", "{2}", "{1,3}", " ", `\W`, "(?:"}
	f.Add("abc", "abcd 11")
	f.Add("apqbuz", "ab1 aa")
	f.Add("oahbo", "ab b ab")
	f.Add("jalbkg", "aabb")
	f.Fuzz(func(t *testing.T, letters, text string) {
		var b strings.Builder
		for i := range len(letters) {
			b.WriteString(parts[int(letters[i])%len(parts)])
		}
		pattern := strings.TrimSpace(b.String())
		if pattern == "" || pattern == "*" || strings.Contains(pattern, "  ") {
			return
		}
		text = strings.Map(func(r rune) rune {
			if r >= utf8.RuneSelf {
				return 'a' + r%4
			}
			return r
		}, text)
		plain := strings.Join(strings.Fields(strings.Map(func(r rune) rune {
			if r < ' ' && (r < '\t' || r > '\r') || r == 0x7f {
				return -1
			}
			return r
		}, text)), " ")
		rules, err := Compile(pattern, "")
		if err != nil || plain == "" || len(plain) > MaxLength {
			return
		}
		got := rules.Judge(text)
		if want := regexp.MustCompile("(?i)" + pattern).MatchString(plain); got.Passed != want && got.Reason != report.ReasonSlur {
			t.Errorf("%q finds %q: %v, want %v", pattern, text, got.Passed, want)
		}
	})
}
