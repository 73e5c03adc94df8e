// Package zone knows the time of a city.
package zone

import (
	"errors"
	"path"
	"slices"
	"strings"
	"sync"
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
// setting reports.zone, or that of the machine.
func Of(c report.City, other string) *time.Location {
	for _, name := range []string{c.Zone, byLanguage[c.Language], other} {
		if l, err := Find(name); err == nil {
			return l
		}
	}
	return time.Local
}

// Find returns the zone with a name such as "Europe/Berlin". An empty name, or one that
// no zone has, is an error; so is another way to a zone's file, such as "Europe/./Berlin".
func Find(name string) (*time.Location, error) {
	if name == "" || name == "Local" || len(name) > longest || path.Clean(name) != name {
		return nil, errUnknown
	}
	if l, ok := read.Load(name); ok {
		return l.(*time.Location), nil
	}
	l, err := time.LoadLocation(name)
	if err == nil {
		read.Store(name, l)
	}
	return l, err
}

// hidden are what browsers say that do not want to be told apart.
var hidden = []string{"UTC", "Etc/UTC", "Etc/GMT", "GMT", "Atlantic/Reykjavik"}

// OfBrowser returns the zone for a new city of a language whose moderator's browser says
// name: nothing where no zone has that name, or where the language tells more.
func OfBrowser(name, language string) string {
	if slices.Contains(hidden, name) && byLanguage[language] != "" {
		return ""
	}
	return Known(name)
}

// read are the zones that were read before, by name: there are but a few hundred, and
// they never change.
var read sync.Map

// Known returns a name as it was typed or as a browser says it, if a zone has it, else
// nothing.
func Known(name string) string {
	name = strings.TrimSpace(name)
	if _, err := Find(name); err != nil {
		return ""
	}
	return name
}
