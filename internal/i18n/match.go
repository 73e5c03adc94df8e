package i18n

import (
	"cmp"
	"slices"
	"strings"

	"golang.org/x/text/language"
)

// maxAcceptLanguage bounds how much of a header is read, in bytes. Browsers
// send less than a hundred.
const maxAcceptLanguage = 512

// Match returns the language of the catalogue that suits an Accept-Language
// header (RFC 9110, section 12.5.4) best: English where none does. Entries that
// cannot be understood are passed over.
func (c *Catalogue) Match(acceptLanguage string) string {
	if len(acceptLanguage) > maxAcceptLanguage {
		acceptLanguage = acceptLanguage[:maxAcceptLanguage]
	}
	_, i, _ := c.matcher.Match(wanted(acceptLanguage)...)
	return languages[i]
}

// wanted returns the languages of the header, the most wanted first. Each entry
// is parsed alone: one that is wrong makes the library give up the rest.
func wanted(header string) []language.Tag {
	type choice struct {
		tag    language.Tag
		weight float32
	}
	var choices []choice
	for part := range strings.SplitSeq(header, ",") {
		tags, weights, err := language.ParseAcceptLanguage(part)
		if err != nil {
			continue
		}
		for i := range tags {
			choices = append(choices, choice{tags[i], weights[i]})
		}
	}
	slices.SortStableFunc(choices, func(a, b choice) int { return cmp.Compare(b.weight, a.weight) })
	tags := make([]language.Tag, len(choices))
	for i, e := range choices {
		tags[i] = e.tag
	}
	return tags
}
