package censor

import (
	"unicode"
	"unicode/utf8"
)

// words finds words and phrases in a normalised text. White space and
// punctuation between the words of a phrase do not matter.
type words struct {
	root node
	// lengths has, for each first byte of an entry's first word, a bit for that
	// word's length in bytes. That rules out most words of a text.
	lengths [256]uint64
}

// node is a place in the tree of all words and phrases. Each token is one step.
type node struct {
	next  map[string]*node
	entry string // the entry that ends here, as it was written
}

// add adds an entry. It reports whether there is a word in it.
func (w *words) add(entry string) bool {
	text := Normalize(entry)
	n := &w.root
	for start, end := token(text, 0); start < end; start, end = token(text, end) {
		key := text[start:end]
		if n.next == nil {
			n.next = make(map[string]*node)
		}
		if n == &w.root {
			w.lengths[key[0]] |= lengthBit(key)
		}
		if n.next[key] == nil {
			n.next[key] = &node{}
		}
		n = n.next[key]
	}
	if n == &w.root {
		return false
	}
	if n.entry == "" {
		n.entry = entry
	}
	return true
}

// lengthBit is the bit of words.lengths for a word.
func lengthBit(word string) uint64 { return 1 << (len(word) % 64) }

// mayBegin is false if no entry begins with word. It rules out most words.
func (w *words) mayBegin(word string) bool { return w.lengths[word[0]]&lengthBit(word) != 0 }

// find returns the first slur and the first blocked entry of the normalised
// text, each "" if there is none. After a slur it looks no further.
func find(text string, slurs, blocked *words) (slur, entry string) {
	for start, end := token(text, 0); start < end; start, end = token(text, end) {
		word := text[start:end]
		if slurs.mayBegin(word) {
			if slur = slurs.at(text, word, end); slur != "" {
				return slur, entry
			}
		}
		if entry == "" && blocked.mayBegin(word) {
			entry = blocked.at(text, word, end)
		}
	}
	return "", entry
}

// at returns the entry that begins with word, which ends at end, or "".
func (w *words) at(text, word string, end int) string {
	for n := w.root.next[word]; n != nil; n = n.next[word] {
		if n.entry != "" || n.next == nil {
			return n.entry
		}
		var start int
		start, end = token(text, end)
		word = text[start:end]
	}
	return ""
}

// token returns where the next token at or after i is; start == end at the end
// of the text. A token is a word or a single symbol, such as an emoji.
func token(text string, i int) (start, end int) {
	size := 0
	kind := separator
	for ; i < len(text); i += size {
		if kind, size = kindAt(text, i); kind != separator {
			break
		}
	}
	start = i
	if kind != letter {
		return start, min(i+size, len(text))
	}
	for i += size; i < len(text); i += size {
		if kind, size = kindAt(text, i); kind != letter {
			break
		}
	}
	return start, i
}

// kind says what a character means for the words around it.
type kind byte

const (
	separator kind = iota // stands between words
	letter                // part of a word: a letter, digit or combining mark
	symbol                // a token of its own
)

func kindAt(text string, i int) (kind, int) {
	if c := text[i]; c < utf8.RuneSelf {
		return latinKinds[c], 1
	}
	r, size := utf8.DecodeRuneInString(text[i:])
	if r < latinEnd {
		return latinKinds[r], size
	}
	return kindOf(r), size
}

// latinKinds is kindOf of the first characters, for speed.
var latinKinds = func() (kinds [latinEnd]kind) {
	for i := range kinds {
		kinds[i] = kindOf(rune(i))
	}
	return kinds
}()

func kindOf(r rune) kind {
	switch {
	case unicode.In(r, unicode.L, unicode.N, unicode.M):
		return letter
	case unicode.IsSpace(r), unicode.IsControl(r), unicode.In(r, unicode.Pc, unicode.Pd, unicode.Ps, unicode.Pe, unicode.Pi, unicode.Pf):
		return separator
	}
	switch r {
	case '.', ',', ';', ':', '!', '?', '\'', '"', '/', '·', '¡', '¿', '、', '。', '・':
		return separator
	}
	return symbol
}
