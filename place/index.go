package place

import (
	"slices"
	"strings"

	"ticketfrei/internal/report"
)

// index finds the places of a city in texts: a tree of the words of their spellings.
type index struct {
	lines []indexedLine
	stops []indexedStop

	words    table             // by their hashes
	spelled  []word            // by their numbers
	edits    table             // words by their hashes, and by those without one letter
	children table             // of nodes of the tree, by node and word
	nodes    []target          // by their numbers; the first is the root
	line     int32             // the word "line"
	ends     map[int32][]int32 // stops at which lines end, by the words in their names
}

type indexedLine struct {
	name string
	only report.Lines // the line alone
	ends [2]int32     // stops; -1: none
}

type indexedStop struct {
	name  string
	lines report.Lines
}

// word is a word of a spelling.
type word struct {
	letters []rune
	bare    []rune // with "a" where letters have "ae" for "ä"; nil: there is none
	learned bool   // it is found with a mistake
	known
}

// target is what a spelling stands for. Two that are spelled alike are told apart by
// their rank, from 0; if it is the same, the spelling stands for nothing.
type target struct {
	kind targetKind
	rank int8
	id   int32
}

type targetKind int8

const (
	noTarget targetKind = iota
	aLine
	aStop
	several // of the same rank
)

// The ranks of spellings.
const (
	rankName    = iota // as the city writes it
	rankTyped          // as the city writes it too
	rankDerived        // as people write it
	rankPart           // one of the two streets that cross there
)

func newIndex(p *Places) *index {
	x := &index{words: newTable(1024), edits: newTable(1024), children: newTable(1024), nodes: make([]target, 1), ends: map[int32][]int32{}}
	for _, words := range same {
		x.alike(words)
	}
	x.line = x.path("linie")[0]
	for i, l := range p.lines {
		x.lines = append(x.lines, indexedLine{name: l.Name, only: report.NewLines(l.Name), ends: [2]int32{-1, -1}})
		x.addLine(int32(i), l)
	}
	x.addStops(p)
	return x
}

// number returns the number of a word, which is new if it has none.
func (x *index) number(t *tokens, w *token) int32 {
	hash := stir(w.hash)
	if id, ok := x.words.find(hash); ok {
		return id
	}
	id := int32(len(x.spelled))
	x.words.put(hash, id)
	x.spelled = append(x.spelled, word{letters: []rune(string(t.letters[w.start:w.end])), known: w.known})
	return id
}

// alike makes words one.
func (x *index) alike(words string) {
	var t tokens
	t.read(words)
	first := x.number(&t, &t.list[0])
	for i := 1; i < len(t.list); i++ {
		x.words.put(stir(t.list[i].hash), first)
	}
}

// insert makes a spelling stand for something.
func (x *index) insert(path []int32, is target) {
	node := int32(0)
	for _, w := range path {
		node = x.grow(node, w)
	}
	if node == 0 {
		return
	}
	switch at := &x.nodes[node]; {
	case at.kind == noTarget, at.rank > is.rank:
		*at = is
	case at.rank == is.rank && (at.kind != is.kind || at.id != is.id):
		at.kind = several
	}
}

// grow returns the child of a node, which is new if it has none.
func (x *index) grow(node, word int32) int32 {
	if child, ok := x.child(node, word); ok {
		return child
	}
	child := int32(len(x.nodes))
	x.nodes = append(x.nodes, target{})
	x.children.put(edge(node, word), child)
	return child
}

func (x *index) child(node, word int32) (int32, bool) { return x.children.find(edge(node, word)) }

func edge(node, word int32) uint64 { return stir(uint64(node)<<32 | uint64(uint32(word))) }

// lookup returns what a spelling stands for.
func (x *index) lookup(path ...int32) target {
	node := int32(0)
	for _, w := range path {
		var ok bool
		if node, ok = x.child(node, w); !ok {
			return target{}
		}
	}
	return x.nodes[node]
}

// maxEdited is the length up to which words with a mistake are found.
const maxEdited = 40

// learnEdits makes a word be found with one letter wrong.
func (x *index) learnEdits(id int32) {
	w := &x.spelled[id]
	if w.learned || !w.distinct() {
		return
	}
	w.learned = true
	for _, h := range slices.Concat(shortened(w.letters), shortened(w.bare)) {
		x.edits.put(h, id)
	}
}

// distinct tells whether a word with a mistake can be told from others: it is long, and
// so is what stands before its ending. "Bergstraße" is no "Burgstraße".
func (w *word) distinct() bool {
	if len(w.letters) < minEdited || len(w.letters) > maxEdited {
		return false
	}
	letters := string(w.letters)
	for _, e := range []string{"strasse", "platz", "bahnhof", "gasse", "allee", "bruecke", "markt", "ring", "damm", "ufer", "park", "berg", "feld", "dorf", "heim"} {
		if stem, ok := strings.CutSuffix(letters, e); ok {
			return len(stem) > 4
		}
	}
	return true
}

// minEdited is the length from which words are found with a mistake: among shorter ones,
// another word is as likely as a mistake.
const minEdited = 6

// shortened returns the hashes of a word and of what it is without one of its letters,
// each once.
func shortened(letters []rune) []uint64 {
	if letters == nil {
		return nil
	}
	all := make([]uint64, 0, len(letters)+1)
	eachShortened(letters, func(h uint64) {
		if !slices.Contains(all, h) {
			all = append(all, h)
		}
	})
	return all
}

func eachShortened(letters []rune, do func(hash uint64)) {
	n := len(letters)
	var before, after [maxEdited + 2]uint64 // hashes of the first letters, and of those from one on
	for i, r := range letters {
		before[i+1] = step(before[i], r)
	}
	for i := n - 1; i >= 0; i-- {
		after[i] = after[i+1] + (uint64(letters[i])+1)*powers[n-1-i]
	}
	do(stir(before[n]))
	for i := range n {
		do(stir(before[i]*powers[n-1-i] + after[i+1]))
	}
}

// guess returns the one word of the city that is one edit away from another.
func (x *index) guess(letters []rune) (int32, bool) {
	found := int32(-1)
	unique := true
	eachShortened(letters, func(h uint64) {
		e := &x.edits
		for i := e.slot(h); e.hashes[i] != 0; i = e.next(i) {
			if id := e.values[i]; e.hashes[i] == h && id != found && x.spelled[id].near(letters) {
				unique = unique && found < 0
				found = id
			}
		}
	})
	return found, unique && found >= 0
}

// near tells whether a word is written with one mistake.
func (w *word) near(letters []rune) bool {
	return oneEdit(letters, w.letters) || w.bare != nil && oneEdit(letters, w.bare)
}

// oneEdit tells whether one letter put in, left out or replaced, or two that changed
// places, make one word of another. They are not the same.
func oneEdit(a, b []rune) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 || slices.Equal(a, b) {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	a, b = a[i:], b[i:]
	switch {
	case len(a) < len(b):
		return slices.Equal(a, b[1:])
	case len(a) == 0 || slices.Equal(a[1:], b[1:]):
		return true
	default:
		return len(a) > 1 && a[0] == b[1] && a[1] == b[0] && slices.Equal(a[2:], b[2:])
	}
}
