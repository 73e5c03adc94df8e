package mailtext

import (
	_ "embed" // words.txt
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// fold returns text as it is compared with lists of words: in lower case, without
// accents and without what cannot be seen.
func fold(text string) string {
	if isPlainASCII(text) {
		return strings.ToLower(text)
	}
	folded := strings.Map(seen, norm.NFD.String(strings.ToLower(text)))
	return alike.Replace(folded)
}

// alike makes one of what is written in two ways.
var alike = strings.NewReplacer("ß", "ss", "’", "'")

// seen drops accents and what cannot be seen.
func seen(r rune) rune {
	const firstAccent = 0x300
	if r != softHyphen && (r < firstAccent || !unicode.In(r, unicode.Mn, unicode.Cf)) {
		return r
	}
	return -1
}

const softHyphen = 0xad

func isPlainASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= 0x80 {
			return false
		}
	}
	return true
}

// foldedWords returns the words of text, folded: letters and digits, and what may stand
// within a word, as in "iPhone'umdan", "K-9", "1&1", "Mail.ru".
func foldedWords(text string) []string {
	words := strings.FieldsFunc(fold(text), func(r rune) bool { return !inWord(r) && !strings.ContainsRune("'’-&.+", r) })
	kept := words[:0]
	for _, w := range words {
		if w = strings.Trim(w, "'’-&.+"); w != "" {
			kept = append(kept, w)
		}
	}
	return kept
}

// inWord says whether r belongs to a word.
func inWord(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.M, r)
}

// wordSet holds words, folded.
type wordSet map[string]bool

// newWordSet returns the set of the words that words.txt lists under a name.
func newWordSet(name string) wordSet {
	set := wordSet{}
	set.add(listed(name)...)
	return set
}

// add adds words to the set.
func (s wordSet) add(words ...string) {
	for _, w := range words {
		s[w] = true
	}
}

// has says whether one of the words, which are folded, is in the set.
func (s wordSet) has(words ...string) bool {
	for _, w := range words {
		if s[w] {
			return true
		}
	}
	return false
}

// stems are the beginnings of words, folded.
type stems []string

// newStems returns the stems that words.txt lists under a name.
func newStems(name string) stems { return listed(name) }

// begin says whether a word, which is folded, begins with one of the stems.
func (s stems) begin(word string) bool {
	for _, stem := range s {
		if strings.HasPrefix(word, stem) {
			return true
		}
	}
	return false
}

// within says whether text, which is folded, holds one of the stems.
func (s stems) within(text string) bool {
	for _, stem := range s {
		if strings.Contains(text, stem) {
			return true
		}
	}
	return false
}

//go:embed words.txt
var wordLists string

// listed returns the words, folded, that words.txt lists under a name.
func listed(name string) []string {
	_, list, found := strings.Cut(wordLists, "\n["+name+"]\n")
	if !found {
		panic("words.txt has no list " + name)
	}
	list, _, _ = strings.Cut(list, "\n[")
	var words []string
	for w := range strings.FieldsFuncSeq(list, func(r rune) bool { return r == ',' || r == '\n' }) {
		if w = strings.TrimSpace(fold(w)); w != "" {
			words = append(words, w)
		}
	}
	return words
}
