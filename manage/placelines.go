package manage

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"ticketfrei/place"
)

// LooseStops is the name of the line whose stops belong to no line.
const LooseStops = "*"

// Line is a line of a city as programs write it.
type Line struct {
	Name      string   `json:"name"` // LooseStops: none
	Color     string   `json:"color,omitempty"`
	Spellings []string `json:"spellings,omitempty"` // more of its name
	Stops     []Stop   `json:"stops"`
}

// Stop is a stop of a line.
type Stop struct {
	Name      string   `json:"name"`
	Spellings []string `json:"spellings,omitempty"`
}

// Lines returns the lines of the city.
func (p Places) Lines() []Line {
	list := []Line{}
	for _, l := range p.Parsed.Lines() {
		list = append(list, Line{l.Name, l.Color, l.Also, p.stops(l.Stops)})
	}
	if loose := p.Parsed.Loose(); len(loose) > 0 {
		list = append(list, Line{Name: LooseStops, Stops: p.stops(loose)})
	}
	return list
}

func (p Places) stops(names []string) []Stop {
	list := make([]Stop, len(names))
	for i, name := range names {
		list[i] = Stop{name, p.Parsed.Spellings(name)}
	}
	return list
}

// SaveLines stores lines in place of what the city has.
func (m *Cities) SaveLines(ctx context.Context, cityID int64, lines []Line, seen Revision) (Places, error) {
	p, err := ParseLines(lines)
	if err != nil {
		return Places{}, err
	}
	return p, m.savePlaces(ctx, cityID, p.Text, seen)
}

// ParseLines makes places of lines. What is wrong has a field such as
// "lines[2].stops[0].name".
func ParseLines(lines []Line) (Places, error) {
	var wrong problems
	var text strings.Builder
	for i, l := range lines {
		l.write(&text, fmt.Sprintf("lines[%d]", i), &wrong)
		if len(wrong) > maxProblems {
			break
		}
	}
	if err := wrong.err(); err != nil {
		return Places{}, err
	}
	parsed, err := ParsePlaces(text.String())
	if err != nil {
		return Places{}, atLines(err)
	}
	return Places{parsed.String(), parsed}, nil
}

// maxProblems is after how many problems no more are looked for.
const maxProblems = 20

// atLines names the line of the list in place of that of the text.
func atLines(err error) error {
	e, ok := errors.AsType[*Invalid](err)
	if !ok {
		return err
	}
	for i, p := range e.Problems {
		e.Problems[i].Field, e.Problems[i].Line = "lines", 0
		if p.Line > 0 {
			e.Problems[i].Field = fmt.Sprintf("lines[%d]", p.Line-1)
		}
	}
	return e
}

// write writes the line of the text that stands for l. What would read as something else
// there is wrong.
func (l Line) write(to *strings.Builder, field string, wrong *problems) {
	to.WriteString(spelled(l.Name, l.Spellings, lineSigns, field, wrong))
	if l.Color != "" {
		if strings.ContainsAny(l.Color, " ,:=\r\n") || !strings.HasPrefix(l.Color, "#") {
			*wrong = append(*wrong, placeProblems(field+".color", place.Errors{{Kind: place.BadColor, Name: l.Color}})...)
		}
		to.WriteString(" " + l.Color)
	}
	to.WriteString(":")
	for i, s := range l.Stops {
		if i > 0 {
			to.WriteString(",")
		}
		to.WriteString(" " + spelled(s.Name, s.Spellings, stopSigns, fmt.Sprintf("%s.stops[%d]", field, i), wrong))
	}
	to.WriteString("\n")
}

// What has a meaning in the text: no name of a stop, or of a line, may hold it.
const (
	stopSigns = ",=|:\r\n"
	lineSigns = stopSigns + "#"
)

// spelled writes a name with its spellings, which hold none of signs.
func spelled(name string, more []string, signs, field string, wrong *problems) string {
	names := append([]string{name}, more...)
	for i, n := range names {
		at, kind := field+".name", place.Kind("")
		if i > 0 {
			at = fmt.Sprintf("%s.spellings[%d]", field, i-1)
		}
		switch {
		case strings.TrimSpace(n) == "":
			kind = place.NoName
		case strings.ContainsAny(n, signs):
			kind = "list_sign"
		}
		if kind != "" {
			*wrong = append(*wrong, placeProblems(at, place.Errors{{Kind: kind, Name: n}})...)
		}
	}
	return strings.Join(names, " = ")
}
