package manage

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"ticketfrei/internal/report"
)

// figuresOf is how far back the reports of an Overview go.
const figuresOf = 7 * 24 * time.Hour

// everyCity is the limit of who wants all of them.
const everyCity = math.MaxInt32

// Overview is a city as the operator sees it in a list.
type Overview struct {
	report.City
	Reports     int       // that passed within seven days
	Last        time.Time // when the last one passed that is kept; zero: none
	Subscribers int
}

// Overviews returns the cities whose name or slug contains search, in a state, the newest
// first. Empty: all.
func (m *Cities) Overviews(ctx context.Context, search string, state report.CityState) ([]Overview, error) {
	cities, err := m.DB.Cities(ctx, search, everyCity)
	if err != nil {
		return nil, err
	}
	figures, err := m.DB.CityFigures(ctx, time.Now().Add(-figuresOf))
	if err != nil {
		return nil, err
	}
	list := make([]Overview, 0, len(cities))
	for _, c := range cities {
		if state != "" && c.State() != state {
			continue
		}
		o := Overview{City: c, Reports: figures[c.ID].Reports, Last: figures[c.ID].Last}
		people, err := m.Subscribers(ctx, c)
		if err != nil {
			return nil, err
		}
		for _, n := range people {
			o.Subscribers += n
		}
		list = append(list, o)
	}
	slices.SortStableFunc(list, func(a, b Overview) int { return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(b.ID, a.ID)) })
	return list, nil
}
