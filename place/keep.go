package place

import (
	"maps"
	"slices"
)

// Keeping returns the places of a new timetable with what people have typed to the old
// ones: the spellings of lines and stops that there still are, and the stops of no line. It
// returns p where there is no room for both.
func (p *Places) Keeping(old *Places) *Places {
	if p == nil || old == nil {
		return p
	}
	kept := &Places{lines: slices.Clone(p.lines), loose: union(slices.Clone(p.loose), old.loose), also: maps.Clone(p.also)}
	if kept.also == nil {
		kept.also = map[string][]string{}
	}
	for i, l := range kept.lines {
		if before, ok := old.Line(l.Name); ok {
			kept.lines[i].Also = union(slices.Clone(l.Also), before.Also)
		}
	}
	for _, stop := range kept.Stops() {
		if more := old.also[stop]; len(more) > 0 {
			kept.also[stop] = union(slices.Clone(kept.also[stop]), more)
		}
	}
	if _, err := Parse(kept.String()); err != nil {
		return p
	}
	return kept
}
