package intent

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// lineMark stands for a line among the words of a text.
const lineMark = "<line>"

// said is a text as it is looked at.
type said struct {
	words   []string // without punctuation; a line is lineMark
	clauses []clause // the same words, as punctuation parts them
	lines   []Line
	insists bool // it begins with "!": whoever wrote it says that it is a report
	command bool // it begins with "/"
	signs   bool // it holds signs, as 🚨, that no question has
	kind    bool // it holds signs, as 🙏, of those who thank
}

// Insisted returns a text without the "!" before it, with which its writer says that it
// is a report.
func Insisted(said string) (text string, insists bool) {
	if !strings.HasPrefix(said, "!") && !strings.HasPrefix(said, "！") {
		return said, false
	}
	if text = strings.TrimLeft(said, "!！ \t\n"); text == "" {
		return said, false
	}
	return text, true
}

// clause is a part of a sentence.
type clause struct {
	words []string
	end   rune // of its sentence: '?', '!' or '.', which also stands for nothing
}

// ends are the signs that end a sentence.
const ends = ".!?؟…\n"

// read takes a text apart.
func read(text string) said {
	low := strings.TrimSpace(lowered(text))
	s := said{insists: strings.HasPrefix(low, "!"), command: strings.HasPrefix(low, "/")}
	s.lines, low = findLines(low)
	for low != "" {
		at := strings.IndexAny(low, ends)
		if at < 0 {
			at = len(low)
		}
		rest := strings.TrimLeft(low[at:], ends+" ")
		end := low[at : len(low)-len(rest)]
		s.add(low[:at], endOf(end))
		low = rest
	}
	return s
}

// endOf returns what the signs at the end of a sentence amount to.
func endOf(signs string) rune {
	switch {
	case strings.Contains(signs, "!"):
		return '!'
	case strings.ContainsAny(signs, "?؟"):
		return '?'
	default:
		return '.'
	}
}

// add adds the clauses of a sentence.
func (s *said) add(sentence string, end rune) {
	for _, part := range strings.FieldsFunc(sentence, s.parts) {
		words := strings.FieldsFunc(part, func(r rune) bool { return !isWord(r) })
		if len(words) > 0 {
			s.clauses = append(s.clauses, clause{words, end})
			s.words = append(s.words, words...)
		}
	}
}

// isWord tells whether a character belongs to a word, or to lineMark.
func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '<' || r == '>' }

// parts tells whether a character parts clauses, and notes signs.
func (s *said) parts(r rune) bool {
	if isWord(r) || r == ' ' || r == '"' || r == '/' || r == '&' || unicode.In(r, unicode.Mn, unicode.Pi, unicode.Pf, unicode.Ps, unicode.Pe, unicode.Sk) {
		return false
	}
	if unicode.IsSymbol(r) {
		kind := strings.ContainsRune(kindSigns, r)
		s.kind, s.signs = s.kind || kind, s.signs || !kind && !strings.ContainsRune(plainSigns, r)
	}
	return true
}

// kindSigns are what people write who thank, plainSigns what anybody writes.
const (
	kindSigns  = "🙏👍❤♥💚💙💜🧡💛🖤🤍👏🙌😘🥰🤗💐🌹"
	plainSigns = "😊😀😃😄🙂😉😍✌👌🤔🙈⭐✨💪+<>"
)

// lowered returns a text in the one spelling in which it is looked at: compatible
// letters, lower case, umlauts as ae, without what cannot be seen, and without the
// hyphens and apostrophes within words.
func lowered(text string) string {
	runes := []rune(strings.ToLower(norm.NFKC.String(text)))
	var b strings.Builder
	for i, r := range runes {
		inside := i > 0 && i+1 < len(runes) && unicode.IsLetter(runes[i-1]) && unicode.IsLetter(runes[i+1])
		switch {
		case unicode.Is(unicode.Cf, r), unicode.Is(unicode.Variation_Selector, r):
		case inside && strings.ContainsRune("-'’‘´`", r):
		case r == '؟', r == '¿':
			b.WriteRune('?')
		case r == '\n', r == '\r', r == '\u2028':
			b.WriteRune('\n')
		case unicode.IsSpace(r):
			b.WriteRune(' ')
		default:
			b.WriteString(spelled(r))
		}
	}
	return b.String()
}

// spelled returns how a letter is spelled in ASCII, where there is a way that everybody
// knows.
func spelled(r rune) string {
	switch r {
	case 'ä':
		return "ae"
	case 'ö':
		return "oe"
	case 'ü':
		return "ue"
	case 'ß', 'ẞ':
		return "ss"
	default:
		return string(r)
	}
}

// anyOf tells whether one of the words is among those of set.
func anyOf(words []string, set map[string]bool) bool {
	return slices.ContainsFunc(words, func(w string) bool { return set[w] })
}
