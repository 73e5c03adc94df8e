package manage

import (
	"context"
	"errors"
	"strings"

	"ticketfrei/place"
)

// Places are the lines and stops of a city, as its moderators have written them.
type Places struct {
	Text   string
	Parsed *place.Places // nil where there are none
}

// Revision is for SavePlaces and SaveLines.
func (p Places) Revision() Revision { return revisionOf(p.Text) }

// Places returns the lines and stops of a city.
func (m *Cities) Places(ctx context.Context, cityID int64) (Places, error) {
	text, err := m.DB.Places(ctx, cityID)
	if err != nil {
		return Places{}, err
	}
	parsed, err := m.PlacesOf(ctx, cityID)
	return Places{text, parsed}, err
}

// PlacesOf returns the lines and stops of a city alone: it is faster than Places.
func (m *Cities) PlacesOf(ctx context.Context, cityID int64) (*place.Places, error) {
	if m.Options.Places == nil {
		return nil, nil
	}
	return m.Options.Places.Of(ctx, cityID)
}

// ParsePlaces reads a text as package place describes it: nil where there is nothing in
// it. What is wrong has the line it is in.
func ParsePlaces(text string) (*place.Places, error) {
	p, err := place.Parse(text)
	if wrong, ok := errors.AsType[place.Errors](err); ok {
		return nil, &Invalid{placeProblems("text", wrong)}
	}
	return p, err
}

// placeProblems returns what package place has said of a field.
func placeProblems(field string, wrong place.Errors) problems {
	list := make(problems, len(wrong))
	for i, e := range wrong {
		list[i] = Problem{Field: field, Line: e.Line, Value: e.Name, TextID: "settings.places.wrong." + string(e.Kind),
			Data: []any{"Lines", place.MaxLines, "Stops", place.MaxStops, "Characters", place.MaxName, "KB", place.MaxText >> 10}}
	}
	return list
}

// SavePlaces stores a text in place of what the city has.
func (m *Cities) SavePlaces(ctx context.Context, cityID int64, text string, seen Revision) (Places, error) {
	parsed, err := ParsePlaces(plainLines(text))
	if err != nil {
		return Places{}, err
	}
	p := Places{strings.TrimSpace(plainLines(text)), parsed}
	if parsed == nil {
		p.Text = "" // notes about nothing
	}
	return p, m.savePlaces(ctx, cityID, p.Text, seen)
}

func (m *Cities) savePlaces(ctx context.Context, cityID int64, text string, seen Revision) error {
	var before string
	err := m.DB.ReplacePlaces(ctx, cityID, text, func(stored string) error {
		before = stored
		return seen.of(revisionOf(stored))
	})
	if err != nil || before == text {
		return m.changed(cityID, err)
	}
	m.acted(ctx, cityID, ActPlaces, "")
	return m.changed(cityID, m.keep(ctx, cityID, ActPlaces, before, revisionOf(text)))
}

// tries is how often a timetable is merged with what a city has, while others change that.
const tries = 3

// SaveTimetable stores the lines and stops of a timetable with what people have typed to
// those that the city has.
func (m *Cities) SaveTimetable(ctx context.Context, cityID int64, p *place.Places) (Places, error) {
	var err error
	for range tries {
		var stored string
		if stored, err = m.DB.Places(ctx, cityID); err != nil {
			return Places{}, err
		}
		kept := p
		if old, err := place.Parse(stored); err == nil { // else it is unreadable, and goes
			kept = p.Keeping(old)
		}
		merged := Places{kept.String(), kept}
		if err = m.savePlaces(ctx, cityID, merged.Text, revisionOf(stored)); !errors.Is(err, ErrConflict) {
			return merged, err
		}
	}
	return Places{}, err
}

// PlacesTooLong is the error of a text of more than place.MaxText bytes.
func PlacesTooLong() error {
	return &Invalid{placeProblems("text", place.Errors{{Kind: place.TooLong}})}
}
