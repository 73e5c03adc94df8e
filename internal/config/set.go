package config

import (
	"fmt"
	"reflect"
	"strconv"
	"time"
)

// Hints, one for each type of setting.
const (
	hintString   = `write a text in quotes, such as "…"`
	hintBool     = "write true or false"
	hintInt      = "write a whole number"
	hintDuration = `write a time such as "90s", "15m" or "2h"`
)

// problem is why a value does not fit a setting.
type problem struct{ what, hint string }

// setTOML sets the field to a value read from TOML.
func (f *field) setTOML(value any) *problem {
	switch {
	case f.value.Type() == durationType:
		if text, ok := value.(string); ok {
			return f.setDuration(text)
		}
		return &problem{"is " + nameOf(value) + ", not a time", hintDuration}
	case f.value.Type() == networksType:
		return f.setNetworksTOML(value)
	case f.value.Type() == originsType:
		return f.setOrigins(value)
	case f.value.Type() == domainsType:
		return f.setDomains(value)
	case f.value.Kind() == reflect.String:
		if text, ok := value.(string); ok {
			f.value.SetString(text)
			return nil
		}
		return &problem{"is " + nameOf(value) + ", not a text", hintString}
	case f.value.Kind() == reflect.Bool:
		if b, ok := value.(bool); ok {
			f.value.SetBool(b)
			return nil
		}
		return &problem{"is " + nameOf(value) + ", not true or false", hintBool + ", without quotes"}
	default:
		if n, ok := value.(int64); ok {
			return f.setInt(n)
		}
		return &problem{"is " + nameOf(value) + ", not a whole number", hintInt + ", without quotes"}
	}
}

// setText sets the field to the value of an environment variable.
func (f *field) setText(text string) *problem {
	switch {
	case f.value.Type() == durationType:
		return f.setDuration(text)
	case f.value.Type() == networksType:
		return f.setNetworksText(text)
	case f.value.Type() == originsType:
		return f.setOrigins(text)
	case f.value.Type() == domainsType:
		return f.setDomains(text)
	case f.value.Kind() == reflect.String:
		f.value.SetString(text)
		return nil
	case f.value.Kind() == reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return &problem{fmt.Sprintf("%q is neither true nor false", text), hintBool}
		}
		f.value.SetBool(b)
		return nil
	default:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return &problem{fmt.Sprintf("%q is not a whole number", text), hintInt}
		}
		return f.setInt(n)
	}
}

func (f *field) setInt(n int64) *problem {
	if f.value.OverflowInt(n) {
		return &problem{fmt.Sprintf("%d is too large", n), "write a smaller number"}
	}
	f.value.SetInt(n)
	return nil
}

func (f *field) setDuration(text string) *problem {
	d, err := time.ParseDuration(text)
	if err != nil {
		return &problem{fmt.Sprintf("%q is not a time", text), hintDuration}
	}
	if d < 0 {
		return &problem{fmt.Sprintf("%q is less than zero", text), hintDuration}
	}
	f.value.SetInt(int64(d))
	return nil
}

// nameOf names the type of a value read from TOML.
func nameOf(value any) string {
	switch value.(type) {
	case string:
		return "a text"
	case bool:
		return "true or false"
	case int64, float64:
		return "a number"
	case map[string]any:
		return "a section"
	case time.Time:
		return "a date"
	default:
		return "a list"
	}
}
