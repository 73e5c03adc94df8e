package intent

import (
	"regexp"
	"slices"
	"strings"
)

// Line is a line that a text names.
type Line struct {
	Kind   string // "U", "S", "M" …; "Tram" or "Bus"; AnyKind where the text does not say
	Number string
}

// AnyKind is the kind of a line of which only the number is known.
const AnyKind = "Linie"

// String returns the line as people write it: "U1", "Tram 5".
func (l Line) String() string {
	if len(l.Kind) > 2 {
		return l.Kind + " " + l.Number
	}
	return l.Kind + l.Number
}

// same tells whether both may be the same line: "Linie 4" is a tram or a bus.
func (l Line) same(other Line) bool {
	if l.Number != other.Number {
		return false
	}
	return l.Kind == other.Kind || l.Kind == AnyKind && len(other.Kind) > 2 || other.Kind == AnyKind && len(l.Kind) > 2
}

// linePattern finds numbers, and what before them says that they are a line. It is for
// text as lowered returns it.
var linePattern = regexp.MustCompile(`\b(?:(u-?bahn|u bahn|s-?bahn|s bahn|underground|metro|tram|strassenbahn|bim|bus|linie|line|route)[ -]*(?:linie|line|nr|nummer|number)?[. -]*)?(?:([us][ -]?|[mnx]-?|(?:re|rb|rs|rx)[ -]?))?(\d{1,3})(er)?\b`)

// counted is how what follows a number begins where it says how many people there are,
// as in "in der U-Bahn 2 Kontis". After "Tram" and "Bus" the number is the line's.
var counted = regexp.MustCompile(`^ +(konti|kontrolle[tu]|kontros|controllers|inspectors|leute|maenner|people|personen|polizist|pruefer|securit|typen|zivi)`)

// lineKinds are the kinds of lines, by the first letter of the word that names them;
// bus, bim and the rest need more.
var lineKinds = []struct{ prefix, kind string }{
	{"u", "U"}, {"metro", "U"}, {"strassen", "Tram"}, {"s", "S"}, {"tram", "Tram"}, {"bim", "Tram"}, {"bus", "Bus"}, {"", AnyKind},
}

// findLines returns the lines that a text names, each once, and the text with lineMark
// in place of each. The text is as lowered returns it.
func findLines(text string) (lines []Line, marked string) {
	var b strings.Builder
	last := 0
	for _, at := range linePattern.FindAllStringSubmatchIndex(text, -1) {
		l, ok := lineAt(text, at)
		if !ok {
			continue
		}
		if !slices.Contains(lines, l) {
			lines = append(lines, l)
		}
		b.WriteString(text[last:at[0]] + " " + lineMark + " ")
		last = at[1]
	}
	return lines, b.String() + text[last:]
}

// lineAt makes a line of a match of linePattern; not where it is just a number.
func lineAt(text string, at []int) (Line, bool) {
	group := func(i int) string { return text[max(0, at[2*i]):max(0, at[2*i+1])] }
	word, letters, number := group(1), strings.Trim(group(2), " -"), strings.TrimLeft(group(3), "0")
	switch {
	case number == "" || letters == "" && strings.HasSuffix(word, "bahn") && counted.MatchString(text[at[1]:]):
		return Line{}, false
	case letters != "":
		return Line{strings.ToUpper(letters), number}, true
	case word == "":
		if after := named.FindStringSubmatch(text[at[1]:]); after != nil && ordinal(text[:at[0]], number, after[1]) {
			return Line{kindOf(after[1]), number}, true
		}
		return Line{AnyKind, number}, group(4) != ""
	}
	return Line{kindOf(word), number}, true
}

// kindOf returns the kind of line that a word names.
func kindOf(word string) string {
	i := slices.IndexFunc(lineKinds, func(k struct{ prefix, kind string }) bool { return strings.HasPrefix(word, k.prefix) })
	return lineKinds[i].kind
}

// named is what follows a number that is a line's, as in "the 149 bus", "die 18 frei".
var named = regexp.MustCompile(`^(?: *$| *[?.!,;]| +(bus|tram|bim|frei|sauber|sicher|clear|safe|clean|richtung|nach|from|towards|to|at|in|am|an|heute|today|gerade|grad|jetzt|now|without|ohne|looking|irgend|kontroll|oder|or|noch|still|check)\b)`)

// ordinal tells whether a number is the name of something by the article before it. Two
// or three may be people: "die 2 am Plärrer".
func ordinal(before, number, after string) bool {
	m := leading.FindStringSubmatch(before)
	return m != nil && (m[1] == "der" || m[1] == "im" || len(number) > 1 || after == "bus" || after == "tram")
}

var leading = regexp.MustCompile(`(?:^|[^a-z])(?:(?:ist|sind|mit|in|auf|on|take|is|im|hows|how's|avoid|about) +)?(die|der|the|im) +$`)

// LinesOf returns the lines that a text names, each once.
func LinesOf(text string) []Line {
	lines, _ := findLines(lowered(text))
	return lines
}

// Names tells whether a text names one of lines.
func Names(text string, lines []Line) bool {
	return slices.ContainsFunc(LinesOf(text), func(l Line) bool { return slices.ContainsFunc(lines, l.same) })
}
