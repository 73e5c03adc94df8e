package gtfs

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"ticketfrei/place"
)

// mode is what runs on a line, in the order in which lines are listed.
type mode int

const (
	underground mode = iota
	suburban
	rail
	tram
	bus
	ferry
	other
)

// called is how riders say a line of a mode that has no more than a number.
var called = map[mode]string{underground: "U", suburban: "S", rail: "R", tram: "Tram ", bus: "Bus ", ferry: "F"}

// modeOf returns the mode of a route_type, also of the extended ones.
func modeOf(routeType string) mode {
	n, err := strconv.Atoi(routeType)
	if err != nil {
		return other
	}
	switch {
	case n == 0 || n == 5 || n >= 900 && n < 1000:
		return tram
	case n == 1 || n >= 400 && n < 700:
		return underground
	case n == 2 || n == 109 || n >= 300 && n < 400:
		return suburban
	case n >= 100 && n < 200:
		return rail
	case n == 3 || n == 11 || n >= 200 && n < 300 || n >= 700 && n < 900:
		return bus
	case n == 4 || n >= 1000 && n < 1100 || n >= 1200 && n < 1300:
		return ferry
	}
	return other
}

// line is a line while its trips are read.
type line struct {
	place.Line
	mode  mode
	stops []int32 // in their order; see reader.names
}

// lineName is how riders say a line.
func lineName(short, long string, m mode) string {
	name := clean(short)
	if name == "" {
		name = clean(long)
	}
	if first, _ := utf8.DecodeRuneInString(name); unicode.IsDigit(first) {
		return place.Clean(called[m] + name)
	}
	return name
}

// lineColor is a route_color; white is what stands for none.
func lineColor(field string) string {
	field = strings.ToLower(strings.TrimPrefix(field, "#"))
	if _, err := strconv.ParseUint(field, 16, 32); err != nil || len(field) != 6 || field == "ffffff" {
		return ""
	}
	return "#" + field
}

// readRoutes finds the lines. Routes that are called the same are one.
func (rd *reader) readRoutes() error {
	rd.routes = map[key]int32{}
	byName := map[string]int32{}
	err := rd.each(columns{"routes.txt", []string{"route_id", "route_type", "route_short_name", "route_long_name", "route_color"}, 2, maxStops}, func(f []string) {
		m := modeOf(f[1])
		name := lineName(f[2], f[3], m)
		if name == "" {
			return
		}
		i, ok := byName[name]
		if !ok {
			name = strings.Clone(name)
			i = int32(len(rd.lines))
			byName[name] = i
			rd.lines = append(rd.lines, line{Line: place.Line{Name: name, Color: lineColor(f[4])}, mode: m})
		}
		rd.routes[keyOf(f[0])] = i
	})
	if err == nil && len(rd.lines) > place.MaxLines {
		return &Problem{Kind: ManyLines, Max: place.MaxLines}
	}
	return err
}

// feed lists the lines that have stops, as people look for them.
func (rd *reader) feed() *Feed {
	f := &Feed{Lost: rd.lost}
	slices.SortStableFunc(rd.lines, func(a, b line) int {
		return cmp.Or(cmp.Compare(a.mode, b.mode), compareNames(a.Name, b.Name))
	})
	for _, l := range rd.lines {
		if len(l.stops) == 0 {
			f.Idle++
			continue
		}
		for _, s := range l.stops {
			l.Stops = append(l.Stops, rd.names[s])
		}
		f.Lines = append(f.Lines, l.Line)
	}
	return f
}

// compareNames has "U2" before "U10": by the words before the first number, then by the
// number.
func compareNames(a, b string) int {
	wordA, numberA := splitName(a)
	wordB, numberB := splitName(b)
	return cmp.Or(strings.Compare(wordA, wordB), cmp.Compare(numberA, numberB), strings.Compare(a, b))
}

func splitName(name string) (word string, number int) {
	at := strings.IndexFunc(name, unicode.IsDigit)
	if at < 0 {
		return name, 0
	}
	end := at
	for end < len(name) && '0' <= name[end] && name[end] <= '9' {
		end++
	}
	number, _ = strconv.Atoi(name[at:end])
	return name[:at], number
}
