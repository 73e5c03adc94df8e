package place

// maxClear is how many words an all-clear has: who writes more tells more.
const maxClear = 40

// allClear tells whether a text says that inspectors are gone, and nothing else.
func (r *reading) allClear() bool {
	if r.asked || r.linked || len(r.list) > maxClear || r.doubtful() {
		return false
	}
	cleared := clause{}
	found := false
	var before []clause // that tell of inspectors
	for c := (clause{}); c.to < len(r.list); {
		c = r.next(c.to)
		switch {
		case r.clears(c):
			if found = true; cleared.to == 0 || r.placeIn(cleared) == 0 {
				cleared = c
			}
		case found && r.tells(c):
			return false
		case r.has(c, inspector|control):
			before = append(before, c)
		}
	}
	return found && !r.elsewhere(before, cleared)
}

// doubtful tells whether a text is a question, a wish or the like, or says that they are
// back.
func (r *reading) doubtful() bool {
	for i := range r.list {
		t := &r.list[i]
		if t.match != 0 {
			continue
		}
		if t.class&unsure != 0 || t.class&again != 0 && i+1 < len(r.list) && r.list[i+1].class&here != 0 && !r.negated(clause{0, i}) {
			return true
		}
	}
	return r.invertedAt(0)
}

// invertedAt tells whether a question begins at a word: "Sind die weg", "is U1 clear".
func (r *reading) invertedAt(i int) bool {
	if i+1 >= len(r.list) || r.list[i].class&verb == 0 {
		return false
	}
	next := &r.list[i+1]
	return next.match != 0 || next.class&(inspector|control) != 0 || next.class&(article|none|where|really) != 0 && next.class&again == 0 && next.class&gone == 0 &&
		next.class&free == 0
}

// clause is a part of a text, from a word to before another.
type clause struct{ from, to int }

// next returns the clause that begins at a word.
func (r *reading) next(from int) clause {
	to := from + 1
	for to < len(r.list) && r.list[to].gap&pause == 0 && r.list[to].class&but == 0 {
		to++
	}
	return clause{from, to}
}

// has tells whether a word of a class is in a clause, outside the names of places.
func (r *reading) has(c clause, classes class) bool {
	for i := c.from; i < c.to; i++ {
		if r.list[i].class&classes != 0 && r.list[i].match == 0 {
			return true
		}
	}
	return false
}

// placeIn returns the match of the first place in a clause; 0: there is none.
func (r *reading) placeIn(c clause) int {
	for i := c.from; i < c.to; i++ {
		if r.list[i].match != 0 {
			return r.list[i].match
		}
	}
	return 0
}

// negated tells whether "no" or "nobody" is in a clause.
func (r *reading) negated(c clause) bool { return r.has(c, none) }

// clears tells whether a clause says that they are gone.
func (r *reading) clears(c clause) bool {
	if r.nobodyIn(c) || r.noMoreIn(c) {
		return true
	}
	if r.has(c, not|still|other) {
		return false
	}
	for i := c.from; i < c.to; i++ {
		t := &r.list[i]
		if t.match != 0 || t.class&(gone|free|surely) == 0 || !r.endsAt(c, i+1) {
			continue
		}
		if t.class&surely != 0 {
			return true
		}
		if t.class&gone != 0 && (r.leads(c) || t.class&side != 0 && (i == c.from || r.list[i-1].class&(really|inspector) == 0)) {
			continue
		}
		if at := r.placeIn(c); at != 0 && (t.class&gone == 0 || r.matches[at-1].kind == aStop) || r.has(c, inspector|control|really) || i == c.from && c.from > 0 && r.has(clause{0, c.from}, inspector) {
			return true
		}
	}
	return false
}

// endsAt tells whether what a clause says ends before a word, or goes on with where and
// when alone.
func (r *reading) endsAt(c clause, i int) bool {
	if i >= c.to || r.list[i].match != 0 {
		return true
	}
	return r.list[i].class&(where|both|but|gone|free|inspector|really) != 0
}

// leads tells whether a clause says where they went.
func (r *reading) leads(c clause) bool {
	for i := c.from; i < c.to; i++ {
		if r.list[i].class&toward != 0 && r.list[i].match == 0 && i > c.from {
			return true
		}
	}
	return false
}

// nobodyIn tells whether a clause says that there is nobody any more, or none of them.
func (r *reading) nobodyIn(c clause) bool {
	if r.has(c, other) {
		return false
	}
	for i := c.from; i < c.to; i++ {
		if t := &r.list[i]; t.match == 0 && t.class&none != 0 && (r.noneOf(c, i) || t.class&nobody != 0 && r.has(c, more|here) && (c.to-c.from <= 3 || r.has(c, here) || r.placeIn(c) != 0)) {
			return true
		}
	}
	return false
}

// noneOf tells whether "no" at a word is about inspectors: in most languages they stand
// after it, in some before.
func (r *reading) noneOf(c clause, i int) bool {
	near := clause{max(c.from, i-2), min(c.to, i+4)}
	for j := i + 1; j < near.to; j++ {
		if r.list[j].class&article != 0 && r.list[j].class&where == 0 {
			near.to = j
		}
	}
	return r.has(near, inspector|control)
}

// noMoreIn tells whether a clause says that they are not there any more.
func (r *reading) noMoreIn(c clause) bool {
	if r.has(c, other|still|gone|free) || !r.has(c, not|none) || !r.has(c, more) {
		return false
	}
	return r.has(c, here|inspector|control) || r.has(c, really) && r.placeIn(c) != 0
}

// tells tells whether a clause is a report.
func (r *reading) tells(c clause) bool {
	if r.negated(c) {
		return false
	}
	return r.has(c, inspector|control) || r.countIn(c) || r.placeIn(c) != 0 && (r.has(c, moved) || r.list[c.from].class&but != 0)
}

func (r *reading) countIn(c clause) bool {
	for i := c.from; i < c.to; i++ {
		if n, _ := r.countAt(i); n > 0 {
			return true
		}
	}
	return false
}

// elsewhere tells whether inspectors were reported at another place than the one that is
// cleared.
func (r *reading) elsewhere(before []clause, cleared clause) bool {
	for _, c := range before {
		at, free := r.placeIn(c), r.placeIn(cleared)
		if r.list[cleared.from].class&but != 0 || at != 0 && free != 0 && r.matches[at-1].target != r.matches[free-1].target {
			return true
		}
	}
	return false
}
