// Package i18n holds the translation catalogue: every text that a person reads
// on a page or in a mail.
//
// The texts are in files. Each part of the program has one or both of
//
//   - en.toml and de.toml: what moderators read, and whatever else a network says;
//   - riders.en.toml, riders.de.toml and so on, one for each of the Languages: what
//     riders read.
//
// A key is a text, with {{.Name}} in place of each value:
//
//	[settings.rules]
//	title = "Rules of {{.City}}"
//
// is the text settings.rules.title. A text with a number in it is a table of
// its plural forms, chosen by the value named Count:
//
//	[settings.subscribers]
//	one = "{{.Count}} subscriber"
//	other = "{{.Count}} subscribers"
//
// Each language has the forms that Unicode's CLDR knows for it: see forms.
package i18n

import (
	"fmt"
	"io/fs"
	"reflect"
	"slices"
	"sync/atomic"

	goi18n "github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

// languages are those of riders, the default first. The first two, for which there is
// every text, are also those of moderators.
var languages = []string{"en", "de", "tr", "ar", "uk", "fr"}

// moderators is how many of the languages have every text.
const moderators = 2

// Languages are those of riders, which a city may have.
func Languages() []string { return slices.Clone(languages) }

// Catalogue is every text in every language. Only Reload changes it, and it may
// be used from many goroutines.
type Catalogue struct {
	sources    []fs.FS
	byLanguage atomic.Pointer[map[string]*texts]
	matcher    language.Matcher // of riders
	fewer      language.Matcher // of moderators
}

// texts are the texts of one language.
type texts struct {
	// plain are the texts without placeholders and plural forms. Most are, and
	// looking them up is all they need.
	plain     map[string]string
	filled    map[string]bool
	localizer *goi18n.Localizer
}

// New reads the files at the root of every source. The error names
// everything that is wrong at once: missing or broken files, texts that a
// language lacks, texts defined twice, and placeholders that differ between the
// languages. It names a source that is a fmt.Stringer.
func New(sources ...fs.FS) (*Catalogue, error) {
	c := &Catalogue{sources: sources}
	if err := c.Reload(); err != nil {
		return nil, err
	}
	var tags []language.Tag
	for _, lang := range languages {
		tags = append(tags, language.MustParse(lang))
	}
	c.matcher, c.fewer = language.NewMatcher(tags), language.NewMatcher(tags[:moderators])
	return c, nil
}

// Reload reads the sources as they are now. If that fails, in the same ways as
// New, the texts stay as they were.
func (c *Catalogue) Reload() error {
	entries, err := readAll(c.sources)
	if err != nil {
		return fmt.Errorf("translations: %w", err)
	}
	byLanguage := map[string]*texts{}
	for _, lang := range languages {
		if byLanguage[lang], err = newTexts(language.MustParse(lang), entries[lang]); err != nil {
			return fmt.Errorf("translations: %s: %w", lang, err)
		}
	}
	c.byLanguage.Store(&byLanguage)
	return nil
}

// in returns the texts of a language, or the English ones if there are none.
func (c *Catalogue) in(lang string) *texts {
	byLanguage := *c.byLanguage.Load()
	if t := byLanguage[lang]; t != nil {
		return t
	}
	return byLanguage[languages[0]]
}

func newTexts(tag language.Tag, entries map[string]entry) (*texts, error) {
	t := &texts{plain: map[string]string{}, filled: map[string]bool{}}
	bundle := goi18n.NewBundle(tag)
	for id, e := range entries {
		if e.isPlain() {
			t.plain[id] = e.Other
			continue
		}
		t.filled[id] = true
		if err := bundle.AddMessages(tag, &e.Message); err != nil {
			return nil, fmt.Errorf("%s: %w", id, err)
		}
	}
	t.localizer = goi18n.NewLocalizer(bundle, tag.String())
	return t, nil
}

// T returns the text id in lang, filled with data: alternating names and
// values, such as "City", "Nürnberg". The value named Count chooses the plural
// form.
//
// Nothing is escaped: templates do that. An unknown id comes back as "!id!", an
// unknown language counts as English, as does one that lacks a text for moderators, and
// a name that is missing in data, or whose value is nothing to read, shows as "<no value>".
func (c *Catalogue) T(lang, id string, data ...any) string {
	t := c.in(lang)
	if !t.has(id) {
		t = c.in(languages[0])
	}
	if text, ok := t.plain[id]; ok {
		return text
	}
	if !t.filled[id] {
		return "!" + id + "!"
	}
	values := named(data)
	// If a text lacks the plural form asked for, Localize returns an error and
	// the general form. That form is good enough.
	text, err := t.localizer.Localize(&goi18n.LocalizeConfig{
		MessageID:    id,
		TemplateData: values,
		PluralCount:  pluralCount(values["Count"]),
	})
	if err != nil && text == "" {
		return "!" + id + "!"
	}
	return text
}

// named makes a map of alternating names and values. It leaves out what has no
// name or no value, or is nothing to read, so that a mistake shows as "<no value>" in
// the text.
func named(data []any) map[string]any {
	values := make(map[string]any, len(data)/2)
	for i := 0; i+1 < len(data); i += 2 {
		if name, ok := data[i].(string); ok && isReadable(data[i+1]) {
			values[name] = data[i+1]
		}
	}
	return values
}

// isReadable reports whether a value reads as words or a number: the fields of a struct
// in a row are for nobody.
func isReadable(value any) bool {
	switch value.(type) {
	case fmt.Stringer, error:
		return true
	}
	switch reflect.ValueOf(value).Kind() {
	case reflect.Struct, reflect.Map, reflect.Slice, reflect.Array, reflect.Pointer, reflect.Func, reflect.Chan:
		return false
	}
	return true
}

// pluralCount returns count as an integer, which go-i18n requires, or nil if it
// is none: then the general form is used.
func pluralCount(count any) any {
	v := reflect.ValueOf(count)
	switch {
	case v.CanInt():
		return v.Int()
	case v.CanUint():
		return int64(v.Uint() & (1<<63 - 1))
	default:
		return nil
	}
}

// Has reports whether there is a text with that id.
func (c *Catalogue) Has(id string) bool { return c.in(languages[0]).has(id) }

func (t *texts) has(id string) bool {
	_, plain := t.plain[id]
	return plain || t.filled[id]
}

// Languages returns the languages of riders, the default first.
func (c *Catalogue) Languages() []string {
	return slices.Clone(languages)
}

// ModeratorLanguages returns the languages of moderators, the default first.
func (c *Catalogue) ModeratorLanguages() []string {
	return slices.Clone(languages[:moderators])
}

// ForModerators returns the language in which the moderators of a city are written to
// whose page is in lang: the same if it is one of theirs, and English otherwise.
func ForModerators(lang string) string {
	if slices.Contains(languages[:moderators], lang) {
		return lang
	}
	return languages[0]
}

// Direction returns how a language is written: "ltr" or "rtl", as in HTML.
func Direction(lang string) string {
	if lang == "ar" {
		return "rtl"
	}
	return "ltr"
}
