// Package place reads of which line and stop a report is, by the lines and stops of its
// city.
package place

import (
	"slices"
	"sync"
)

// Line is a line of a city.
type Line struct {
	Name  string   // as it is shown: "U1", "Tram 4"; without "|", ":", "," and "="
	Color string   // "#rrggbb"; empty: none
	Stops []string // in their order, as they are shown
	Also  []string // more spellings of its name
}

// Places are the lines and stops of a city. They never change and may be used from many
// goroutines. nil are those of a city that has none.
type Places struct {
	lines []Line
	loose []string            // stops of no line
	also  map[string][]string // more spellings of stops

	once  sync.Once
	index *index
}

// Lines returns the lines, in the order in which the city has them.
func (p *Places) Lines() []Line {
	if p == nil {
		return nil
	}
	return p.lines
}

// Line returns the line of a name, as the city writes it.
func (p *Places) Line(name string) (Line, bool) {
	i := slices.IndexFunc(p.Lines(), func(l Line) bool { return l.Name == name })
	if i < 0 {
		return Line{}, false
	}
	return p.lines[i], true
}

// Loose returns the stops of no line.
func (p *Places) Loose() []string {
	if p == nil {
		return nil
	}
	return p.loose
}

// Spellings returns more spellings of a stop.
func (p *Places) Spellings(stop string) []string {
	if p == nil {
		return nil
	}
	return p.also[stop]
}

// Stops returns every stop once, also those of no line, in the order of the text.
func (p *Places) Stops() []string {
	if p == nil {
		return nil
	}
	var all []string
	seen := map[string]bool{}
	for _, stops := range append(stopsOf(p.lines), p.loose) {
		for _, s := range stops {
			if !seen[s] {
				seen[s] = true
				all = append(all, s)
			}
		}
	}
	return all
}

func stopsOf(lines []Line) [][]string {
	all := make([][]string, len(lines))
	for i, l := range lines {
		all[i] = l.Stops
	}
	return all
}
