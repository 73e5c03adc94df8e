package gtfs

import "fmt"

// Kind is what is wrong with a zip.
type Kind string

// The kinds of problems.
const (
	NoZip     Kind = "no_zip"     // it is none
	TooLarge  Kind = "too_large"  // it, or File, has more than Max MB
	NoFile    Kind = "no_file"    // File is missing
	NoColumn  Kind = "no_column"  // File lacks Column
	Broken    Kind = "broken"     // File cannot be read at Line
	Packed    Kind = "packed"     // File has a password, or is packed in a way that few use
	TooMany   Kind = "too_many"   // File has more than Max rows
	ManyLines Kind = "many_lines" // there are more than Max lines
	ManyStops Kind = "many_stops" // there are more than Max stops
	Empty     Kind = "empty"      // no line has stops
)

// Problem says why a zip could not be read.
type Problem struct {
	Kind         Kind
	File, Column string
	Line, Max    int
	Err          error // the cause; may be nil
}

func (p *Problem) Error() string {
	switch p.Kind {
	case NoZip:
		return "this is no zip file: take the GTFS feed as the agency offers it, without unpacking it"
	case TooLarge:
		return fmt.Sprintf("%s is larger than %d MB: take the feed of the city alone", p.what(), p.Max)
	case NoFile:
		return fmt.Sprintf("%s is missing in the zip: it is no whole GTFS feed", p.File)
	case NoColumn:
		return fmt.Sprintf("%s has no column %s: its first line must name the columns, with commas between them", p.File, p.Column)
	case Broken:
		return fmt.Sprintf("%s cannot be read at line %d: %v; download the feed again, or tell the agency", p.File, p.Line, p.Err)
	case Packed:
		return fmt.Sprintf("%s has a password or is packed in an unusual way: unpack the zip and pack it again as an ordinary one", p.File)
	case TooMany:
		return fmt.Sprintf("%s has more than %d rows: take the feed of the city alone", p.File, p.Max)
	case ManyLines:
		return fmt.Sprintf("the feed has more than %d lines: take the feed of the city alone", p.Max)
	case ManyStops:
		return fmt.Sprintf("the feed has more than %d stops: take the feed of the city alone", p.Max)
	default:
		return "no line of the feed has stops: are there trips in it?"
	}
}

func (p *Problem) what() string {
	if p.File == "" {
		return "the zip"
	}
	return p.File
}

func (p *Problem) Unwrap() error { return p.Err }
