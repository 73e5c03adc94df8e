package moving_test

import (
	"testing"

	"ticketfrei/censor"
	"ticketfrei/moving"
)

// TestPatternsOfPython checks what patterns of Python's re find here: the same.
func TestPatternsOfPython(t *testing.T) {
	for pattern, texts := range map[string]struct{ found, not []string }{
		`kontrolle`:              {[]string{"KONTROLLE am Plärrer", "Fahrscheinkontrolle"}, []string{"kontrol"}},
		`(?i)Straße\s*\d+`:       {[]string{"strasse 12", "Straße12"}, []string{"Straße"}},
		`\bk\w+r\b`:              {[]string{"zwei Kontrollör da", "Kör"}, []string{"Kontrollörin", "kr"}},
		`^[\w-]+$`:               {[]string{"Plärrer-Süd"}, []string{"Plärrer Süd"}},
		`a\Wb`:                   {[]string{"a-b"}, []string{"aüb", "ab"}},
		`^[^\w\s]$`:              {[]string{"!"}, []string{"ü", "x"}},
		`\u00fc\U0001F694`:       {[]string{"ü🚔"}, []string{"u"}},
		`\ü`:                     {[]string{"Übung"}, []string{"Uebung"}},
		` bus`:                   {[]string{"der bus"}, []string{"omnibus", "bus"}},
		`bus\ `:                  {[]string{"bus da"}, []string{"busse", "bus"}},
		"linie  1\n":             {[]string{"linie 1 da"}, []string{"linie 11"}},
		"a[\t\n]b":               {[]string{"a b"}, []string{"ab"}},
		`^zwei{,2}$`:             {[]string{"zwe", "zweii"}, []string{"zweiii", "zwei{,2}"}},
		`^x{,}$`:                 {[]string{"xxx"}, []string{"x{,}"}},
		`^x{$`:                   {[]string{"x{"}, []string{"x"}},
		`#hashtag`:               {[]string{"ein #hashtag"}, []string{"hashtag"}},
		`^[]x]+$`:                {[]string{"]x"}, []string{"y"}},
		`^[^]x]+$`:               {[]string{"yy"}, []string{"]"}},
		`^[[:alpha:]]$`:          {[]string{"a]", ":]"}, []string{"b]", "a"}},
		`(?u)(?ai)über(?L:fall)`: {[]string{"Überfall"}, []string{"über"}},
		`(?P<w>räum)(?:ung)`:     {[]string{"Räumung"}, []string{"räumen"}},
		`nazi.{0,3}parole`:       {[]string{"Nazi--Parole"}, []string{"nazi und parole"}},
		`c\+\+|\.\*`:             {[]string{"c++", ".*"}, []string{"c"}},
	} {
		line, ok := moving.FromPython(pattern)
		if !ok {
			t.Errorf("%q cannot be said", pattern)
			continue
		}
		if line[0] == '#' {
			line = `\` + line
		}
		rules, err := censor.Accept(line, "")
		if err != nil {
			t.Errorf("%q became %q: %v", pattern, line, err)
			continue
		}
		for _, text := range texts.found {
			if !rules.Judge(text).Passed {
				t.Errorf("%q became %q, which does not find %q", pattern, line, text)
			}
		}
		for _, text := range texts.not {
			if rules.Judge(text).Passed {
				t.Errorf("%q became %q, which finds %q", pattern, line, text)
			}
		}
	}
}

// TestPatternsThatCannotBeSaid has patterns that nothing here finds the same with: they are
// never taken for something else.
func TestPatternsThatCannotBeSaid(t *testing.T) {
	for _, pattern := range []string{
		`kontrolle(?=r)`, `kontrolle(?!r)`, `(?<=u)1`, `(?<!nicht )da`, `(a)\1`, `(?P<w>a)(?P=w)`, `\Zende`, `a++`, `a{2}+`, `(?>a)b`, `(a)?(?(1)b|c)`,
		`(?x) a b`, `(?m)^a`, `(?#word)a`, `[\W]`, `\N{BULLET}`, `\uabc`, `[\b]`, `\pL`, `(`, `[`, `*`, `a{1001}`, "a\x00b", "\xff", `a\`,
	} {
		line, ok := moving.FromPython(pattern)
		if !ok {
			continue
		}
		if _, err := censor.Accept(line, ""); err == nil && line != censor.Anything {
			t.Errorf("%q became %q", pattern, line)
		}
	}
}

func FuzzPatternOfPython(f *testing.F) {
	for _, pattern := range []string{`\bk\w+r\b`, ` a\ `, `[]\w[]`, `(?iu)x{,3}`, `[^]`, `\`, `(?`, "\xff", `{,`, `[\`} {
		f.Add(pattern)
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		line, ok := moving.FromPython(pattern)
		if !ok {
			return
		}
		for _, r := range line {
			if r == '\n' || r == '\r' {
				t.Errorf("%q became more than a line: %q", pattern, line)
			}
		}
	})
}
