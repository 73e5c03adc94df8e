// Package zone knows the time of a city.
package zone

import (
	"errors"
	"strings"
	"time"
	_ "time/tzdata" // the image has no zones of its own, nor have some servers

	"ticketfrei/internal/report"
)

// byLanguage are the zones of cities that have chosen none, where nearly all that speak
// a language share one.
var byLanguage = map[string]string{
	"de": "Europe/Berlin",
	"tr": "Europe/Istanbul",
	"uk": "Europe/Kyiv",
	"fr": "Europe/Paris",
}

// longest is more than the names of zones have, in bytes.
const longest = 64

// errUnknown is about a name that no zone has.
var errUnknown = errors.New("there is no such time zone")

// Of returns the zone of a city: its own, or that of its language, or else other, the
// setting reports.zone. It reads a file: whoever shows many times keeps it.
func Of(c report.City, other string) *time.Location {
	for _, name := range []string{c.Zone, byLanguage[c.Language], other} {
		if l, err := Find(name); err == nil {
			return l
		}
	}
	return time.Local
}

// Find returns the zone with a name such as "Europe/Berlin". An empty name, or one that
// no zone has, is an error.
func Find(name string) (*time.Location, error) {
	if name == "" || name == "Local" || len(name) > longest {
		return nil, errUnknown
	}
	return time.LoadLocation(name)
}

// Known returns a name as it was typed or as a browser says it, if a zone has it, else
// nothing.
func Known(name string) string {
	name = strings.TrimSpace(name)
	if _, err := Find(name); err != nil {
		return ""
	}
	return name
}
