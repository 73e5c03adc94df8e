package gtfs

import (
	"cmp"
	"hash/maphash"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// key stands for an id of a feed.
type key uint64

// seed differs from one start to the next: nobody can write ids that share a key.
var seed = maphash.MakeSeed()

func keyOf(id string) key { return key(maphash.String(seed, id)) }

const (
	// maxPatterns bounds the trips of a line whose stops are looked at. One trip stands
	// for all that call at the same stops.
	maxPatterns = 40
	// maxCalls bounds the stops of a trip, and of a line; none has as many.
	maxCalls = 1000
	// maxFollowed bounds the stops of all trips that are looked at.
	maxFollowed = 1_000_000
)

// trip is what is kept of a trip.
type trip struct {
	line  int32
	calls int32
	sum   uint64 // of its calls; trips with the same stops have the same
}

// call is a trip at a stop.
type call struct{ sequence, stop int32 }

// readStops names the stops. A platform is called as its station.
func (rd *reader) readStops() error {
	rd.stops = map[key]int32{}
	index, parents := map[string]int32{}, map[key]key{}
	err := rd.each(columns{"stops.txt", []string{"stop_id", "stop_name", "parent_station"}, 2, maxStops}, func(f []string) {
		id := keyOf(f[0])
		if f[2] != "" && f[2] != f[0] {
			parents[id] = keyOf(f[2])
		}
		name := stopName(f[1])
		if name == "" {
			return
		}
		i, ok := index[name]
		if !ok {
			name = strings.Clone(name)
			i = int32(len(rd.names))
			index[name] = i
			rd.names = append(rd.names, name)
		}
		rd.stops[id] = i
	})
	named := rd.stops
	rd.stops = maps.Clone(named)
	for id := range parents {
		if name, ok := nameOf(id, named, parents); ok {
			rd.stops[id] = name
		}
	}
	return err
}

// nameOf returns the name of the station that a stop is of: the highest that has one.
func nameOf(id key, named map[key]int32, parents map[key]key) (name int32, ok bool) {
	name, ok = named[id]
	for range 3 { // boarding area, platform, station
		parent, more := parents[id]
		if !more {
			break
		}
		id = parent
		if n, has := named[id]; has {
			name, ok = n, true
		}
	}
	return name, ok
}

// readTrips finds the line of each trip.
func (rd *reader) readTrips() error {
	rd.runs = map[key]int32{}
	return rd.each(columns{"trips.txt", []string{"trip_id", "route_id"}, 2, maxTrips}, func(f []string) {
		if on, ok := rd.routes[keyOf(f[1])]; ok {
			rd.runs[keyOf(f[0])] = int32(len(rd.trips))
			rd.trips = append(rd.trips, trip{line: on})
		}
	})
}

// calls reads where trips stop, in the order of the file.
func (rd *reader) calls(take func(t int32, c call)) error {
	return rd.each(columns{file: "stop_times.txt", names: []string{"trip_id", "stop_id", "stop_sequence"}, needed: 3}, func(f []string) {
		t, known := rd.runs[keyOf(f[0])]
		stop, named := rd.stops[keyOf(f[1])]
		sequence, err := strconv.ParseInt(f[2], 10, 32)
		if !known || !named || err != nil {
			rd.lost++
			return
		}
		take(t, call{int32(sequence), stop})
	})
}

// compareTrips sums the calls of each trip up.
func (rd *reader) compareTrips() error {
	return rd.calls(func(t int32, c call) {
		rd.trips[t].calls++
		rd.trips[t].sum += maphash.Comparable(seed, c)
	})
}

// followTrips finds the stops of each line by the trips that differ.
func (rd *reader) followTrips() error {
	followed := map[int32][]call{}
	byLine := rd.patterns()
	for _, list := range byLine {
		for _, t := range list {
			followed[t] = nil
		}
	}
	lost := rd.lost
	err := rd.calls(func(t int32, c call) {
		if calls, ok := followed[t]; ok && len(calls) < maxCalls {
			followed[t] = append(calls, c)
		}
	})
	rd.lost = lost // they were counted the first time
	for i, list := range byLine {
		for _, t := range list {
			rd.lines[i].stops = merge(rd.lines[i].stops, inOrder(followed[t]))
		}
	}
	return err
}

// patterns returns, for each line, one trip of those that call at the same stops: first
// those with the most.
func (rd *reader) patterns() [][]int32 {
	type pattern struct {
		line int32
		sum  uint64
	}
	seen := map[pattern]bool{}
	byLine := make([][]int32, len(rd.lines))
	for i, t := range rd.trips {
		if p := (pattern{t.line, t.sum}); t.calls > 0 && t.calls <= maxCalls && !seen[p] {
			seen[p] = true
			byLine[t.line] = append(byLine[t.line], int32(i))
		}
	}
	left := int32(maxFollowed)
	for i, list := range byLine {
		slices.SortStableFunc(list, func(a, b int32) int { return cmp.Compare(rd.trips[b].calls, rd.trips[a].calls) })
		list = list[:min(len(list), maxPatterns)]
		for n, t := range list {
			if left -= rd.trips[t].calls; left < 0 {
				list = list[:n]
				break
			}
		}
		byLine[i] = list
	}
	return byLine
}

// inOrder returns the stops of a trip in their order, each once.
func inOrder(calls []call) []int32 {
	slices.SortStableFunc(calls, func(a, b call) int { return cmp.Compare(a.sequence, b.sequence) })
	stops := make([]int32, 0, len(calls))
	for _, c := range calls {
		if !slices.Contains(stops, c.stop) {
			stops = append(stops, c.stop)
		}
	}
	return stops
}

// merge adds the stops of a trip to those of its line, each after the stop that comes
// before it. A trip back is turned around.
func merge(line, trip []int32) []int32 {
	if runsBack(line, trip) {
		slices.Reverse(trip)
	}
	at := slices.IndexFunc(trip, func(stop int32) bool { return slices.Contains(line, stop) })
	if at < 0 {
		return append(line, trip...)
	}
	next := slices.Index(line, trip[at])
	for _, stop := range trip {
		if known := slices.Index(line, stop); known >= 0 {
			next = known + 1
			continue
		}
		if len(line) >= maxCalls {
			break
		}
		line = slices.Insert(line, next, stop)
		next++
	}
	return line
}

// runsBack tells whether a trip calls at the stops of its line in their reverse order.
func runsBack(line, trip []int32) bool {
	last, balance := -1, 0
	for _, stop := range trip {
		at := slices.Index(line, stop)
		if at < 0 {
			continue
		}
		if last >= 0 {
			balance += cmp.Compare(at, last)
		}
		last = at
	}
	return balance < 0
}
