package i18n

import (
	"cmp"
	"slices"
	"strings"

	"golang.org/x/text/language"
)

// maxAcceptLanguage bounds how much of a header is read, in bytes. It is far
// more than browsers send.
const maxAcceptLanguage = 512

// Match returns the language of riders that best suits an Accept-Language
// header (RFC 9110, section 12.5.4), or English if none does. It ignores
// entries that it cannot read.
func (c *Catalogue) Match(acceptLanguage string) string {
	lang, ok := match(c.matcher, acceptLanguage)
	if !ok {
		return languages[0]
	}
	return lang
}

// MatchOr is Match, but returns other where no language suits.
func (c *Catalogue) MatchOr(acceptLanguage, other string) string {
	if lang, ok := match(c.matcher, acceptLanguage); ok {
		return lang
	}
	return other
}

// MatchModerator is Match for the languages of moderators.
func (c *Catalogue) MatchModerator(acceptLanguage string) string {
	lang, ok := match(c.fewer, acceptLanguage)
	if !ok {
		return languages[0]
	}
	return lang
}

// match returns the language that best suits a header; ok is false where none does.
func match(m language.Matcher, acceptLanguage string) (lang string, ok bool) {
	if len(acceptLanguage) > maxAcceptLanguage {
		acceptLanguage = acceptLanguage[:maxAcceptLanguage]
	}
	_, i, confidence := m.Match(wanted(acceptLanguage)...)
	return languages[i], confidence > language.No
}

// wanted returns the languages of the header, the most wanted first. It parses
// each entry alone, since the library gives up at the first wrong one.
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
