package filter

import "ticketfrei/place"

// around returns the stops that are at most reach stops from one of them, on any of the
// lines, also where one must change.
func around(p *place.Places, stop string, reach int) map[string]struct{} {
	next := neighbours(p)
	found := map[string]struct{}{stop: {}}
	for edge := []string{stop}; reach > 0 && len(edge) > 0; reach-- {
		var further []string
		for _, s := range edge {
			for _, n := range next[s] {
				if _, ok := found[n]; !ok {
					found[n] = struct{}{}
					further = append(further, n)
				}
			}
		}
		edge = further
	}
	return found
}

// neighbours are the stops before and after each, on all lines.
func neighbours(p *place.Places) map[string][]string {
	next := map[string][]string{}
	for _, l := range p.Lines() {
		for i := 1; i < len(l.Stops); i++ {
			a, b := l.Stops[i-1], l.Stops[i]
			next[a], next[b] = append(next[a], b), append(next[b], a)
		}
	}
	return next
}
