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
}

func (e entry) isPlain() bool {
	return e.One == "" && len(e.placeholders) == 0
}

var (
	// placeholder is the only thing in a text that is not shown as it is:
	// translators need not know a template language.
	placeholder = regexp.MustCompile(`\{\{\s*\.([A-Za-z][A-Za-z0-9]*)\s*\}\}`)
	// idPart is one part of an id between its dots.
	idPart = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
)

// readAll reads all sources and returns the entries by language and id.
func readAll(sources []fs.FS) (map[string]map[string]entry, error) {
	var errs []error
	unread := false
	all := map[string]map[string]entry{}
	for _, lang := range languages {
		all[lang] = map[string]entry{}
		for _, source := range sources {
			r := reader{file: lang + ".toml", entries: all[lang]}
			if named, ok := source.(fmt.Stringer); ok {
				r.in = named.String() + "/"
			}
			r.read(source)
			errs = append(errs, r.errs...)
			unread = unread || r.unread
		}
	}
	// Of a file that cannot be read, every text would be missing.
	if !unread {
		errs = append(errs, compare(all)...)
	}
	return all, errors.Join(errs...)
}

// reader reads one file into entries.
type reader struct {
	in      string // the source, for errors; may be empty
	file    string
	entries map[string]entry
	errs    []error
	unread  bool // the file as a whole
}

func (r *reader) fail(format string, args ...any) {
	r.errs = append(r.errs, fmt.Errorf("%s%s: %w", r.in, r.file, fmt.Errorf(format, args...)))
}

func (r *reader) read(source fs.FS) {
	var root map[string]any
	raw, err := fs.ReadFile(source, r.file)
	if err == nil {
		err = toml.Unmarshal(raw, &root)
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
			if !idPart.MatchString(part) {
				r.fail("%s: %q cannot be part of a key", prefix+key, part)
			}
		}
		id := prefix + key
		switch value := table[key].(type) {
		case string:
			r.add(id, goi18n.Message{Other: value})
		case map[string]any:
			if one, other, ok := pluralForms(value); ok {
				if strings.TrimSpace(one) == "" {
					r.fail("%s.one: is empty", id)
				}
				r.add(id, goi18n.Message{One: one, Other: other})
				continue
			}
			r.table(id+".", value)
		default:
			r.fail("%s: is not a text", id)
		}
	}
}

// pluralForms returns the forms of a table that has the keys one and other and
// nothing else. Both English and German have exactly these plural forms.
func pluralForms(table map[string]any) (one, other string, ok bool) {
	one, hasOne := table["one"].(string)
	other, hasOther := table["other"].(string)
	return one, other, hasOne && hasOther && len(table) == 2
}

func (r *reader) add(id string, m goi18n.Message) {
	if _, ok := r.entries[id]; ok {
		r.fail("%s: is defined twice", id)
		return
	}
	if strings.TrimSpace(m.Other) == "" {
		r.fail("%s: is empty", id)
	}
	names := map[string]bool{}
	for _, text := range []string{m.One, m.Other} {
		for _, match := range placeholder.FindAllStringSubmatch(text, -1) {
			names[match[1]] = true
		}
		if rest := placeholder.ReplaceAllString(text, ""); strings.Contains(rest, "{{") || strings.Contains(rest, "}}") {
			r.fail("%s: only {{.Name}} may stand between braces: %q", id, text)
		}
	}
	if m.One != "" {
		names["Count"] = true // the form "one" may say the number as a word
	}
	m.ID = id
	r.entries[id] = entry{Message: m, placeholders: slices.Sorted(maps.Keys(names))}
}

// compare finds the differences between the languages.
func compare(all map[string]map[string]entry) []error {
	var errs []error
	first := languages[0]
	for _, lang := range languages[1:] {
		for _, id := range slices.Sorted(maps.Keys(all[first])) {
			a := all[first][id]
			b, ok := all[lang][id]
			if !ok {
				errs = append(errs, fmt.Errorf("%s: is in %s.toml but not in %s.toml", id, first, lang))
				continue
			}
			if !slices.Equal(a.placeholders, b.placeholders) {
				errs = append(errs, fmt.Errorf("%s: placeholders differ: %s has %s, %s has %s",
					id, first, list(a.placeholders), lang, list(b.placeholders)))
			}
		}
		for _, id := range slices.Sorted(maps.Keys(all[lang])) {
			if _, ok := all[first][id]; !ok {
				errs = append(errs, fmt.Errorf("%s: is in %s.toml but not in %s.toml", id, lang, first))
			}
		}
	}
	return errs
}

func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
