package i18n

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
	goi18n "github.com/nicksnyder/go-i18n/v2/i18n"
)

// entry is a text as it is written in a file.
type entry struct {
	goi18n.Message
	placeholders []string // sorted, each once
	rider        bool     // from a file for riders
}

func (e entry) isPlain() bool { return len(e.placeholders) == 0 }

// forms are the plural forms of each language (Unicode CLDR 46; the form for millions of
// French is left out).
var forms = map[string][]string{
	"en": {"one", "other"},
	"de": {"one", "other"},
	"tr": {"one", "other"},
	"ar": {"zero", "one", "two", "few", "many", "other"},
	"uk": {"one", "few", "many", "other"},
	"fr": {"one", "other"},
}

// placeholder is the only thing in a text that is not shown as it is: translators need
// not know a template language.
var placeholder = regexp.MustCompile(`\{\{\s*\.([A-Za-z][A-Za-z0-9]*)\s*\}\}`)

// isIDPart tells whether a word can stand between the dots of an id.
func isIDPart(word string) bool {
	const allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
	return word != "" && strings.Trim(word, allowed) == ""
}

// readAll reads all sources and returns the entries by language and id.
func readAll(sources []fs.FS) (map[string]map[string]entry, error) {
	var errs []error
	unread := false
	all := map[string]map[string]entry{}
	var mine []own
	for _, source := range sources {
		errs = append(errs, strangers(source)...)
		if o, ok := source.(own); ok {
			mine = append(mine, o)
		}
	}
	sources = slices.DeleteFunc(slices.Clone(sources), func(source fs.FS) bool { _, ok := source.(own); return ok })
	for i, lang := range languages {
		all[lang] = map[string]entry{}
		for _, source := range sources {
			for _, file := range files(source, i) {
				r := reader{lang: lang, in: nameOf(source), file: file, entries: all[lang]}
				r.read(source)
				errs = append(errs, r.errs...)
				unread = unread || r.unread
			}
		}
	}
	// Of a file that cannot be read, every text would be missing.
	if !unread {
		for _, o := range mine {
			errs = append(errs, o.replace(all)...)
		}
		errs = append(errs, compare(all)...)
	}
	return all, errors.Join(errs...)
}

// riders begins the names of the files for riders.
const riders = "riders."

// files are those that a source must have for a language. It has those for riders in all
// languages or in none, and needs the others only where it has none.
func files(source fs.FS, lang int) []string {
	var names []string
	all, _ := fs.Glob(source, riders+"*.toml")
	if len(all) > 0 {
		names = append(names, riders+languages[lang]+".toml")
	}
	rest, _ := fs.Glob(source, "[a-z][a-z].toml")
	if lang < moderators && (len(all) == 0 || len(rest) > 0) {
		names = append(names, languages[lang]+".toml")
	}
	return names
}

// strangers are the files of languages that nobody reads: a new one begins in this
// package.
func strangers(source fs.FS) (errs []error) {
	known := map[string]bool{}
	for i, lang := range languages {
		known[riders+lang+".toml"], known[lang+".toml"] = true, i < moderators
	}
	for _, pattern := range []string{riders + "*.toml", "[a-z][a-z].toml"} {
		names, _ := fs.Glob(source, pattern)
		for _, name := range names {
			if !known[name] {
				errs = append(errs, fmt.Errorf("%s%s: no such file is read: see docs/TRANSLATING.md", nameOf(source), name))
			}
		}
	}
	return errs
}

// nameOf is a source as errors name it, with a slash behind; it may be empty.
func nameOf(source fs.FS) string {
	if o, ok := source.(own); ok {
		source = o.FS
	}
	if named, ok := source.(fmt.Stringer); ok {
		return named.String() + "/"
	}
	return ""
}

// reader reads one file into entries.
type reader struct {
	lang    string
	in      string // the source, for errors; may be empty
	file    string
	entries map[string]entry
	raw     []byte
	errs    []error
	unread  bool // the file as a whole
}

func (r *reader) fail(format string, args ...any) {
	r.errs = append(r.errs, fmt.Errorf("%s%s: %w", r.in, r.file, fmt.Errorf(format, args...)))
}

// failAt says what is wrong with the text of an id, and in which line.
func (r *reader) failAt(id, format string, args ...any) {
	line := lineOf(r.raw, id)
	if dot := strings.LastIndex(id, "."); line == 0 && dot > 0 { // a plural form
		line = lineOf(r.raw, id[:dot])
	}
	r.errs = append(r.errs, fmt.Errorf("%s%s:%d: %s: %w", r.in, r.file, line, id, fmt.Errorf(format, args...)))
}

func (r *reader) read(source fs.FS) {
	var root map[string]any
	var err error
	if r.raw, err = fs.ReadFile(source, r.file); err == nil {
		err = toml.Unmarshal(r.raw, &root)
	}
	if err != nil {
		r.unread = true
		r.fail("%w", err)
		return
	}
	r.table("", root)
}

// table reads everything below prefix.
func (r *reader) table(prefix string, table map[string]any) {
	for _, key := range slices.Sorted(maps.Keys(table)) {
		// A quoted key may hold dots: "a.b" is the same as b in [a].
		for part := range strings.SplitSeq(key, ".") {
			if !isIDPart(part) {
				r.failAt(prefix+key, "%q cannot be part of a key", part)
			}
		}
		id := prefix + key
		switch value := table[key].(type) {
		case string:
			r.add(id, goi18n.Message{Other: value})
		case map[string]any:
			if isPlural(value) {
				r.plural(id, value)
				continue
			}
			r.table(id+".", value)
		default:
			r.failAt(id, "is not a text")
		}
	}
}

// isPlural tells whether a table is a text in its plural forms, and not a part of the
// catalogue: nothing else has these names.
func isPlural(table map[string]any) bool {
	for form, text := range table {
		if _, ok := text.(string); !ok || !slices.Contains(forms["ar"], form) { // Arabic has all there are
			return false
		}
	}
	return table["other"] != nil && len(table) > 1
}

// plural adds a text in its plural forms.
func (r *reader) plural(id string, table map[string]any) {
	text := func(form string) string { s, _ := table[form].(string); return s }
	for _, form := range forms[r.lang] {
		if form != "other" && strings.TrimSpace(text(form)) == "" {
			r.failAt(id+"."+form, "is empty")
		}
	}
	for _, form := range slices.Sorted(maps.Keys(table)) {
		if !slices.Contains(forms[r.lang], form) {
			r.failAt(id+"."+form, "%s has no such plural form", r.lang)
		}
	}
	r.add(id, goi18n.Message{Zero: text("zero"), One: text("one"), Two: text("two"),
		Few: text("few"), Many: text("many"), Other: text("other")})
}

func (r *reader) add(id string, m goi18n.Message) {
	if _, ok := r.entries[id]; ok {
		r.failAt(id, "is defined twice")
		return
	}
	if strings.TrimSpace(m.Other) == "" {
		r.failAt(id, "is empty")
	}
	names := map[string]bool{}
	for _, text := range []string{m.Zero, m.One, m.Two, m.Few, m.Many, m.Other} {
		if !strings.Contains(text, "{{") && !strings.Contains(text, "}}") {
			continue
		}
		for _, match := range placeholder.FindAllStringSubmatch(text, -1) {
			names[match[1]] = true
		}
		if rest := placeholder.ReplaceAllString(text, ""); strings.Contains(rest, "{{") || strings.Contains(rest, "}}") {
			r.failAt(id, "only {{.Name}} may stand between braces: %q", text)
		}
	}
	if m.One != "" {
		names["Count"] = true // the form "one" may say the number as a word
	}
	m.ID = id
	r.entries[id] = entry{Message: m, placeholders: slices.Sorted(maps.Keys(names)), rider: strings.HasPrefix(r.file, riders)}
}

// compare finds the differences between the languages.
func compare(all map[string]map[string]entry) []error {
	var errs []error
	first := languages[0]
	for i, lang := range languages[1:] {
		for _, id := range slices.Sorted(maps.Keys(all[first])) {
			a := all[first][id]
			b, ok := all[lang][id]
			switch {
			case !ok && (a.rider || i+1 < moderators):
				errs = append(errs, fmt.Errorf("%s: is in %s.toml but not in %s.toml", id, a.file(first), a.file(lang)))
			case ok && a.rider != b.rider:
				errs = append(errs, fmt.Errorf("%s: is in %s.toml but in %s.toml", id, a.file(first), b.file(lang)))
			case ok && !slices.Equal(a.placeholders, b.placeholders):
				errs = append(errs, fmt.Errorf("%s: placeholders differ: %s has %s, %s has %s",
					id, first, list(a.placeholders), lang, list(b.placeholders)))
			}
		}
		for _, id := range slices.Sorted(maps.Keys(all[lang])) {
			if _, ok := all[first][id]; !ok {
				b := all[lang][id]
				errs = append(errs, fmt.Errorf("%s: is in %s.toml but not in %s.toml", id, b.file(lang), b.file(first)))
			}
		}
	}
	return errs
}

// file is the name, without its ending, of the file in which a language has the entry.
func (e entry) file(lang string) string {
	if e.rider {
		return riders + lang
	}
	return lang
}

func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
