package censor

import (
	"slices"
	"strings"
)

// endings are those that a name without anything behind it is taken for a site by. Those
// that are words of a sentence, as "at" and "to", are none: people leave out the space after
// a full stop.
var endings = []string{"com", "de", "eu", "info", "io", "net", "org"}

// hasLink tells whether a normalised text has a link: an address with "://", one that begins
// with "www.", a site with a path, or a name with one of the usual endings. A mail address is
// none.
func hasLink(text string) bool {
	if !strings.ContainsRune(text, '.') && !strings.Contains(text, "://") {
		return false
	}
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return strings.ContainsRune(" <>()[]{}\"',;!|", r) }) {
		if isLink(strings.TrimRight(word, ".:?")) {
			return true
		}
	}
	return false
}

// isLink is hasLink of one word.
func isLink(word string) bool {
	scheme, rest, found := strings.Cut(word, "://")
	if found {
		return scheme != "" && rest != ""
	}
	site, path, hasPath := strings.Cut(word, "/")
	if rest, found := strings.CutPrefix(site, "www."); found {
		return rest != ""
	}
	if strings.ContainsRune(site, '@') {
		return false
	}
	labels := strings.Split(site, ".")
	if len(labels) < 2 || slices.ContainsFunc(labels, func(label string) bool { return !isLabel(label) }) {
		return false
	}
	ending := labels[len(labels)-1]
	return hasPath && path != "" && isEnding(ending) || slices.Contains(endings, ending)
}

// isLabel tells whether a word may stand between the dots of a site.
func isLabel(word string) bool {
	return word != "" && !strings.ContainsFunc(word, func(r rune) bool {
		kind := kindOf(r)
		return kind != letter && r != '-'
	})
}

// isEnding tells whether a word may be the last of a site: "12.30/12.45" has none.
func isEnding(word string) bool {
	return len(word) >= 2 && !strings.ContainsAny(word, "0123456789")
}
