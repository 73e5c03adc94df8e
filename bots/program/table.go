package program

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/BurntSushi/toml"

	"ticketfrei/internal/config"
	"ticketfrei/internal/nearest"
)

// file is a manifest while it is read. It collects everything that is wrong.
type file struct {
	name string
	meta toml.MetaData
	errs []wrong
}

// wrong is something that is wrong in a line of a file.
type wrong struct {
	config.Error
	line int
}

func (f *file) fail(line int, key, hint, problem string, args ...any) {
	source := f.name
	if line > 0 {
		source = fmt.Sprintf("%s:%d", f.name, line)
	}
	f.errs = append(f.errs, wrong{config.Error{Key: key, Source: source, Problem: fmt.Sprintf(problem, args...), Hint: hint}, line})
}

// errors returns what is wrong, in the order of the file: tables are read in random order.
func (f *file) errors() config.Errors {
	slices.SortStableFunc(f.errs, func(a, b wrong) int { return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.Key, b.Key)) })
	var list config.Errors
	for _, e := range f.errs {
		list = append(list, e.Error)
	}
	return list
}

// table is a table of a manifest. Each key is taken out of it by the method for what it
// holds; what is left in the end is unknown.
type table struct {
	*file
	prefix string // of its keys: "" or "setting."
	line   int    // where it begins, as far as that is known
	values map[string]toml.Primitive
	known  []string
}

// parse reads the tables of a file.
func (f *file) parse(raw string) *table {
	t := &table{file: f}
	meta, err := toml.Decode(raw, &t.values)
	if parseErr, ok := errors.AsType[toml.ParseError](err); ok {
		f.fail(parseErr.Position.Line, "", "", "is not valid TOML: %s", parseErr.Message)
	} else if err != nil {
		f.fail(0, "", "", "%v", err)
	}
	f.meta = meta
	return t
}

// take returns the value of a key, and its line; ok is false where there is none.
func (t *table) take(key string) (value any, line int, ok bool) {
	t.known = append(t.known, key)
	raw, ok := t.values[key]
	if !ok {
		return nil, t.line, false
	}
	delete(t.values, key)
	line = t.lineOf(raw)
	if err := t.meta.PrimitiveDecode(raw, &value); err != nil {
		t.fail(line, t.prefix+key, "", "%v", err)
		return nil, line, false
	}
	return value, line, true
}

// lineOf returns the line of a value. The library tells it only in an error.
func (f *file) lineOf(raw toml.Primitive) int {
	err := f.meta.PrimitiveDecode(raw, refuser{})
	if parseErr, ok := errors.AsType[toml.ParseError](err); ok {
		return parseErr.Position.Line
	}
	return 0
}

// refuser is a target that takes no value.
type refuser struct{}

// UnmarshalTOML implements toml.Unmarshaler.
func (refuser) UnmarshalTOML(any) error { return errors.New("refused") }

// value takes a key that holds a T; hint says how one is written. It returns other where
// the key is not there or holds something else, and 0 as its line where it is not there.
func value[T any](t *table, key string, other T, hint string) (T, int) {
	got, line, ok := t.take(key)
	if !ok {
		return other, 0
	}
	v, ok := got.(T)
	if !ok {
		t.fail(line, t.prefix+key, hint, "is not what is expected here")
		return other, line
	}
	return v, line
}

const (
	hintText     = `write a text in quotes`
	hintBool     = "write true or false, without quotes"
	hintNumber   = "write a whole number, without quotes"
	hintDuration = `write a time such as "90s", "15m" or "2h"`
	hintList     = `write a list of texts, as ["a", "b"]`
)

func (t *table) text(key string) (string, int) {
	s, line := value(t, key, "", hintText)
	if len(s) > maxText || strings.ContainsFunc(s, isControl) {
		t.fail(line, t.prefix+key, fmt.Sprintf("write one line of at most %d letters", maxText), "is too long, or has control characters")
		return "", line
	}
	return s, line
}

func (t *table) flag(key string, other bool) bool {
	b, _ := value(t, key, other, hintBool)
	return b
}

// number takes a whole number of a range.
func (t *table) number(key string, other, from, to int) int {
	n, line := value(t, key, int64(other), hintNumber)
	if line > 0 && (n < int64(from) || n > int64(to)) {
		t.fail(line, t.prefix+key, fmt.Sprintf("write a number from %d to %d", from, to), "%d does not work", n)
		return other
	}
	return int(n)
}

// duration takes a time of a range.
func (t *table) duration(key string, other, from, to time.Duration) (time.Duration, int) {
	s, line := value(t, key, other.String(), hintDuration)
	d, err := time.ParseDuration(s)
	if err != nil || line > 0 && (d < from || d > to) {
		t.fail(line, t.prefix+key, fmt.Sprintf(`write a time from "%s" to "%s"`, from, to), "%q does not work", s)
		return other, line
	}
	return d, line
}

// list takes a list of texts.
func (t *table) list(key string) ([]string, int) {
	got, line := value[[]any](t, key, nil, hintList)
	var list []string
	for _, v := range got {
		s, ok := v.(string)
		if !ok || s == "" {
			t.fail(line, t.prefix+key, hintList, "has something in it that is no text")
			return nil, line
		}
		list = append(list, s)
	}
	return list, line
}

// choice takes one of some texts, the first of which is the default.
func (t *table) choice(key string, of ...string) string {
	s, line := value(t, key, of[0], hintText)
	if !slices.Contains(of, s) {
		t.fail(line, t.prefix+key, "write one of "+strings.Join(of, ", "), "%q is not known", s)
		return of[0]
	}
	return s
}

// words takes a text, or one for each language: {en = "…", de = "…"}.
func (t *table) words(key string) (Text, int) {
	got, line, ok := t.take(key)
	if !ok {
		return Text{}, 0
	}
	switch v := got.(type) {
	case string:
		return t.checkWords(key, line, Text{v, v}), line
	case map[string]any:
		var w Text
		for language, said := range v {
			s, ok := said.(string)
			switch {
			case ok && language == "en":
				w.En = s
			case ok && language == "de":
				w.De = s
			default:
				t.fail(line, t.prefix+key+"."+language, `write texts for en and de`, "is no text of a language that moderators read")
			}
		}
		return t.checkWords(key, line, Text{cmp.Or(w.En, w.De), cmp.Or(w.De, w.En)}), line
	}
	t.fail(line, t.prefix+key, hintText+`, or {en = "…", de = "…"}`, "is no text")
	return Text{}, line
}

func (t *table) checkWords(key string, line int, w Text) Text {
	for _, s := range []string{w.En, w.De} {
		if len(s) > maxText || strings.ContainsFunc(s, isControl) || strings.Contains(s, "{{") {
			t.fail(line, t.prefix+key, fmt.Sprintf("write one line of at most %d letters, without {{", maxText), "cannot be shown")
			return Text{}
		}
	}
	return w
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// tables takes the tables [[key]].
func (t *table) tables(key string, atMost int) []*table {
	t.known = append(t.known, key)
	raw, ok := t.values[key]
	if !ok {
		return nil
	}
	delete(t.values, key)
	var rows []map[string]toml.Primitive
	if err := t.meta.PrimitiveDecode(raw, &rows); err != nil || len(rows) > atMost {
		t.fail(t.lineOf(raw), t.prefix+key, fmt.Sprintf("write up to %d tables that begin with [[%s]]", atMost, key), "is not what is expected here")
		return nil
	}
	var list []*table
	for _, values := range rows {
		row := &table{file: t.file, prefix: t.prefix + key + ".", values: values}
		for _, v := range values {
			if line := t.lineOf(v); row.line == 0 || line < row.line {
				row.line = line
			}
		}
		list = append(list, row)
	}
	return list
}

// didYouMean is a hint with the word that is most like another one; empty where none is.
func didYouMean(word string, candidates []string) string {
	if meant, ok := nearest.Of(word, candidates); ok {
		return "did you mean " + meant + "?"
	}
	return ""
}

// end says what is left: unknown keys.
func (t *table) end() {
	for key, raw := range t.values {
		t.fail(t.lineOf(raw), t.prefix+key, didYouMean(key, t.known), "there is no such key")
	}
}
