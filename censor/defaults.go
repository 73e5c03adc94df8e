package censor

import (
	"embed"
	"slices"
	"strings"
	"sync"

	"ticketfrei/internal/report"
)

// lists are those that come with the program, triggers.<language>.txt and
// blocked.<language>.txt, with one pattern, word or phrase per line.
//
//go:embed triggers.*.txt blocked.*.txt
var lists embed.FS

//go:embed slurs.txt
var slurList string

// DefaultTriggers returns the trigger patterns that a new city starts with, in its
// language, German and English, those of its language first. Riders write in all three,
// whatever the language of the city's pages.
func DefaultTriggers(lang string) string { return suggested("triggers", lang) }

// DefaultBlocked returns the blocked words that a new city starts with, in the
// same order.
func DefaultBlocked(lang string) string { return suggested("blocked", lang) }

// suggested joins the lists of a kind. A language that has none adds nothing.
func suggested(kind, lang string) string {
	languages := []string{lang, "en", "de"}
	var all strings.Builder
	for i, each := range languages {
		if slices.Index(languages, each) != i {
			continue
		}
		if list, err := lists.ReadFile(kind + "." + each + ".txt"); err == nil {
			all.Write(list)
		}
	}
	return all.String()
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
// its language.
func NewCity(slug, name, lang string) report.City {
	return report.City{Slug: slug, Name: name, Language: lang, Triggers: DefaultTriggers(lang), Blocked: DefaultBlocked(lang)}
}
