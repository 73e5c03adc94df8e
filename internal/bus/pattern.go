package bus

import (
	"fmt"
	"path"
	"regexp"
	"strings"
)

// maxName bounds names and patterns, in bytes.
const maxName = 100

var (
	nameForm    = regexp.MustCompile(`^[a-z0-9_-]+(\.[a-z0-9_-]+)*$`)
	patternForm = regexp.MustCompile(`^(>|[a-z0-9_*?-]+(\.[a-z0-9_*?-]+)*(\.>)?)$`)
)

// ValidName tells whether an event may have that name: lower case letters, digits, "_"
// and "-", in parts between dots.
func ValidName(name string) bool { return len(name) <= maxName && nameForm.MatchString(name) }

// Pattern fits names of events, part by part: "*" stands for any letters within a part, "?"
// for one of them, and ">" at the end for all that follows, as "report.*", "signal-*" or
// "bot.>". ">" alone fits every name.
type Pattern string

// Check says what is wrong with a pattern.
func (p Pattern) Check() error {
	if len(p) > maxName || !patternForm.MatchString(string(p)) {
		return fmt.Errorf("%q is no pattern of events: lower case letters, digits, _, -, * and ?, in parts between dots, as report.* or >", string(p))
	}
	return nil
}

// Matches tells whether the pattern fits a name.
func (p Pattern) Matches(name string) bool {
	parts, names := strings.Split(string(p), "."), strings.Split(name, ".")
	for i, part := range parts {
		if part == ">" && i == len(parts)-1 {
			return len(names) > i || i == 0
		}
		if i >= len(names) {
			return false
		}
		if ok, err := path.Match(part, names[i]); err != nil || !ok {
			return false
		}
	}
	return len(names) == len(parts)
}

// Reserved tells whether events of that name are the server's own.
func Reserved(name string) bool {
	first, _, _ := strings.Cut(name, ".")
	return first == "report" || first == "bot" || first == "city"
}
