package censor

import (
	_ "embed" // the lists
	"strings"
	"sync"

	"ticketfrei/internal/report"
)

// The lists that come with the program, with one pattern, word or phrase per
// line.
var (
	//go:embed triggers.de.txt
	triggersDE string
	//go:embed triggers.en.txt
	triggersEN string
	//go:embed blocked.de.txt
	blockedDE string
	//go:embed blocked.en.txt
	blockedEN string
	//go:embed slurs.txt
	slurList string
)

// DefaultTriggers returns the trigger patterns that a new city starts with, in
// German and English, those of lang first. Riders write in both, whatever the
// language of the city's pages.
func DefaultTriggers(lang string) string {
	if lang == "de" {
		return triggersDE + triggersEN
	}
	return triggersEN + triggersDE
}

// DefaultBlocked returns the blocked words that a new city starts with, in the
// same order.
func DefaultBlocked(lang string) string {
	if lang == "de" {
		return blockedDE + blockedEN
	}
	return blockedEN + blockedDE
}

// slurs returns the words that no city lets pass: slurs against people for
// their origin, faith, sex, sexuality or disability, in German and English. A
// word that is also a place, a name or an ordinary word is not among them.
var slurs = sync.OnceValue(func() *words {
	w := &words{}
	for line := range strings.Lines(slurList) {
		if line = strings.TrimSpace(line); line != "" {
			w.add(line)
		}
	}
	return w
})

// NewCity returns a city that nobody has changed yet, with the default rules of
// its language ("de" or "en").
func NewCity(slug, name, lang string) report.City {
	return report.City{Slug: slug, Name: name, Language: lang, Triggers: DefaultTriggers(lang), Blocked: DefaultBlocked(lang)}
}
