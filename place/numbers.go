package place

// fitsLine tells whether what looks like a line is one: "Bus 36 Minuten zu spät" and
// "Plärrer u 2 Kontis" are none.
func (r *reading) fitsLine(m match) bool {
	for i := m.from; i < m.to; i++ {
		if r.list[i].gap&figures != 0 || i > m.from && r.list[i].gap&dot != 0 && r.list[i-1].runes == 1 {
			return false // "18:30"; "u. 2"
		}
	}
	last := &r.list[m.to-1]
	if first := &r.list[m.from]; first.digits && m.to > m.from+1 && r.list[m.from+1].runes <= 2 && r.list[m.from+1].gap != 0 {
		return false // "13 A", "4 er"
	}
	if m.to == len(r.list) {
		return true
	}
	next := &r.list[m.to]
	switch {
	case next.gap&figures != 0:
		return false
	case next.gap&pause != 0:
		return true
	case last.class&group == 0 && next.class&group != 0 && r.list[m.from].digits:
		return false // "4er Gruppe"
	case !last.digits || last.gap == 0:
		return true
	case next.class&unit != 0:
		return false
	default:
		return !r.counts(m, next)
	}
}

// counts tells whether the number in what looks like a line says how many people follow,
// as in "in der U-Bahn 2 Kontis". After "Tram", "Bus" and "Linie" it is the line's.
func (r *reading) counts(m match, next *token) bool {
	if next.class&(inspector|person) == 0 || r.list[m.to-1].number == 1 {
		return false
	}
	before := &r.list[m.to-2]
	switch letters := string(r.letters[before.start:before.end]); letters {
	case "bahn", "ubahn", "sbahn", "metro":
		return true
	case "u":
		return m.from > 0 // it is "und"
	default:
		return false
	}
}

// number finds a line of which only the number is written: "in der 8", "49 Volkstheater".
func (r *reading) number(i int) (match, bool) {
	t := &r.list[i]
	if !t.digits || t.word < 0 || t.gap&figures != 0 || i+1 < len(r.list) && r.list[i+1].gap&figures != 0 {
		return match{}, false
	}
	is := r.x.lookup(r.x.line, t.word)
	if is.kind != aLine || !r.named(i) && !(i == 0 && t.number >= 10 && r.beforePlace(i+1)) {
		return match{}, false
	}
	return match{target: is, from: i, to: i + 1}, true
}

// named tells whether the number at a word is named like a line, as in "in der 8 sind".
func (r *reading) named(i int) bool {
	if i == 0 || r.list[i].gap != space {
		return false
	}
	before := r.list[i-1].class
	if before&which == 0 && (before&article == 0 || r.list[i].number < 10) {
		return false
	}
	if i+1 == len(r.list) || r.list[i+1].gap&pause != 0 {
		return true
	}
	next := &r.list[i+1]
	return next.class&(where|verb|toward|control) != 0 || next.class&inspector != 0 && r.list[i].number >= 10 || next.count > 1 && !next.digits || r.beforePlace(i+1)
}

// beforePlace tells whether a stop or a word of direction begins at a word.
func (r *reading) beforePlace(i int) bool {
	if i >= len(r.list) {
		return false
	}
	if r.list[i].class&toward != 0 {
		return true
	}
	m, ok := r.longest(i)
	return ok && m.kind == aStop
}

// maxPeople is how many people a report may be about.
const maxPeople = 99

// people returns how many inspectors the text says there are; 0 if it does not say. Two
// men and a woman are three.
func (r *reading) people() int {
	for i := range r.list {
		n, next := r.countAt(i)
		if n == 0 {
			continue
		}
		for next < len(r.list) {
			if r.list[next].class&both != 0 {
				next++
			}
			more, after := r.countAt(next)
			if more == 0 {
				break
			}
			n, next = n+more, after
		}
		if n > maxPeople {
			return 0
		}
		return n
	}
	return 0
}

// countAt returns how many people the word at i counts, and where what follows them
// begins.
func (r *reading) countAt(i int) (n, next int) {
	if i >= len(r.list) {
		return 0, 0
	}
	t := &r.list[i]
	n = t.count
	if t.digits {
		n = t.number
	}
	if n < 1 || n > maxPeople || t.match != 0 || t.gap&figures != 0 || i+1 < len(r.list) && r.list[i+1].gap&figures != 0 {
		return 0, 0
	}
	if t.digits && (i > 0 && r.list[i-1].class&(clock|kind) != 0 || t.gap == 0 || r.isSuffix(i+1)) {
		return 0, 0
	}
	if next, ok := r.peopleAfter(i + 1); ok {
		return n, next
	}
	if r.peopleBefore(i) {
		return n, i + 1
	}
	return 0, 0
}

// isSuffix tells whether a word belongs to the number before it, which counts nothing
// then: "4er" is a line, a "4er Gruppe" is a group, "2x Kontis" are two.
func (r *reading) isSuffix(i int) bool {
	if i >= len(r.list) || r.list[i].gap != 0 || r.list[i].runes == 1 {
		return false
	}
	return i+1 == len(r.list) || r.list[i+1].class&group == 0
}

// peopleAfter tells whether people follow, with few words between that say what they are
// like, and where what follows them begins.
func (r *reading) peopleAfter(i int) (next int, ok bool) {
	for j := i; j < len(r.list) && j < i+4; j++ {
		t := &r.list[j]
		if t.class&(inspector|person) != 0 && t.match == 0 {
			return j + 1, true
		}
		if t.gap&pause != 0 || t.digits || t.match != 0 || t.count > 1 || t.class&(unit|verb|not|none|control|some) != 0 {
			break
		}
	}
	return 0, false
}

// peopleBefore tells whether people stand before a number, as in "Kontis (2)" and "Kontis
// zu dritt", or are the word itself.
func (r *reading) peopleBefore(i int) bool {
	t := &r.list[i]
	if t.class&inspector != 0 {
		return true
	}
	if i > 0 && r.list[i-1].class&inspector != 0 && t.digits {
		return i+1 == len(r.list) || r.list[i+1].gap&pause != 0
	}
	return i > 0 && string(r.letters[r.list[i-1].start:r.list[i-1].end]) == "zu" && t.count > 1
}
