package censor

import (
	"encoding/binary"
	"math"
	"regexp/syntax"
	"sync"
	"sync/atomic"
	"unicode/utf8"
)

// automaton finds the first of many patterns that matches a text, in one pass
// over the text however many patterns there are. It is one deterministic
// automaton for all patterns, built while texts are read: a step that was taken
// once is a look-up from then on. In the worst case every step has to be built,
// which takes time in proportion to the total size of the patterns. No pattern
// can make a text take longer than that.
//
// See R. Cox, "Regular Expression Matching Can Be Simple And Fast" (2007).
type automaton struct {
	insts   []syntax.Inst // of all patterns, one after the other
	owner   []int32       // pattern of each instruction
	starts  []uint32      // first instruction of each pattern
	classes *classes
	first   atomic.Pointer[state] // before any character

	mu      sync.Mutex // guards what follows, which only building a step needs
	states  map[string]*state
	memory  int // approximate size of states and begun, in bytes
	begun   [precedings][]*begun
	reached bitset
	seen    []uint32 // round in which the instruction was last seen
	round   uint32
	stack   []uint32
	key     []byte
}

// maxMemory bounds the size of the steps that an automaton remembers, in bytes:
// about 500 states. Beyond that it forgets them all.
const maxMemory = 1 << 19

// none stands for no pattern.
const none = math.MaxInt32

// preceding is what stands before a place in the text, as far as patterns can
// ask about it.
type preceding byte

const (
	atStart preceding = iota
	afterOther
	afterWord
	precedings = 3
)

// state is what is known after reading a part of the text. Patterns that may
// begin here are not in it, since they may begin anywhere.
type state struct {
	under  []uint32 // instructions where patterns that have begun continue, ascending
	before preceding
	match  int32                   // first pattern that the last character completed, or none
	next   []atomic.Pointer[state] // by class; the last is for the end of the text
}

// begun is what the patterns that begin at a place lead to.
type begun struct {
	under []uint32
	match int32
}

// newAutomaton joins the programs. match answers with an index into them.
func newAutomaton(progs []*syntax.Prog) *automaton {
	a := &automaton{}
	for i, prog := range progs {
		base := uint32(len(a.insts))
		for _, inst := range prog.Inst {
			inst.Out += base
			if inst.Op == syntax.InstAlt || inst.Op == syntax.InstAltMatch {
				inst.Arg += base
			}
			a.insts = append(a.insts, inst)
			a.owner = append(a.owner, int32(i))
		}
		a.starts = append(a.starts, base+uint32(prog.Start))
	}
	a.classes = newClasses(a.insts)
	a.seen = make([]uint32, len(a.insts))
	a.reached = newBitset(len(a.insts))
	a.forget()
	return a
}

// forget drops all states but the first. Goroutines that are reading a text may
// go on from their states, which nothing else reaches any more.
func (a *automaton) forget() {
	a.memory = 0
	a.states = make(map[string]*state)
	for i := range a.begun {
		a.begun[i] = make([]*begun, a.classes.count()+1)
	}
	a.first.Store(a.newState(nil, atStart, none))
}

// match returns the index of the first pattern that matches anywhere in text,
// or none.
func (a *automaton) match(text string) int {
	best := int32(none)
	s := a.first.Load()
	for i := 0; i < len(text); {
		var class uint16
		if c := text[i]; c < utf8.RuneSelf {
			class = a.classes.latin[c]
			i++
		} else {
			r, size := utf8.DecodeRuneInString(text[i:])
			class = a.classes.of(r)
			i += size
		}
		next := s.next[class].Load()
		if next == nil {
			next = a.step(s, class)
		}
		s = next
		if s.match < best {
			if best = s.match; best == 0 {
				return 0
			}
		}
	}
	end := uint16(a.classes.count())
	next := s.next[end].Load()
	if next == nil {
		next = a.step(s, end)
	}
	return int(min(best, next.match))
}

// step builds the state that follows s after a character of the class.
func (a *automaton) step(s *state, class uint16) *state {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.memory > maxMemory {
		a.forget()
	}
	b := a.begin(s.before, class)
	a.reached.clear()
	match := min(b.match, a.advance(s.under, s.before, class))
	for _, pc := range b.under {
		a.reached.add(pc)
	}
	after := afterOther
	if a.isWord(class) {
		after = afterWord
	}
	next := a.state(after, match)
	s.next[class].Store(next)
	return next
}

// begin returns what the patterns that begin before a character of the class
// lead to.
func (a *automaton) begin(before preceding, class uint16) *begun {
	if b := a.begun[before][class]; b != nil {
		return b
	}
	a.reached.clear()
	b := &begun{match: a.advance(a.starts, before, class)}
	b.under = a.reached.appendTo(nil)
	a.begun[before][class] = b
	a.memory += 4*cap(b.under) + 32
	return b
}

// state returns the state for the instructions in reached.
func (a *automaton) state(before preceding, match int32) *state {
	a.key = append(a.key[:0], byte(before))
	a.key = binary.LittleEndian.AppendUint32(a.key, uint32(match))
	a.key = a.reached.appendKey(a.key)
	if s := a.states[string(a.key)]; s != nil {
		return s
	}
	s := a.newState(a.reached.appendTo(nil), before, match)
	a.states[string(a.key)] = s
	a.memory += 4*cap(s.under) + 8*len(s.next) + len(a.key) + 128
	return s
}

func (a *automaton) newState(under []uint32, before preceding, match int32) *state {
	return &state{under: under, before: before, match: match,
		next: make([]atomic.Pointer[state], a.classes.count()+1)}
}

func (a *automaton) isWord(class uint16) bool {
	return int(class) < a.classes.count() && a.classes.word[class]
}

// advance moves the instructions past a character of the class and adds those
// that follow to reached. It returns the first pattern that was complete before
// the character.
func (a *automaton) advance(from []uint32, before preceding, class uint16) int32 {
	match := int32(none)
	here := a.assertions(before, class)
	end := int(class) == a.classes.count()
	a.nextRound()
	for _, pc := range from {
		a.stack = append(a.stack, pc)
		for len(a.stack) > 0 {
			pc := a.stack[len(a.stack)-1]
			a.stack = a.stack[:len(a.stack)-1]
			if a.seen[pc] == a.round {
				continue
			}
			a.seen[pc] = a.round
			inst := &a.insts[pc]
			switch inst.Op {
			case syntax.InstAlt, syntax.InstAltMatch:
				a.stack = append(a.stack, inst.Out, inst.Arg)
			case syntax.InstCapture, syntax.InstNop:
				a.stack = append(a.stack, inst.Out)
			case syntax.InstEmptyWidth:
				if syntax.EmptyOp(inst.Arg)&^here == 0 {
					a.stack = append(a.stack, inst.Out)
				}
			case syntax.InstMatch:
				match = min(match, a.owner[pc])
			case syntax.InstFail:
			default:
				if !end && inst.MatchRune(a.classes.sample[class]) {
					a.reached.add(inst.Out)
				}
			}
		}
	}
	return match
}

// nextRound makes every instruction one that was not seen.
func (a *automaton) nextRound() {
	if a.round++; a.round == 0 { // after 4 billion rounds
		clear(a.seen)
		a.round = 1
	}
}

// assertions returns what holds between the preceding place and a character of
// the class. A normalised text is one line.
func (a *automaton) assertions(before preceding, class uint16) syntax.EmptyOp {
	var here syntax.EmptyOp
	if before == atStart {
		here |= syntax.EmptyBeginText | syntax.EmptyBeginLine
	}
	if int(class) == a.classes.count() {
		here |= syntax.EmptyEndText | syntax.EmptyEndLine
	}
	if (before == afterWord) != a.isWord(class) {
		return here | syntax.EmptyWordBoundary
	}
	return here | syntax.EmptyNoWordBoundary
}
