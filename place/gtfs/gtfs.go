// Package gtfs reads the lines of a city and their stops from a timetable as agencies
// publish it: a zip of tables (https://gtfs.org/documentation/schedule/reference/).
package gtfs

import (
	"archive/zip"
	"context"
	"io"
	"path"
	"strings"

	"ticketfrei/place"
)

// MaxSize bounds a zip, in bytes.
const MaxSize = 200 << 20

// The bounds of what is in the zip. Together they keep a reading below 150 MB of memory.
const (
	maxTable  = 1 << 30 // bytes of a table, unpacked
	maxRecord = 64 << 10
	maxStops  = 200_000
	maxTrips  = 1_000_000
)

// Feed is what was read.
type Feed struct {
	Lines []place.Line // those that have stops; undergrounds first, buses last
	Idle  int          // lines that no trip runs on, which are left out
	Lost  int          // rows that name trips or stops that are not there
}

// Stops counts the stops of all lines, each once.
func (f *Feed) Stops() int {
	seen := map[string]bool{}
	for _, l := range f.Lines {
		for _, s := range l.Stops {
			seen[s] = true
		}
	}
	return len(seen)
}

// Read reads a zip of that size. The error is a *Problem where the zip is to blame, and
// that of ctx where it ended.
func Read(ctx context.Context, r io.ReaderAt, size int64) (*Feed, error) {
	if size > MaxSize {
		return nil, &Problem{Kind: TooLarge, Max: MaxSize >> 20}
	}
	archive, err := zip.NewReader(r, size)
	if err != nil {
		return nil, &Problem{Kind: NoZip, Err: err}
	}
	rd := &reader{ctx: ctx, files: map[string]*zip.File{}}
	for _, f := range archive.File {
		// Some put the tables into a folder.
		if name := strings.ToLower(path.Base(f.Name)); rd.files[name] == nil && !f.FileInfo().IsDir() {
			rd.files[name] = f
		}
	}
	return rd.read()
}

// reader is one reading of a zip. Ids are kept as keys: there may be a million of them.
type reader struct {
	ctx   context.Context
	files map[string]*zip.File

	lines  []line
	routes map[key]int32 // to lines
	names  []string      // of stops
	stops  map[key]int32 // to names
	trips  []trip
	runs   map[key]int32 // to trips
	lost   int
}

// read reads the tables. The times of the stops, by far the most, are read twice: first
// to tell which trips call at the same stops, and then the stops of one of each. They may
// stand in any order.
func (rd *reader) read() (*Feed, error) {
	for _, step := range []func() error{rd.readRoutes, rd.readStops, rd.readTrips, rd.compareTrips, rd.followTrips} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	f := rd.feed()
	switch {
	case len(f.Lines) == 0:
		return nil, &Problem{Kind: Empty}
	case f.Stops() > place.MaxStops:
		return nil, &Problem{Kind: ManyStops, Max: place.MaxStops}
	}
	return f, nil
}
