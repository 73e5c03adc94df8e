package mailtext

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

var (
	// closings are formulas that mails end with. Nothing but a name follows them.
	closings = newWordSet("closings")
	// thanks end a mail only where a name follows them.
	thanks = newWordSet("thanks")
)

// formulaStarts are the words that formulas, and what connects two, begin with.
var formulaStarts = func() wordSet {
	starts := wordSet{}
	for _, set := range []wordSet{closings, thanks, connectors} {
		for phrase := range set {
			first, _, _ := strings.Cut(phrase, " ")
			starts.add(first)
		}
	}
	return starts
}()

// maxClosing is how many words a formula has at most.
const maxClosing = 5

// cutClosing returns the formula that a line begins with, folded, and what follows it
// in the line. Of several formulas, as in "Danke und viele Grüße", it returns the last.
func cutClosing(line string) (formula, rest string) {
	if utf8.RuneCountInString(line) > maxNameLine+maxNameLine/2 {
		return "", ""
	}
	rest = line
	const most = 3 // formulas
	for range most {
		next, after := cutFormula(rest)
		if next == "" {
			break
		}
		formula, rest = next, after
	}
	if !says(rest) {
		rest = ""
	}
	return formula, rest
}

// connectors stand between two formulas.
var connectors = newWordSet("connectors")

// cutFormula cuts one formula off.
func cutFormula(line string) (formula, rest string) {
	line = strings.Trim(line, " \t*_~–—-,.!/|&+،")
	if !formulaStarts[firstWord(line)] { // as nearly every line
		return "", line
	}
	tokens := tokensOf(line)
	if formula, rest = formulaOf(line, tokens); formula == "" && len(tokens) > 1 && connectors[tokens[0].word] {
		return formulaOf(line, tokens[1:])
	}
	return formula, rest
}

// firstWord returns the first word of a line, folded; empty where it has none. Of one that
// is longer than those of formulas and names it returns the beginning.
func firstWord(line string) string {
	const longest = 40 // bytes
	word, _, _ := strings.Cut(strings.TrimLeft(line, space), " ")
	if len(word) > longest {
		return word[:longest]
	}
	if tokens := tokensOf(word); len(tokens) > 0 {
		return tokens[0].word
	}
	return ""
}

// formulaOf cuts off the longest formula that tokens, which are those of the line,
// begin with.
func formulaOf(line string, tokens []token) (formula, rest string) {
	for n := min(maxClosing, len(tokens)); n > 0; n-- {
		words := make([]string, n)
		for i, t := range tokens[:n] {
			words[i] = t.word
		}
		phrase := strings.Join(words, " ")
		if closings[phrase] || thanks[phrase] {
			return phrase, strings.Trim(line[tokens[n-1].to:], " \t,.!;:–—-*_~،")
		}
	}
	return "", line
}

// dropInner removes formulas with the writer's name, and lines of nothing but the name,
// below which more was written, as "PS: …".
func (w *writer) dropInner(lines []string) []string {
	kept := make([]string, 0, len(lines))
	for i := 0; i < len(lines); i++ {
		if end := w.signEnd(lines, i); i > 0 && end > i {
			i = end - 1
			continue
		}
		kept = append(kept, lines[i])
	}
	return kept
}

// signEnd returns where a formula and the writer's name end that begin with line i; i
// where none do.
func (w *writer) signEnd(lines []string, i int) int {
	if isBlank(lines[i]) {
		return i
	}
	if w.isName(lines[i]) && w.firsts.has(foldedWords(lines[i])...) {
		return i + 1
	}
	formula, name := cutClosing(lines[i])
	if formula == "" {
		return i
	}
	end := i + 1
	const most = 3 // blank lines
	for name == "" && end < len(lines) && end <= i+most && isBlank(lines[end]) {
		end++
	}
	if name == "" && end < len(lines) {
		name = lines[end]
		end++
	}
	if w.isName(name) {
		return end
	}
	return i
}

// dropClosing returns text without a formula and a name that its last line ends with,
// as in "2 Kontis. LG Anna", and without the writer's name there.
func dropClosing(text string, w *writer) string {
	head := text[:strings.LastIndexByte(text, '\n')+1]
	line := text[len(head):]
	tokens := tokensOf(line)
	for i := max(1, len(tokens)-maxClosing-3); i < len(tokens); i++ {
		formula, name := cutClosing(line[tokens[i].from:])
		if formula == "" || name == "" {
			continue
		}
		apart := strings.ContainsAny(line[tokens[i-1].to:tokens[i].from], ",.!;–—-/|\n")
		if w.isName(name) || w.isDisplayName(name) && apart || closings[formula] && apart && w.mayBeName(name) {
			return head + strings.TrimRight(line[:tokens[i].from], " \t,;–—-/|")
		}
	}
	return head + dropLastName(line, w)
}

// cutLast is strings.Cut for the last sep.
func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// nameBehind is a name behind a dash or in brackets at the end of a line.
var nameBehind = regexp.MustCompile(`\s*(?:[–—/~|^]|\s-|\()\s*([^–—/~|^()]{2,60})\)?[.!]?\s*$`)

// dropLastName returns a line without the writer's name at its end behind a dash or in
// brackets, "2 Kontis - Anna", or the first name behind a comma.
func dropLastName(line string, w *writer) string {
	if strings.ContainsAny(line, "–—/~|^(-") {
		if at := nameBehind.FindStringSubmatchIndex(line); at != nil && w.isName(line[at[2]:at[3]]) {
			return line[:at[0]]
		}
	}
	before, last, found := cutLast(line, ",")
	words := foldedWords(before)
	if found && w.isGiven(strings.Trim(last, " .!")) && len(words) > 0 && !w.words[words[len(words)-1]] {
		return before
	}
	return line
}
