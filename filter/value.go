package filter

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"
)

// Names are what an expression may read from.
type Names struct {
	Names []string // as "body"; each may be any value of JSON
	Size  int      // how many characters the values of all names together may have
}

// Body is for expressions that read from a body of JSON, named "body".
var Body = Names{Names: []string{"body"}, Size: 64 << 10}

// Value reads a value, as body.alert.title + " " + body.stop. It may be used by many
// goroutines.
type Value struct{ program *vm.Program }

// CompileValue compiles an expression that reads a value. What is wrong with it is an
// *Error of that field.
func CompileValue(field, source string, n Names) (*Value, error) {
	f := newFence(field, source, World{})
	f.world, f.names = nil, n
	c := valueConfig(n.Names)
	part, err := f.parse(c)
	if err != nil {
		return nil, err
	}
	p, _, err := f.program(part, c)
	if err != nil {
		return nil, err
	}
	return &Value{p}, nil
}

// Eval returns the value that is read from those of the names, which are as package json
// decodes them; of longer texts, the first 8,192 characters are looked at. The error says in English what could not be read.
func (v *Value) Eval(names map[string]any) (any, error) {
	bounded := make(map[string]any, len(names))
	for name, value := range names {
		bounded[name] = shorten(value)
	}
	value, err := vm.Run(v.program, bounded)
	if at, ok := errors.AsType[*file.Error](err); ok {
		return nil, fmt.Errorf("%s (%d:%d)", cut(at.Message, maxWhy), at.Line, at.Column+1)
	}
	return value, err
}

// shorten returns a value of JSON whose texts have at most maxString characters.
func shorten(value any) any {
	switch v := value.(type) {
	case string:
		return cut(v, maxString)
	case []any:
		each := make([]any, len(v))
		for i := range v {
			each[i] = shorten(v[i])
		}
		return each
	case map[string]any:
		each := make(map[string]any, len(v))
		for name := range v {
			each[name] = shorten(v[name])
		}
		return each
	default:
		return value
	}
}

// Bounds of an error and of a value in it, in characters.
const (
	maxWhy   = 300
	maxShown = 100
)

// String returns what is read as text: a text or a number, else it is an error that names
// what was there. What is not there is "".
func (v *Value) String(names map[string]any) (string, error) {
	value, err := v.Eval(names)
	switch value := value.(type) {
	case nil:
		return "", err
	case string:
		return value, err
	case float64, int:
		return plain(value), err
	default:
		return "", fmt.Errorf("this is no text: %s", shown(value))
	}
}

// Bool returns what is read as yes or no; all but true is no.
func (v *Value) Bool(names map[string]any) (bool, error) {
	value, err := v.Eval(names)
	return value == true, err
}

// Time returns what is read as a time: of RFC 3339 or RFC 1123, or as seconds or
// milliseconds since 1970. What is not there is the zero time.
func (v *Value) Time(names map[string]any) (time.Time, error) {
	value, err := v.Eval(names)
	if err != nil || value == nil || value == "" {
		return time.Time{}, err
	}
	switch value := value.(type) {
	case string:
		for _, layout := range []string{time.RFC3339, time.RFC1123Z, time.RFC1123} {
			if t, err := time.Parse(layout, strings.TrimSpace(value)); err == nil {
				return t, nil
			}
		}
	case float64:
		return fromUnix(value)
	case int:
		return fromUnix(float64(value))
	}
	return time.Time{}, noTime(value)
}

func noTime(value any) error {
	return fmt.Errorf("this is no time, as \"2026-05-17T08:30:00Z\" or seconds since 1970: %s", shown(value))
}

// The seconds and milliseconds of a time that are taken for one: between 1971 and 2286.
const (
	earliest = 3e7
	latest   = 1e10
)

func fromUnix(n float64) (time.Time, error) {
	switch {
	case n >= earliest && n < latest:
		return time.UnixMilli(int64(n * 1000)), nil
	case n >= earliest*1000 && n < latest*1000:
		return time.UnixMilli(int64(n)), nil
	default:
		return time.Time{}, noTime(n)
	}
}

// shown is a value as its JSON has it.
func shown(value any) string {
	raw, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprintf("%v", value)
	}
	return cut(string(raw), maxShown)
}
