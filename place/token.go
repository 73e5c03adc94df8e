package place

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"ticketfrei/censor"
)

// gap is what stands between a word and the one before it; 0: nothing, as in "U1".
type gap uint8

const (
	space   gap = 1 << iota
	hyphen      // "-", "/", "+" and what else joins words
	dot         // "." and brackets
	quote       // an apostrophe
	pause       // what ends a clause: ",", ";", "!" and the like
	figures     // ":", "." or "," right between figures
)

// token is a word, a number or an arrow.
type token struct {
	start, end int    // its letters, in tokens.letters
	runes      int    // how many they are
	hash       uint64 // of its letters, as step makes it
	gap        gap
	number     int // where digits; numbers above 9999 are that
	digits     bool
	known
	word    int32 // in the city's words; -1: none
	guessed bool  // word is one edit away
	short   bool  // it was written as "str" or the like
	dotted  bool  // it has "ae" for "ä" or the like
	match   int   // the match that covers it, from 1; 0: none
}

// tokens is a text taken apart.
type tokens struct {
	list    []token
	letters []byte
	asked   bool // it holds a question mark
	linked  bool // or a link
	bare    bool // letters lose their dots: "ä" is "a" and not "ae"
	inside  bool // a word has begun
	between gap  // since the last one
}

// read takes a text apart.
func (t *tokens) read(text string) {
	if strings.Contains(text, "\n") {
		text = strings.ReplaceAll(text, "\n", " ; ") // a line is a clause
	}
	text = censor.Normalize(text)
	t.linked = strings.Contains(text, "://") || strings.Contains(text, "www.")
	t.between = pause
	for i := 0; i < len(text); {
		if n := t.plain(text[i:]); n > 0 {
			i += n
			continue
		}
		r, size := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(text[i:])
		}
		i += size
		if value, digit := digitOf(r); digit {
			t.word(true)
			t.letter('0' + rune(value))
			t.last().number = min(10*t.last().number+value, 9999)
		} else if isLetter(r) {
			t.word(false)
			t.fold(r)
		} else if !unicode.Is(unicode.Mn, r) {
			t.close()
			if !t.sign(r, text[i:]) {
				t.between |= t.gap(r, text[i:])
			}
		}
	}
	t.close()
}

// plain reads the letters of ASCII at the beginning of a text, which most are, and
// returns how many they are.
func (t *tokens) plain(text string) int {
	n := 0
	for n < len(text) && text[n] >= 'a' && text[n] <= 'z' {
		n++
	}
	if n == 0 {
		return 0
	}
	t.word(false)
	last := t.last()
	hash := last.hash
	for i := range n {
		hash = step(hash, rune(text[i]))
	}
	last.hash = hash
	last.runes += n
	t.letters = append(t.letters, text[:n]...)
	return n
}

// word begins a word or a number, if none has begun.
func (t *tokens) word(digits bool) {
	if t.inside && t.last().digits == digits {
		return
	}
	t.close()
	t.begin(digits)
	t.inside = true
}

// close ends the word, if one has begun.
func (t *tokens) close() {
	if t.inside {
		t.end()
		t.inside = false
	}
}

func (t *tokens) last() *token { return &t.list[len(t.list)-1] }

func (t *tokens) begin(digits bool) {
	t.list = append(t.list, token{start: len(t.letters), gap: t.between, digits: digits, word: -1})
	t.between = 0
}

// letter adds a letter to the word.
func (t *tokens) letter(r rune) {
	t.letters = utf8.AppendRune(t.letters, r)
	last := t.last()
	last.hash = step(last.hash, r)
	last.runes++
}

// end ends the word. A short form is written in full.
func (t *tokens) end() {
	last := t.last()
	word := t.letters[last.start:]
	if full, short := complete(word, last.digits); short {
		t.letters = t.letters[:last.start]
		last.hash, last.runes, last.short = 0, 0, !last.digits
		for _, r := range full {
			t.letter(r)
		}
	}
	last.end = len(t.letters)
	last.known = dictionary.find(stir(last.hash))
	if last.class == 0 && last.runes >= 8 && strings.Contains(string(t.letters[last.start:]), "kontroll") {
		last.class = control
	}
}

// complete writes a short form in full: "Yorckstr", "Ebertpl", "Westbhf", "Hbf", "St", and
// 4 for 04.
func complete(word []byte, digits bool) (full string, short bool) {
	if digits {
		return strings.TrimLeft(string(word[:len(word)-1]), "0") + string(word[len(word)-1:]), word[0] == '0'
	}
	switch word[len(word)-1] {
	case 'r', 'l', 'f', 't':
	default:
		return "", false
	}
	w := string(word)
	switch w {
	case "hbf":
		return "hauptbahnhof", true
	case "bf":
		return "bahnhof", true
	case "st":
		return "sankt", true
	}
	for _, e := range endings {
		if stem, ok := strings.CutSuffix(w, e.short); ok && (stem == "" || len(stem) >= e.stem) {
			return stem + e.full, true
		}
	}
	return "", false
}

// endings are short forms at the end of names, after stems of at least so many letters.
var endings = []struct {
	short, full string
	stem        int
}{{"str", "strasse", 3}, {"pl", "platz", 5}, {"bhf", "bahnhof", 3}}

// sign adds a word for an arrow, and notes question marks.
func (t *tokens) sign(r rune, rest string) bool {
	switch r {
	case '?', '؟', '¿':
		t.asked = true
		return false
	case '-', '=':
		return strings.HasPrefix(rest, ">") // which follows as a sign
	case '>', '→', '➡', '➔', '▸', '►', '▶', '➜', '⇒':
	default:
		return false
	}
	t.begin(false)
	last := t.last()
	last.end, last.class = last.start, toward
	return true
}

// gap returns what a sign between words means; rest stands after it.
func (t *tokens) gap(r rune, rest string) gap {
	switch r {
	case ' ':
		return space
	case '\'', '’', '‘', '´', '`', 'ʼ':
		return quote
	case ':', '.', ',':
		return t.stop(r, rest)
	case '!', '?', ';', '…', '؟', '،', '؛', '•', '|', '(', ')':
		return pause
	case '[', ']', '"', '“', '„', '”', '*', '_':
		return dot
	}
	if unicode.IsSymbol(r) && r > 0xff { // as 🚨
		return pause
	}
	return hyphen
}

// stop returns what ":", "." or "," means.
func (t *tokens) stop(r rune, rest string) gap {
	if len(t.list) == 0 {
		return pause
	}
	last := t.last()
	if rest != "" && rest[0] >= '0' && rest[0] <= '9' && t.between == 0 && last.digits && last.gap != 0 {
		return figures
	}
	if r == ':' && last.class&toward != 0 {
		return space
	}
	if r == '.' && (rest == "" || rest[0] != ' ' || last.short || last.class&toward != 0 && last.runes <= 4 || last.runes == 1) {
		return dot
	}
	return pause
}

// isLetter tells whether a character belongs to a word.
func isLetter(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= utf8.RuneSelf && unicode.IsLetter(r)
}

// digitOf returns the value of a digit of any script.
func digitOf(r rune) (value int, ok bool) {
	if r < utf8.RuneSelf {
		return int(r - '0'), r >= '0' && r <= '9'
	}
	if !unicode.Is(unicode.Nd, r) {
		return 0, false
	}
	value = 0
	for unicode.Is(unicode.Nd, r-1) && value < 9 { // digits stand in runs of ten, from 0
		r--
		value++
	}
	return value, true
}

// fold adds a letter without its accents.
func (t *tokens) fold(r rune) {
	switch {
	case r < utf8.RuneSelf:
		t.letter(r)
	case r == 'ä' || r == 'ö' || r == 'ü':
		t.letter(plain[r])
		if !t.bare {
			t.letter('e')
			t.last().dotted = true
		}
	case int(r) < len(plain):
		t.letter(plain[r])
	default:
		t.letter(arabic(r))
	}
}

// plain are the letters of Latin without their accents.
var plain = func() (p [0x180]rune) {
	for i := range p {
		p[i], _ = utf8.DecodeRuneInString(norm.NFD.String(string(rune(i))))
	}
	p['ø'], p['ł'], p['đ'], p['ð'], p['æ'] = 'o', 'l', 'd', 'd', 'a'
	return p
}()

// arabic returns the one of several forms of a letter that people mix up.
func arabic(r rune) rune {
	switch r {
	case 'أ', 'إ', 'آ':
		return 'ا'
	case 'ة':
		return 'ه'
	case 'ى':
		return 'ي'
	default:
		return r
	}
}

// hashOf is the hash of a single word, as tables hold it; bare is as in tokens.
func hashOf(word string, bare bool) uint64 {
	t := tokens{bare: bare}
	for _, r := range censor.Normalize(word) {
		if isLetter(r) {
			if len(t.list) == 0 {
				t.begin(false)
			}
			t.fold(r)
		}
	}
	if len(t.list) == 0 {
		return 0
	}
	return stir(t.last().hash)
}
