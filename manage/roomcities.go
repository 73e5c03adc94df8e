package manage

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"ticketfrei/internal/report"
)

// RoomCity is a city in the operator's list.
type RoomCity struct {
	Overview
	Bots     int
	Troubled int // bots that do not do their work
}

// RoomCities returns some of the cities whose name or slug contains search, in a state, where
// these are given: those that wait for the operator first, then those with bots in trouble, then
// the newest. all is how many there are. Only those that are returned are looked at closely.
func (m *Cities) RoomCities(ctx context.Context, search string, state report.CityState, from, limit int) (list []RoomCity, all int, err error) {
	cities, err := m.DB.Cities(ctx, strings.ToLower(search), everyCity)
	if err != nil {
		return nil, 0, err
	}
	figures, err := m.DB.CityFigures(ctx, time.Now().Add(-figuresOf))
	if err != nil {
		return nil, 0, err
	}
	bots, err := m.EveryBot(ctx, BotFilter{})
	if err != nil {
		return nil, 0, err
	}
	count, troubled := make(map[int64]int), make(map[int64]int)
	for _, b := range bots {
		count[b.CityID]++
		if b.InTrouble() {
			troubled[b.CityID]++
		}
	}
	for _, c := range cities {
		if state == "" || c.State() == state {
			list = append(list, RoomCity{Overview{City: c, Reports: figures[c.ID].Reports, Last: figures[c.ID].Last}, count[c.ID], troubled[c.ID]})
		}
	}
	slices.SortStableFunc(list, func(a, b RoomCity) int {
		return cmp.Or(b.urgency()-a.urgency(), b.Created.Compare(a.Created), cmp.Compare(b.ID, a.ID))
	})
	all = len(list)
	from = min(max(from, 0), all)
	list = list[from:min(from+limit, all)]
	for i := range list {
		people, err := m.Subscribers(ctx, list[i].City)
		if err != nil {
			return nil, 0, err
		}
		for _, n := range people {
			list[i].Subscribers += n
		}
	}
	return list, all, nil
}

// urgency orders cities: what waits for the operator comes first.
func (c RoomCity) urgency() int {
	switch {
	case c.State() == report.CityWaiting:
		return 2
	case c.Troubled > 0:
		return 1
	default:
		return 0
	}
}
