package place

import (
	"regexp"
	"slices"
	"strings"
)

// addLine makes a line be found by the ways in which people write it.
func (x *index) addLine(id int32, l Line) {
	x.spellLine(id, l.Name, rankName)
	for _, also := range l.Also {
		x.spellLine(id, also, rankTyped)
	}
}

// ways are what people write before the number of a line, each of a kind in all ways of
// its kind.
var ways = [][]string{
	{"u", "u bahn", "ubahn", "u bahn linie", "ubahn linie", "u bahnlinie", "u linie"},
	{"s", "s bahn", "sbahn", "s bahn linie", "sbahn linie", "s bahnlinie", "s linie"},
	{"m", "м", "ubahn"},
	trams,
	buses,
}

var (
	trams = []string{"tram", "tram linie", "tram nr"}
	buses = []string{"bus", "bus linie", "bus nr"}
)

// waysOf returns what people write before a line's number, by what its name has there.
func (x *index) waysOf(before string) []string {
	path := x.path(before)
	if len(path) == 0 || slices.Equal(path, x.path("linie")) {
		return slices.Concat(trams, buses)
	}
	for _, all := range ways {
		if slices.ContainsFunc(all, func(way string) bool { return slices.Equal(path, x.path(way)) }) {
			return all
		}
	}
	return []string{before}
}

// numbered takes the name of a line apart: "Tram 4" is "Tram" and "4", "13A" is "" and
// "13A".
var numbered = regexp.MustCompile(`^(\PN*)(\pN+\pL{0,2})$`)

// spellLine makes a line be found by a spelling of its name.
func (x *index) spellLine(id int32, name string, rank int8) {
	is, derived := target{aLine, rank, id}, target{aLine, rankDerived, id}
	parts := numbered.FindStringSubmatch(name)
	if parts == nil {
		x.spellWord(name, is, derived)
		return
	}
	before, number := strings.Trim(parts[1], " -."), parts[2]
	if path := x.path(name); len(path) > 1 { // a number alone can be anything
		x.insert(path, is)
	}
	spellings := []string{"linie " + number, number + "er", number + " numaralı", number + " nolu"}
	for _, way := range x.waysOf(before) {
		spellings = append(spellings, way+" "+number)
		if way == "tram" || way == "bus" {
			spellings = append(spellings, number+" "+way)
		}
	}
	for _, s := range spellings {
		x.insert(x.path(s), derived)
	}
}

// spellWord makes a line without a number be found. A letter, or a word that everybody
// uses, is one only where a text says so.
func (x *index) spellWord(name string, is, derived target) {
	var t tokens
	t.read(name)
	if len(t.list) > 1 || len(t.list) == 1 && t.list[0].runes > 2 && t.list[0].class == 0 {
		x.insert(x.path(name), is)
		return
	}
	for _, s := range []string{"linie " + name, "tram " + name, "bus " + name, name + " wagen", name + " bus"} {
		x.insert(x.path(s), derived)
	}
}
