package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
)

// settings holds every setting by its key while they are being read.
type settings struct {
	fields   map[string]*field
	byEnv    map[string]*field
	sections map[string]bool // keys of tables, such as "web"
	errs     Errors
	warnings []Error // about what is passed over
}

// field is one setting.
type field struct {
	key    string // such as "web.listen"
	env    string // such as "TICKETFREI_WEB_LISTEN"
	value  reflect.Value
	secret bool
	source string // where its value was set; empty before the defaults are read
}

// name returns the last part of the key.
func (f *field) name() string { return f.key[strings.LastIndex(f.key, ".")+1:] }

const envPrefix = "TICKETFREI_"

// envName returns the environment variable of a setting.
func envName(key string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

func newSettings(c *Config, sections []*Section) (*settings, error) {
	s := &settings{fields: map[string]*field{}, byEnv: map[string]*field{}, sections: map[string]bool{}}
	fields, err := collect(c, sections)
	if err != nil {
		return nil, err
	}
	for _, f := range fields {
		if s.fields[f.key] != nil {
			return nil, fmt.Errorf("settings: there are two %s", f.key)
		}
		if other := s.byEnv[f.env]; other != nil {
			return nil, fmt.Errorf("settings: %s and %s are the same in the environment", f.key, other.key)
		}
		s.fields[f.key], s.byEnv[f.env] = f, f
		for i := range f.key {
			if f.key[i] == '.' {
				s.sections[f.key[:i]] = true
			}
		}
	}
	return s, nil
}

// keys returns the keys of all settings, sorted.
func (s *settings) keys() []string { return slices.Sorted(maps.Keys(s.fields)) }

// collect returns every setting in the order of the structs.
func collect(c *Config, sections []*Section) ([]*field, error) {
	fields, err := collectStruct("", reflect.ValueOf(c).Elem())
	if err != nil {
		return nil, err
	}
	for _, section := range sections {
		target := reflect.ValueOf(section.Target)
		if target.Kind() != reflect.Pointer || target.IsNil() || target.Elem().Kind() != reflect.Struct {
			return nil, fmt.Errorf("settings of %s: target is %T, want a pointer to a struct", section.Name, section.Target)
		}
		more, err := collectStruct(section.Name+".", target.Elem())
		if err != nil {
			return nil, err
		}
		fields = append(fields, more...)
	}
	return fields, nil
}

func collectStruct(prefix string, v reflect.Value) ([]*field, error) {
	var fields []*field
	for i := range v.NumField() {
		t := v.Type().Field(i)
		name := t.Tag.Get("toml")
		key := prefix + name
		switch {
		case name == "-":
		case name == "" || !t.IsExported():
			return nil, fmt.Errorf("settings: %s%s has no toml tag", prefix, t.Name)
		case t.Type.Kind() == reflect.Struct:
			below, err := collectStruct(key+".", v.Field(i))
			if err != nil {
				return nil, err
			}
			fields = append(fields, below...)
		case supported(t.Type):
			fields = append(fields, &field{
				key:    key,
				env:    envName(key),
				value:  v.Field(i),
				secret: t.Tag.Get("secret") == "true",
			})
		default:
			return nil, fmt.Errorf("settings: %s: type %s is not supported", key, t.Type)
		}
	}
	return fields, nil
}

func supported(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Int:
		return true
	default:
		return t == durationType || t == networksType || t == originsType || t == domainsType
	}
}

var (
	durationType = reflect.TypeFor[time.Duration]()
	networksType = reflect.TypeFor[Networks]()
	originsType  = reflect.TypeFor[Origins]()
	domainsType  = reflect.TypeFor[Domains]()
)
