package mailtext

import (
	"slices"
	"strings"
	"unicode"
)

// stretch is a part of a text, in bytes.
type stretch struct{ from, to int }

// without returns text without the stretches found, which are in its order. What they leave
// behind goes as well: blanks, empty brackets, marks at the beginning of a line, and
// lines of which nothing is left.
func without(text string, found []stretch) string {
	if len(found) == 0 {
		return text
	}
	var b strings.Builder
	at := 0
	for _, s := range found {
		b.WriteString(text[at:s.from])
		b.WriteByte(hole)
		at = s.to
	}
	b.WriteString(text[at:])
	lines := strings.Split(b.String(), "\n")
	kept := lines[:0]
	for _, line := range lines {
		if strings.IndexByte(line, hole) >= 0 {
			if line = closeHoles(line); line == "" {
				continue
			}
		}
		kept = append(kept, line)
	}
	return strings.Join(kept, "\n")
}

// hole stands where something was taken out. Control characters are not in a text
// that is fit to be shown.
const hole = '\x01'

// closeHoles returns a line without its holes; empty where it says nothing without
// what was taken out.
func closeHoles(line string) string {
	for _, around := range []string{"(\x01)", "[\x01]", "<\x01>", "\"\x01\"", "„\x01“", "*\x01*", "_\x01_"} {
		line = strings.ReplaceAll(line, around, string(hole))
	}
	parts := strings.Split(line, string(hole))
	if len(parts) == 2 && isLabel(parts[0]) && !says(parts[1]) {
		return ""
	}
	line = parts[0]
	for _, part := range parts[1:] {
		switch {
		case strings.TrimSpace(line) == "":
			line = strings.TrimLeft(part, " \t:;,.!?–—-)")
		case strings.TrimSpace(part) == "":
			line = strings.TrimRight(line, " \t,;:–—-(/")
		default:
			line = strings.TrimRight(line, " ")
			if strings.ContainsAny(strings.TrimLeft(part, " ")[:1], ".,;:!?") {
				line = strings.TrimRight(line, ",;:")
			} else {
				line += " "
			}
			line += strings.TrimLeft(part, " ")
		}
	}
	words := foldedWords(line)
	if !slices.ContainsFunc(words, func(w string) bool { return !fromWords[w] && !sentWords.begin(w) && !sentExact[w] }) {
		return "" // "Gesendet von"
	}
	return line
}

// isLabel says whether a line is only what stands before a name: "Von:".
func isLabel(line string) bool {
	const most = 2 // words
	label, ok := strings.CutSuffix(strings.TrimSpace(line), ":")
	return ok && len(foldedWords(label)) <= most && !strings.ContainsFunc(label, unicode.IsDigit)
}
