package censor

import (
	"encoding/binary"
	"regexp/syntax"
	"slices"
	"unicode"
)

// classes divides all characters into classes that no pattern tells apart, so
// that the automaton needs one step for a class, not one for each character.
type classes struct {
	latin [latinEnd]uint16 // class of the first characters, for speed
	from  []rune           // first character of each interval, ascending
	class []uint16         // class of each interval
	// sample holds one character of each class; word says whether the class
	// consists of word characters, as \b understands them.
	sample []rune
	word   []bool
}

// latinEnd is the end of the Unicode block Latin Extended-A.
const latinEnd = 0x180

// isWord reports whether \b counts r as part of a word. RE2 knows only ASCII
// here; this knows all letters, so that \bübung finds "übung".
func isWord(r rune) bool {
	return r == '_' || unicode.In(r, unicode.L, unicode.N, unicode.M)
}

// wordRanges are all word characters, as pairs of first and last.
var wordRanges = func() []rune {
	ranges := []rune{'_', '_'}
	for _, table := range []*unicode.RangeTable{unicode.L, unicode.N, unicode.M} {
		for _, r := range table.R16 {
			ranges = appendStride(ranges, rune(r.Lo), rune(r.Hi), rune(r.Stride))
		}
		for _, r := range table.R32 {
			ranges = appendStride(ranges, rune(r.Lo), rune(r.Hi), rune(r.Stride))
		}
	}
	return sortedClass(ranges)
}()

func appendStride(ranges []rune, lo, hi, stride rune) []rune {
	if stride == 1 {
		return append(ranges, lo, hi)
	}
	for r := lo; r <= hi; r += stride {
		ranges = append(ranges, r, r)
	}
	return ranges
}

// sortedClass sorts pairs of first and last character and merges those that
// touch or overlap.
func sortedClass(pairs []rune) []rune {
	type span struct{ lo, hi rune }
	spans := make([]span, 0, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		spans = append(spans, span{pairs[i], pairs[i+1]})
	}
	slices.SortFunc(spans, func(a, b span) int { return int(a.lo - b.lo) })
	var out []rune
	for _, s := range spans {
		if n := len(out); n > 0 && s.lo <= out[n-1]+1 {
			out[n-1] = max(out[n-1], s.hi)
			continue
		}
		out = append(out, s.lo, s.hi)
	}
	return out
}

// newClasses makes the classes for the characters that the instructions ask
// for.
func newClasses(insts []syntax.Inst) *classes {
	sets := [][]rune{wordRanges}
	single := map[rune]bool{}
	seen := map[string]bool{}
	var key []byte
	for i := range insts {
		set := runesOf(&insts[i])
		switch {
		case len(set) == 0:
		case len(set) == 2 && set[0] == set[1]:
			if !single[set[0]] {
				single[set[0]] = true
				sets = append(sets, set)
			}
		default:
			key = key[:0]
			for _, r := range set {
				key = binary.LittleEndian.AppendUint32(key, uint32(r))
			}
			if !seen[string(key)] {
				seen[string(key)] = true
				sets = append(sets, set)
			}
		}
	}
	c := &classes{from: []rune{0}}
	for _, set := range sets {
		for i := 0; i < len(set); i += 2 {
			c.from = append(c.from, set[i], set[i+1]+1)
		}
	}
	slices.Sort(c.from)
	c.from = slices.Compact(c.from)
	c.split(sets)
	for r := range rune(latinEnd) {
		c.latin[r] = c.search(r)
	}
	return c
}

// runesOf returns the characters that the instruction accepts, as pairs of
// first and last. It is nil if the instruction accepts none or any.
func runesOf(inst *syntax.Inst) []rune {
	switch inst.Op {
	case syntax.InstRune, syntax.InstRune1:
		if len(inst.Rune) == 1 {
			return []rune{inst.Rune[0], inst.Rune[0]}
		}
		return inst.Rune
	case syntax.InstRuneAnyNotNL:
		return []rune{0, '\n' - 1, '\n' + 1, unicode.MaxRune}
	default:
		return nil
	}
}

// split gives each interval its class. Each set splits the classes that it
// holds only a part of.
func (c *classes) split(sets [][]rune) {
	ids := make([]int, len(c.from))
	last := 0
	for _, set := range sets {
		within := map[int]int{} // class so far to its part within the set
		for i := 0; i < len(set); i += 2 {
			k, _ := slices.BinarySearch(c.from, set[i])
			for ; k < len(c.from) && c.from[k] <= set[i+1]; k++ {
				id, ok := within[ids[k]]
				if !ok {
					last++
					id = last
					within[ids[k]] = id
				}
				ids[k] = id
			}
		}
	}
	numbers := map[int]uint16{}
	for k, id := range ids {
		n, ok := numbers[id]
		if !ok {
			n = uint16(len(numbers))
			numbers[id] = n
			c.sample = append(c.sample, c.from[k])
			c.word = append(c.word, isWord(c.from[k]))
		}
		c.class = append(c.class, n)
	}
}

func (c *classes) count() int { return len(c.sample) }

// of returns the class of r.
func (c *classes) of(r rune) uint16 {
	if uint32(r) < latinEnd {
		return c.latin[r]
	}
	return c.search(r)
}

func (c *classes) search(r rune) uint16 {
	k, found := slices.BinarySearch(c.from, r)
	if !found {
		k--
	}
	return c.class[k]
}
