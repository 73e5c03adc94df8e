package i18n

import (
	"bufio"
	"bytes"
	"io/fs"
	"maps"
	"slices"
	"strings"
)

// own is a source whose texts take the place of those of the same id.
type own struct{ fs.FS }

// Own returns a source for New whose texts take the place of those of other sources that
// have the same id: what an operator says in other words. It may have any of the files
// that are known, and each of them some texts. An id that no other source has is an error,
// and so is a placeholder that the text of that id does not have.
func Own(files fs.FS) fs.FS { return own{files} }

// replace reads the texts of a source into those that are there.
func (o own) replace(all map[string]map[string]entry) (errs []error) {
	for i, lang := range languages {
		names := []string{riders + lang + ".toml"}
		if i < moderators {
			names = append(names, lang+".toml")
		}
		for _, file := range names {
			if _, err := fs.Stat(o.FS, file); err == nil {
				errs = append(errs, o.replaceIn(lang, file, all[lang])...)
			}
		}
	}
	return errs
}

// replaceIn reads one file.
func (o own) replaceIn(lang, file string, there map[string]entry) []error {
	r := reader{lang: lang, in: nameOf(o.FS), file: file, entries: map[string]entry{}}
	r.read(o.FS)
	for _, id := range slices.Sorted(maps.Keys(r.entries)) {
		mine, known := r.entries[id], there[id]
		if wrong := mine.misfits(known, lang); wrong != "" {
			r.failAt(id, "%s", wrong)
			continue
		}
		mine.placeholders = known.placeholders
		there[id] = mine
	}
	return r.errs
}

// misfits says why a text cannot take the place of another; empty where it can.
func (e entry) misfits(there entry, lang string) string {
	if there.ID == "" {
		return "there is no such text"
	}
	if e.rider != there.rider {
		return "it is read from " + there.file(lang) + ".toml"
	}
	for _, name := range e.placeholders {
		if !slices.Contains(there.placeholders, name) {
			return "{{." + name + "}} has no value here; these have: " + list(there.placeholders)
		}
	}
	return ""
}

// lineOf is the line of a file in which the text of an id stands, from 1; 0 where it is not
// written as texts usually are.
func lineOf(raw []byte, id string) int {
	table, n := "", 0
	for lines := bufio.NewScanner(bytes.NewReader(raw)); lines.Scan(); {
		n++
		line := strings.TrimSpace(lines.Text())
		if name, ok := strings.CutPrefix(line, "["); ok {
			table = strings.TrimSuffix(strings.TrimSpace(name), "]") + "."
		}
		key, _, _ := strings.Cut(line, "=")
		key = table + strings.Trim(strings.TrimSpace(key), `"`)
		if key == id || table == id+"." {
			return n
		}
	}
	return 0
}
