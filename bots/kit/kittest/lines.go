package kittest

import (
	"context"
	"strings"

	"ticketfrei/bots"
	"ticketfrei/internal/report"
	"ticketfrei/place"
)

// CityLines are the lines of every city. It has no stops.
type CityLines []string

var _ bots.Places = CityLines(nil)

// Lines returns them.
func (l CityLines) Lines(context.Context, int64) ([]string, error) { return l, nil }

// Of returns nil: nothing is stored.
func (l CityLines) Of(context.Context, int64) (*place.Places, error) { return nil, nil }

// chosen are places as they are stored, of which people choose these lines.
type chosen struct {
	bots.Places
	lines CityLines
}

func (c chosen) Lines(ctx context.Context, cityID int64) ([]string, error) {
	return c.lines.Lines(ctx, cityID)
}

var cityLines = CityLines{"U1", "U2", "Tram 4"}

// chooseLines has people get the reports of some lines alone.
func chooseLines(s *scene) {
	b := s.connect()
	s.receive(b)
	s.subscribe("anna", "bert")
	s.say("anna", "/lines u1 tram4")
	s.wantAnswer("anna", 2, s.in("kit.lines.only", "Lines", "U1, Tram 4"))
	bot := s.mustOpen(b)
	for i, read := range []report.Reading{{Lines: "|U2|"}, {}, {Lines: "|Tram 4|", Clear: true}} {
		r := s.Elsewhere(s.city, []string{"U2 Plärrer", "Plärrer", "Thon sauber"}[i])
		r.Reading = read
		s.send(bot, b, r)
		s.wantAnswer("bert", i+2, r.Text)
	}
	s.wantAnswer("anna", 3, "Thon sauber")
	if got := strings.Join(s.inChat("anna"), "\n"); strings.Contains(got, "Plärrer") {
		s.Errorf("a report about another line came: %q", got)
	}
	s.say("anna", "/lines all")
	s.wantAnswer("anna", 4, s.in("kit.lines.all", "City", s.city.Name))
}
