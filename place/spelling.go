package place

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"ticketfrei/internal/report"
)

// addStops adds the stops of a city. Names that are spelled alike are one stop.
func (x *index) addStops(p *Places) {
	names := p.Stops()
	prefixes := cityPrefixes(names)
	lines := linesOf(p)
	ids := make(map[string]int32, len(names))
	for _, name := range names {
		id, ok := x.sameStop(name)
		if !ok {
			id = int32(len(x.stops))
			x.stops = append(x.stops, indexedStop{name: name})
		}
		ids[name] = id
		x.stops[id].lines = report.NewLines(union(x.stops[id].lines.List(), lines[name])...)
		x.spell(id, name, rankName)
		for _, also := range p.also[name] {
			x.spell(id, also, rankTyped)
		}
		for _, derived := range derive(name, prefixes) {
			x.spell(id, derived, rankDerived)
		}
		for _, part := range parts(name) {
			x.spell(id, part, rankPart)
		}
	}
	for i, l := range p.lines {
		if n := len(l.Stops); n > 0 {
			x.endAt(i, ids[l.Stops[0]], ids[l.Stops[n-1]])
		}
	}
}

// linesOf returns the lines of each stop.
func linesOf(p *Places) map[string][]string {
	lines := map[string][]string{}
	for _, l := range p.lines {
		for _, s := range l.Stops {
			lines[s] = append(lines[s], l.Name)
		}
	}
	return lines
}

// sameStop returns the stop that another one is spelled like, as "Yorckstr." and
// "Yorckstraße".
func (x *index) sameStop(name string) (int32, bool) {
	path := x.path(name)
	if is := x.lookup(path...); len(path) > 0 && is.kind == aStop && is.rank == rankName {
		return is.id, true
	}
	return 0, false
}

// path returns the numbers of the words of a spelling.
func (x *index) path(spelling string) []int32 {
	var t tokens
	t.read(spelling)
	path := make([]int32, 0, len(t.list))
	for i := range t.list {
		if t.list[i].runes > 0 {
			path = append(path, x.number(&t, &t.list[i]))
		}
	}
	return path
}

// spell makes a stop be found by a spelling, with "ä" as "ae" and as "a", and written in
// one word.
func (x *index) spell(id int32, spelling string, rank int8) {
	var t tokens
	t.read(spelling)
	if !mayStand(t.list, rank) {
		return
	}
	bare := tokens{bare: true}
	bare.read(spelling)
	var path []int32
	for i := range t.list {
		if t.list[i].runes > 0 {
			path = append(path, x.learn(&t, &bare, t.list[i], bare.list[i]))
		}
	}
	x.insert(path, target{aStop, rank, id})
	if whole := joined(&t); len(path) > 1 && whole.runes <= maxWord {
		w := x.learn(&t, &bare, whole, joined(&bare))
		x.insert([]int32{w}, target{aStop, max(rank, rankTyped), id})
	}
}

// learn returns the number of a word that may be written with a mistake, or without the
// dots on its letters.
func (x *index) learn(t, bare *tokens, w, plain token) int32 {
	id := x.number(t, &w)
	if hash := stir(plain.hash); plain.hash != w.hash {
		if _, taken := x.words.find(hash); !taken {
			x.words.put(hash, id)
			x.spelled[id].bare = []rune(string(bare.letters[plain.start:plain.end]))
		}
	}
	x.learnEdits(id)
	return id
}

// joined makes one word of all.
func joined(t *tokens) token {
	whole := token{word: -1, end: len(t.letters)}
	for _, r := range string(t.letters) {
		whole.hash = step(whole.hash, r)
		whole.runes++
	}
	whole.known = dictionary.find(stir(whole.hash))
	return whole
}

// mayStand tells whether words alone can be the spelling of a stop.
func mayStand(words []token, rank int8) bool {
	letters := 0
	for _, w := range words {
		if !w.digits {
			letters += w.runes
		}
	}
	if len(words) == 1 {
		c := words[0].class
		if rank >= rankDerived && c&vague != 0 || c&ordinary != 0 && c&vague != 0 {
			return false
		}
	}
	return letters >= 3 || letters == 2 && !isASCII(words)
}

func isASCII(words []token) bool {
	return !slices.ContainsFunc(words, func(t token) bool { return t.end-t.start > t.runes })
}

// endAt notes where a line ends: "toward Fürth" is then toward "Fürth Hardhöhe".
func (x *index) endAt(line int, stops ...int32) {
	for i, s := range stops {
		x.lines[line].ends[i] = s
		for _, w := range x.path(x.stops[s].name) {
			if !slices.Contains(x.ends[w], s) {
				x.ends[w] = append(x.ends[w], s)
			}
		}
	}
}

var (
	inBrackets = regexp.MustCompile(`\s*(\([^)]*\)|\[[^\]]*\])`)
	kindBefore = regexp.MustCompile(`(?i)^(?:s\+u|u\+s|[su]-?bahnhof|[su]-?bahn|bahnhof|bhf\.?|haltestelle|[su])\s+`)
	kindAfter  = regexp.MustCompile(`(?i)\s+(?:bhf\.?|bf\.?|\+?[su]-?bahn(?:hof)?|s\+u|[su])$`)
)

// derive returns how people write the name of a stop that a feed has as "S+U
// Alexanderplatz (Berlin)" or "Nürnberg Plärrer".
func derive(name string, prefixes map[string]bool) []string {
	whole := inBrackets.ReplaceAllString(name, "")
	short := kindBefore.ReplaceAllString(whole, "")
	all := []string{whole, short, kindAfter.ReplaceAllString(short, "")}
	for _, s := range all {
		if first, rest, ok := strings.Cut(s, " "); ok && prefixes[first] && utf8.RuneCountInString(rest) > 2 {
			all = append(all, rest, kindBefore.ReplaceAllString(rest, ""))
		}
	}
	return slices.DeleteFunc(all, func(s string) bool { return s == name || s == "" })
}

// between is what stands between the two names of a stop, as in "Barbès - Rochechouart".
var between = regexp.MustCompile(`\s+[-–]\s+|\s*/\s*`)

// parts returns the names of which the name of a stop is made.
func parts(name string) []string {
	name = kindBefore.ReplaceAllString(inBrackets.ReplaceAllString(name, ""), "")
	if all := between.Split(name, -1); len(all) > 1 {
		return slices.DeleteFunc(all, func(s string) bool { return utf8.RuneCountInString(s) < 4 })
	}
	return nil
}

// cityPrefixes returns the names of places with which the names of many stops begin, as
// feeds of whole regions write them. In few stops it has to be most: "Langwasser Nord"
// and "Langwasser Süd" are not Nord and Süd.
func cityPrefixes(names []string) map[string]bool {
	counts := map[string]int{}
	for _, name := range names {
		if first, _, ok := strings.Cut(name, " "); ok && utf8.RuneCountInString(first) >= 4 {
			counts[first]++
		}
	}
	prefixes := map[string]bool{}
	for first, n := range counts {
		t := tokens{}
		t.read(first)
		if len(t.list) != 1 || t.list[0].class != 0 {
			continue
		}
		if n >= 4 && 2*n >= len(names) || n >= 10 && 33*n >= len(names) {
			prefixes[first] = true
		}
	}
	return prefixes
}
