// Package city says what a new city is: the slug made from its name and the
// rules it starts with.
package city

import (
	"ticketfrei/censor"
	"ticketfrei/report"
)

// New returns a city that nobody has changed yet, with the default rules of
// its language ("de" or "en"). Its page is empty, which stands for the default
// text: that one names the city's addresses and so is filled in when it is
// shown.
func New(slug, name, lang string) report.City {
	return report.City{
		Slug:     slug,
		Name:     name,
		Language: lang,
		Triggers: censor.DefaultTriggers(lang),
		Blocked:  censor.DefaultBlocked(lang),
	}
}
