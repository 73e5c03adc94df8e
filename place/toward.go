package place

import "slices"

// direct finds out which stops a text goes toward.
func (r *reading) direct() {
	for i := range r.matches {
		m := &r.matches[i]
		if m.kind == aStop {
			m.toward = r.towardBefore(m.from) || r.towardAfter(m.to) || r.joinsToward(i)
		}
	}
	if !slices.ContainsFunc(r.matches, func(m match) bool { return m.toward }) {
		r.findEnd()
	}
}

// towardBefore tells whether a word of direction stands before another, with articles
// between them.
func (r *reading) towardBefore(i int) bool {
	for j := i - 1; j >= 0 && i-j <= 4; j-- {
		t := &r.list[j]
		switch {
		case r.list[j+1].gap&pause != 0:
			return false
		case t.class&toward != 0 && t.match == 0:
			return !r.meansAfter(j)
		case t.class&article == 0 && !r.lineAt(j):
			return false
		}
	}
	return false
}

func (r *reading) lineAt(i int) bool {
	m := r.list[i].match
	return m > 0 && r.matches[m-1].kind == aLine
}

// meansAfter tells whether a word of direction is "after", as in "kurz nach Plärrer".
func (r *reading) meansAfter(i int) bool { return i > 0 && r.list[i-1].class&just != 0 }

// towardAfter tells whether a word of direction follows, as in "Fürth yönünde".
func (r *reading) towardAfter(i int) bool {
	for i < len(r.list) && r.afterQuote(i) {
		i++
	}
	return i < len(r.list) && r.list[i].gap&pause == 0 && r.list[i].class&direction != 0
}

// joinsToward tells whether a stop goes on after one that the text goes toward, as in
// "Richtung Messe und Plärrer".
func (r *reading) joinsToward(i int) bool {
	if i == 0 || !r.matches[i-1].toward {
		return false
	}
	before, m := &r.matches[i-1], &r.matches[i]
	return m.from == before.to+1 && r.list[before.to].class&both != 0 || m.from == before.to && r.list[m.from].gap&pause == 0
}

// findEnd finds the end of a line in a word after a word of direction: "Richtung Fürth"
// is toward "Fürth Hardhöhe" where that is the only one of that name at which a line
// ends.
func (r *reading) findEnd() {
	for i := range r.list {
		t := &r.list[i]
		if t.match != 0 || t.word < 0 || t.runes < 4 || !r.towardBefore(i) && !r.towardAfter(i+1) {
			continue
		}
		if stop, ok := r.endOf(t.word); ok {
			t.match = len(r.matches) + 1
			r.matches = append(r.matches, match{target: target{kind: aStop, id: stop}, from: i, to: i + 1, toward: true})
			return
		}
	}
}

// endOf returns the end of a line with a word in its name: of the line that the text
// names, or else of any.
func (r *reading) endOf(word int32) (int32, bool) {
	stops := r.x.ends[word]
	for i := range r.matches {
		if m := &r.matches[i]; m.kind == aLine {
			ends := r.x.lines[m.id].ends
			stops = slices.DeleteFunc(slices.Clone(stops), func(s int32) bool { return !slices.Contains(ends[:], s) })
			break
		}
	}
	if len(stops) != 1 {
		return 0, false
	}
	return stops[0], true
}
