package censor

import (
	"cmp"
	"fmt"
	"regexp/syntax"
	"slices"
)

const (
	// maxCost bounds what one character of a text may cost, in instructions. A
	// report of MaxLength then takes some tenths of a second, at worst.
	maxCost = 3000
	// maxTable bounds how many pairs of instruction and class of characters are
	// looked at to find that out.
	maxTable = 4_000_000
)

// ErrTooExpensive is a pattern that takes too long to look for.
var ErrTooExpensive = fmt.Errorf("too expensive: together the patterns may cost more than %d instructions for a character", maxCost)

// Accept is Compile for rules that a moderator wants to keep or to try: it also
// refuses those that some text would make too expensive, and names the lines to
// change, and those whose ranges take too long to make. Whether they are does not depend
// on the machine.
func Accept(triggers, blocked string) (*Rules, error) {
	c := newCompiler(triggers, blocked, &wide{})
	if len(c.errs) == 0 {
		c.join()
		c.refuseExpensive()
	}
	return c.result()
}

// refuseExpensive reports the most expensive patterns, so many that the rest is
// cheap enough.
func (c *compiler) refuseExpensive() {
	a, progs := c.rules.found, c.all()
	if len(a.insts) <= maxCost/2 {
		return // nothing costs more than all of them twice
	}
	if len(a.insts)*a.classes.count() > maxTable {
		c.refuse(progs[len(progs)-1], ErrAllTooLong)
		return
	}
	costs, total := a.costs()
	dearest := make([]int, len(costs))
	for i := range dearest {
		dearest[i] = i
	}
	slices.SortStableFunc(dearest, func(i, j int) int { return cmp.Compare(costs[j], costs[i]) })
	count := 0
	for ; total > maxCost; count++ {
		total -= costs[dearest[count]]
	}
	slices.Sort(dearest[:count])
	for _, i := range dearest[:count] {
		c.refuse(progs[i], ErrTooExpensive)
	}
}

// refuse reports what is wrong with a pattern.
func (c *compiler) refuse(p program, err error) {
	c.errs = append(c.errs, PatternError{p.field, p.line, p.text, err})
}

// costs returns how many instructions match and step look at for one character,
// at most: of each pattern, and in all. These are the ones where patterns begin,
// and those where they may go on after one and the same character.
func (a *automaton) costs() (each []int, total int) {
	beginning := make([]int, len(a.starts))
	begin := a.spread(a.starts, beginning)
	most := -1
	for class := range a.classes.sample {
		going := make([]int, len(a.starts))
		if n := a.spread(a.after(class), going); n > most {
			most, each = n, going
		}
	}
	for i, n := range beginning {
		each[i] += n
	}
	return each, begin + most
}

// after returns the instructions that may follow a character of the class.
func (a *automaton) after(class int) []uint32 {
	a.reached.clear()
	for i := range a.insts {
		switch inst := &a.insts[i]; inst.Op {
		case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
			if inst.MatchRune(a.classes.sample[class]) {
				a.reached.add(inst.Out)
			}
		}
	}
	return a.reached.appendTo(nil)
}

// spread counts the instructions that can be reached from the given ones without
// reading a character, as if all assertions such as ^ and \b held. It adds them to each
// pattern's count, and returns their sum.
func (a *automaton) spread(from []uint32, each []int) (total int) {
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
			each[a.owner[pc]]++
			total++
			switch inst := &a.insts[pc]; inst.Op {
			case syntax.InstAlt, syntax.InstAltMatch:
				a.stack = append(a.stack, inst.Out, inst.Arg)
			case syntax.InstCapture, syntax.InstNop, syntax.InstEmptyWidth:
				a.stack = append(a.stack, inst.Out)
			}
		}
	}
	return total
}
