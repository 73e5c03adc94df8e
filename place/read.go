package place

import (
	"slices"
	"strings"
	"sync"

	"ticketfrei/internal/report"
)

// maxRead is how much of a text is looked at, in bytes: reports are short.
const maxRead = 4000

// Read reads a text. Nothing is better than what is wrong.
func (p *Places) Read(text string) report.Reading {
	if len(text) > maxRead {
		text = strings.ToValidUTF8(text[:maxRead], "")
	}
	r := readings.Get().(*reading)
	defer r.release()
	r.x = p.compiled()
	r.tokens.read(text)
	if r.x != nil {
		r.find()
		r.direct()
	}
	return r.result()
}

// compiled returns the index, which the first text of a city makes.
func (p *Places) compiled() *index {
	if p == nil {
		return nil
	}
	p.once.Do(func() { p.index = newIndex(p) })
	return p.index
}

// readings are some that can be used again, so that reading costs no memory.
var readings = sync.Pool{New: func() any { return &reading{} }}

// release leaves a reading for the next text.
func (r *reading) release() {
	*r = reading{tokens: tokens{list: r.list[:0], letters: r.letters[:0]}, matches: r.matches[:0]}
	readings.Put(r)
}

// reading is a text that is read.
type reading struct {
	tokens
	x       *index // nil: the city has no places
	matches []match
}

// match is a line or a stop in a text.
type match struct {
	target
	from, to int // words
	toward   bool
}

// find finds lines and stops, the longest first.
func (r *reading) find() {
	r.recognise()
	everyday := false
	for i := 0; i < len(r.list); {
		m, ok := r.longest(i)
		if !ok {
			m, ok = r.number(i)
		}
		if !ok {
			i++
			continue
		}
		for j := m.from; j < m.to; j++ {
			r.list[j].match = len(r.matches) + 1
		}
		r.matches = append(r.matches, m)
		everyday = everyday || r.everyday(m)
		i = m.to
	}
	if everyday && !r.reports() {
		r.matches = slices.DeleteFunc(r.matches, r.everyday)
	}
}

// everyday tells whether a stop is called by words that many use, as "Messe" and "Am
// Markt", or by one with a mistake, which may be another: "Ziegelsteine" are not
// "Ziegelstein".
func (r *reading) everyday(m match) bool {
	if m.kind != aStop {
		return false
	}
	var classes class
	for i := m.from; i < m.to; i++ {
		c := r.list[i].class
		if c&(ordinary|common|article|where) == 0 {
			return m.to == m.from+1 && r.list[i].guessed
		}
		classes |= c
	}
	return classes&(ordinary|common) != 0
}

// reports tells whether a text is a report, so that "Messe" in it is a stop: it speaks of
// inspectors, asks what is there, names another place, or has nothing but a place and a
// time.
func (r *reading) reports() bool {
	for i := range r.matches {
		if !r.everyday(r.matches[i]) {
			return true
		}
	}
	short := true
	for i := range r.list {
		t := &r.list[i]
		if t.match != 0 {
			continue
		}
		if t.class&(inspector|control|alert|gone|free|surely) != 0 || r.counted(i) || r.asked && t.class&news != 0 && (i > 0 || r.at(1, where)) {
			return true
		}
		short = short && t.class&(where|toward) != 0
	}
	return short
}

// at tells whether a word is of a class.
func (r *reading) at(i int, classes class) bool {
	return i < len(r.list) && r.list[i].class&classes != 0
}

// counted tells whether people are counted at a word.
func (r *reading) counted(i int) bool {
	n, _ := r.countAt(i)
	return n > 0
}

// recognise finds the words of the city.
func (r *reading) recognise() {
	for i := range r.list {
		t := &r.list[i]
		if t.runes == 0 {
			continue
		}
		if id, ok := r.x.words.find(stir(t.hash)); ok {
			t.word = id
			continue
		}
		if t.class == 0 && t.count == 0 && !t.digits && t.runes >= minEdited-1 && t.runes <= maxEdited {
			r.guess(t)
		}
	}
}

// guess finds the word that a word with a mistake may be.
func (r *reading) guess(t *token) {
	var space [maxEdited]rune
	letters := space[:0]
	for _, c := range string(r.letters[t.start:t.end]) {
		letters = append(letters, c)
	}
	id, ok := r.x.guess(letters)
	if !ok && t.dotted {
		id, ok = r.x.guess(undotted(letters))
	}
	if ok {
		t.word, t.guessed = id, true
	}
}

// undotted writes "a" in place of "ae", and the like, over the letters.
func undotted(letters []rune) []rune {
	plain := letters[:0]
	var before rune
	for _, c := range letters {
		if c != 'e' || before != 'a' && before != 'o' && before != 'u' {
			plain = append(plain, c)
		}
		before = c
	}
	return plain
}

// longest returns the line or stop that begins at a word.
func (r *reading) longest(i int) (match, bool) {
	if r.afterQuote(i) {
		return match{}, false
	}
	best := match{}
	node := int32(0)
	for j := i; j < len(r.list) && r.list[j].word >= 0 && (j == i || r.list[j].gap&(pause|figures) == 0); j++ {
		var ok bool
		if node, ok = r.x.child(node, r.list[j].word); !ok {
			break
		}
		m := match{target: r.x.nodes[node], from: i, to: j + 1}
		if m.kind != noTarget && r.fits(m) {
			best = m
		}
	}
	if m, ok := r.joined(i); ok && m.to > best.to {
		best = m
	}
	return best, best.kind == aLine || best.kind == aStop
}

// afterQuote tells whether a word is the rest of another, as in "it's" or "Plärrer'de".
func (r *reading) afterQuote(i int) bool {
	return i > 0 && r.list[i].gap == quote && r.list[i].runes <= 3 && r.list[i-1].runes > 1
}

// joined finds a stop that is one word in several of the text, as "Opern Haus".
func (r *reading) joined(i int) (match, bool) {
	hash, runes := r.list[i].hash, r.list[i].runes
	var best match
	if runes == 0 || r.list[i].digits {
		return best, false
	}
	for j := i + 1; j < len(r.list) && j < i+3; j++ {
		t := &r.list[j]
		if t.runes == 0 || t.digits || t.gap&^(space|hyphen|dot) != 0 || runes+t.runes > maxWord {
			break
		}
		hash = hash*powers[t.runes] + t.hash
		runes += t.runes
		if w, ok := r.x.words.find(stir(hash)); ok && runes >= minEdited {
			if is := r.x.lookup(w); is.kind == aStop {
				best = match{target: is, from: i, to: j + 1}
			}
		}
	}
	return best, best.kind == aStop
}

// fits tells whether a match is what it looks like.
func (r *reading) fits(m match) bool {
	if m.kind == aLine {
		return r.fitsLine(m)
	}
	first := &r.list[m.from]
	return m.to > m.from+1 || !first.guessed || r.x.spelled[first.word].class&ordinary == 0
}

// result says what was read.
func (r *reading) result() report.Reading {
	var read report.Reading
	var stop *indexedStop
	for i := range r.matches {
		switch m := &r.matches[i]; {
		case m.kind == aLine:
			r.addLine(&read, &r.x.lines[m.id])
		case m.toward && read.Toward == "":
			read.Toward = r.x.stops[m.id].name
		case !m.toward && stop == nil:
			stop = &r.x.stops[m.id]
			read.Stop = stop.name
		}
	}
	if read.Lines == "" && stop != nil {
		read.Lines = stop.lines
	}
	read.People = r.people()
	read.Clear = r.allClear()
	return read
}

// addLine adds a line to those that are named.
func (r *reading) addLine(read *report.Reading, l *indexedLine) {
	switch {
	case read.Line == "":
		read.Line, read.Lines = l.name, l.only
	case !read.Lines.Has(l.name):
		read.Lines += l.only[1:]
	}
}
