package mailtext

import (
	_ "embed" // words.txt
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// fold returns text as it is compared with lists of words: in lower case, without
// accents and without what cannot be seen.
func fold(text string) string {
	if isPlainASCII(text) {
		return strings.ToLower(text)
	}
	var b strings.Builder
	b.Grow(len(text))
	for _, r := range text {
		if r >= firstAccent {
			return foldAny(text)
		}
		b.WriteString(foldedLatin[r])
	}
	return b.String()
}

// foldAny is fold of text in any script.
func foldAny(text string) string {
	folded := strings.Map(seen, norm.NFD.String(strings.ToLower(text)))
	return alike.Replace(folded)
}

// foldedLatin holds the letters of most texts, which stand before the first accent, as
// foldAny makes them: it takes long.
var foldedLatin = func() (folded [firstAccent]string) {
	for r := range folded {
		folded[r] = foldAny(string(rune(r)))
	}
	return folded
}()

const firstAccent = 0x300

// alike makes one of what is written in two ways.
var alike = strings.NewReplacer("ß", "ss", "’", "'")

// seen drops accents and what cannot be seen.
func seen(r rune) rune {
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
func foldedWords(text string) []string { return wordsOfFolded(fold(text)) }

// wordsOfFolded is foldedWords of text that is folded.
func wordsOfFolded(text string) []string {
	words := strings.FieldsFunc(text, func(r rune) bool { return !inWord(r) && !strings.ContainsRune("'’-&.+", r) })
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
	if r < utf8.RuneSelf {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
	}
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

// stems are the beginnings of words, folded. Nearly every text holds none of them, which
// a look at its pairs of bytes tells.
type stems struct {
	pairs  [1 << 16 / 64]uint64 // those that one of them begins with: a bit each
	byPair map[uint16][]string
}

// newStems returns the stems that words.txt lists under names. Each has two bytes at
// least.
func newStems(names ...string) *stems {
	var list []string
	for _, name := range names {
		list = append(list, listed(name)...)
	}
	return stemsOf(list)
}

func stemsOf(list []string) *stems {
	s := &stems{byPair: map[uint16][]string{}}
	for _, stem := range list {
		pair := pairAt(stem, 0)
		s.pairs[pair/64] |= 1 << (pair % 64)
		s.byPair[pair] = append(s.byPair[pair], stem)
	}
	return s
}

func pairAt(text string, i int) uint16 { return uint16(text[i])<<8 | uint16(text[i+1]) }

// beginsAt says whether one of the stems stands in text at i.
func (s *stems) beginsAt(text string, i int) bool {
	if i+1 >= len(text) {
		return false
	}
	pair := pairAt(text, i)
	return s.pairs[pair/64]&(1<<(pair%64)) != 0 && slices.ContainsFunc(s.byPair[pair], func(stem string) bool { return strings.HasPrefix(text[i:], stem) })
}

// begin says whether a word, which is folded, begins with one of the stems.
func (s *stems) begin(word string) bool { return s.beginsAt(word, 0) }

// within says whether text, which is folded, holds one of the stems.
func (s *stems) within(text string) bool {
	for i := range len(text) - 1 {
		if s.beginsAt(text, i) {
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
