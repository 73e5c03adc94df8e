package manage

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"ticketfrei/bots"
)

// ErrConflict means that what was to be changed is not what the caller has seen: somebody
// else has changed it.
var ErrConflict = errors.New("it was changed in the meantime")

// Invalid is input that cannot be taken, with all that is wrong with it.
type Invalid struct{ Problems []Problem }

// Problem is one thing that is wrong.
type Problem struct {
	Field string // empty: the whole
	Line  int    // of a field with several lines, from 1; 0: the whole field
	Value string // that is wrong, as a pattern or a name; may be empty
	// TextID is the text that says what is wrong, filled with Data: alternating names and
	// values.
	TextID string
	Data   []any

	said bots.Sayer // says it instead, where a network does
}

// Say says what is wrong in the language of t.
func (p Problem) Say(t bots.T) string {
	if p.said != nil {
		return p.said.Say(t)
	}
	data := slices.Clone(p.Data)
	for i, value := range data {
		if id, ok := value.(textID); ok {
			data[i] = t(string(id))
		}
	}
	return t(p.TextID, data...)
}

// textID is a value of Problem.Data that is a text itself.
type textID string

// Error names the problems for a log.
func (e *Invalid) Error() string {
	var list []string
	for _, p := range e.Problems {
		list = append(list, strings.TrimSpace(p.Field+" "+p.TextID))
	}
	return "invalid: " + strings.Join(list, ", ")
}

// Of returns what is wrong with a field.
func (e *Invalid) Of(field string) (Problem, bool) {
	if e != nil {
		for _, p := range e.Problems {
			if p.Field == field {
				return p, true
			}
		}
	}
	return Problem{}, false
}

// problems collects what is wrong.
type problems []Problem

func (l *problems) add(field, textID string, data ...any) {
	*l = append(*l, Problem{Field: field, TextID: textID, Data: data})
}

// tooLong notes that a field holds more than limit characters.
func (l *problems) tooLong(field, text string, limit int) {
	if utf8.RuneCountInString(text) > limit {
		l.add(field, "settings.error.too_long", "Max", limit)
	}
}

// err returns an *Invalid; nil where nothing is wrong.
func (l problems) err() error {
	if len(l) == 0 {
		return nil
	}
	return &Invalid{l}
}

// Wrong is an *Invalid with one problem.
func Wrong(field, textID string, data ...any) error {
	return &Invalid{[]Problem{{Field: field, TextID: textID, Data: data}}}
}

// Revision stands for what is stored of a part of a city, as for If-Match. Whoever changes
// a part gives the one that they have seen; empty: whatever is there is overwritten.
type Revision string

// revisionOf returns the revision of what consists of parts.
func revisionOf(parts ...string) Revision {
	sum := sha256.New()
	for _, p := range parts {
		sum.Write(binary.AppendUvarint(nil, uint64(len(p))))
		sum.Write([]byte(p))
	}
	return Revision(hex.EncodeToString(sum.Sum(nil)[:12]))
}

// of returns ErrConflict where the caller has seen something else than now.
func (r Revision) of(now Revision) error {
	if r != "" && r != now {
		return fmt.Errorf("%w: it is revision %s now", ErrConflict, now)
	}
	return nil
}

// plainLines returns a text as it is stored: with line ends, where browsers send CR LF, and
// without what nobody types.
func plainLines(text string) string {
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	return strings.TrimRight(without(text, isControl), "\n\t ")
}

// without returns a text without some characters, and what is no text.
func without(text string, some func(rune) bool) string {
	return strings.Map(func(r rune) rune {
		if some(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
}

// isControl finds what a terminal, a mail or another database would take for something else
// than text.
func isControl(r rune) bool { return unicode.IsControl(r) && !unicode.IsSpace(r) }
