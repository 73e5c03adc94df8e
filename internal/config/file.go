package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/BurntSushi/toml"
)

// applyFile applies a TOML file. Errors call it name.
func (s *settings) applyFile(name string, raw []byte) { s.applyTable(name, "", raw) }

// applyTable does the same for TOML whose keys belong in the given table.
func (s *settings) applyTable(name, table string, raw []byte) {
	f := file{settings: s, name: name}
	var root map[string]toml.Primitive
	meta, err := toml.Decode(string(raw), &root)
	if err != nil {
		f.broken(err)
	} else {
		f.meta = meta
		prefix := ""
		if table != "" {
			prefix = table + "."
		}
		f.apply(prefix, root)
	}
	s.errs = appendInOrder(s.errs, f.errs)
	s.warnings = appendInOrder(s.warnings, f.warnings)
}

// appendInOrder appends more as it stands in the file: TOML tables are read in
// random order.
func appendInOrder(list []Error, more []lineError) []Error {
	slices.SortStableFunc(more, func(a, b lineError) int {
		return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.Key, b.Key))
	})
	for _, e := range more {
		list = append(list, e.Error)
	}
	return list
}

// file is a TOML file while it is being applied.
type file struct {
	*settings
	name           string
	meta           toml.MetaData
	errs, warnings []lineError
}

type lineError struct {
	Error
	line int
}

func (f *file) broken(err error) {
	parseErr, ok := errors.AsType[toml.ParseError](err)
	if !ok {
		f.fail("", 0, problem{what: err.Error()})
		return
	}
	f.fail("", parseErr.Position.Line, problem{"is not valid TOML: " + parseErr.Message, "nothing in this file was read"})
}

func (f *file) fail(key string, line int, p problem) {
	f.errs = append(f.errs, lineError{Error{Key: key, Source: f.at(line), Problem: p.what, Hint: p.hint}, line})
}

// at returns the source for something in that line.
func (f *file) at(line int) string {
	if f.name == builtIn || line == 0 {
		return f.name
	}
	return fmt.Sprintf("%s:%d", f.name, line)
}

// apply applies everything below prefix.
func (f *file) apply(prefix string, table map[string]toml.Primitive) {
	for name, raw := range table {
		key := prefix + toml.Key{name}.String()
		line := f.line(raw)
		value, err := f.decode(raw)
		if err != nil {
			f.fail(key, line, problem{what: err.Error()})
			continue
		}
		_, isTable := value.(map[string]any)
		_, isGone := gone[key]
		field := f.fields[key]
		switch {
		case field != nil:
			if p := field.setTOML(value); p != nil {
				f.fail(key, line, *p)
				continue
			}
			field.source = f.at(line)
		case isGone:
			f.applyGone(key, line, value)
		case isTable && (f.sections[key] || isGoneSection(key)):
			f.applySection(key, line, raw)
		case f.sections[key]:
			f.fail(key, line, problem{"is a section, not a setting", fmt.Sprintf("write it as a line [%s]", key)})
		case isTable:
			f.fail(key, line, problem{"there is no such section", didYouMean(key, f.sectionNames(), ".")})
		default:
			f.fail(key, line, problem{"there is no such setting", didYouMean(key, f.keys(), ".")})
		}
	}
}

func (f *file) applySection(key string, line int, raw toml.Primitive) {
	var below map[string]toml.Primitive
	if err := f.meta.PrimitiveDecode(raw, &below); err != nil {
		f.fail(key, line, problem{what: err.Error()})
		return
	}
	f.apply(key+".", below)
}

// applyGone takes a setting that is gone.
func (f *file) applyGone(key string, line int, value any) {
	if value != "" {
		f.fail(key, line, gone[key])
		return
	}
	f.warnings = append(f.warnings, lineError{passedOver(key, f.at(line), "delete the line"), line})
}

func (s *settings) sectionNames() []string {
	names := make([]string, 0, len(s.sections))
	for name := range s.sections {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (f *file) decode(raw toml.Primitive) (any, error) {
	var value any
	err := f.meta.PrimitiveDecode(raw, &value)
	return value, err
}

// line returns the line of a value, or 0 if it is not known. The TOML library
// tells it only in an error.
func (f *file) line(raw toml.Primitive) int {
	err := f.meta.PrimitiveDecode(raw, refuser{})
	if parseErr, ok := errors.AsType[toml.ParseError](err); ok {
		return parseErr.Position.Line
	}
	return 0
}

// refuser is a target that accepts no TOML value.
type refuser struct{}

var errRefused = errors.New("refused")

// UnmarshalTOML implements toml.Unmarshaler.
func (refuser) UnmarshalTOML(any) error { return errRefused }
