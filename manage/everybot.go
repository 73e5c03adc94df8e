package manage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// CityBot is a bot with its city, as the operator sees it.
type CityBot struct {
	report.Bot
	City report.City
}

// Now is how the bot is doing: off also where its city is.
func (b CityBot) Now() report.BotState {
	if !b.Enabled || b.City.Off() {
		return report.BotOff
	}
	return b.State
}

// InTrouble tells whether it does not do its work.
func (b CityBot) InTrouble() bool {
	return b.Now() == report.BotTrouble || b.Now() == report.BotAttention
}

// BotFilter says which bots are meant. What is empty does not matter.
type BotFilter struct {
	City    string // its slug
	Network string
	State   report.BotState
}

// EveryBot returns the bots of all cities, those in trouble first, then by city and network. A
// city that is not there is db.ErrNotFound.
func (m *Cities) EveryBot(ctx context.Context, f BotFilter) ([]CityBot, error) {
	cities, err := m.citiesByID(ctx)
	if err != nil {
		return nil, err
	}
	cityID, err := m.cityID(ctx, f.City)
	if err != nil {
		return nil, err
	}
	all, err := m.DB.Bots(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]CityBot, 0, len(all))
	for _, b := range all {
		of := CityBot{b, cities[b.CityID]}
		if of.City.ID != 0 && (cityID == 0 || b.CityID == cityID) && (f.Network == "" || b.Network == f.Network) && (f.State == "" || of.Now() == f.State) {
			list = append(list, of)
		}
	}
	slices.SortStableFunc(list, func(a, b CityBot) int {
		return cmp.Or(rank(a.Now())-rank(b.Now()), cmp.Compare(a.City.Slug, b.City.Slug), cmp.Compare(a.Network, b.Network), cmp.Compare(a.ID, b.ID))
	})
	return list, nil
}

// rank orders states: what needs somebody comes first.
func rank(s report.BotState) int {
	return slices.Index([]report.BotState{report.BotAttention, report.BotTrouble, report.BotStarting, report.BotRunning, report.BotOff}, s)
}

// EnableAny switches a bot of any city on or off and returns it as it was. The error is
// db.ErrNotFound where there is none.
func (m *Cities) EnableAny(ctx context.Context, botID int64, on bool) (report.Bot, error) {
	b, err := m.DB.Bot(ctx, botID)
	if err != nil {
		return report.Bot{}, err
	}
	return b, m.Enable(ctx, b, on)
}

func (m *Cities) citiesByID(ctx context.Context) (map[int64]report.City, error) {
	list, err := m.DB.Cities(ctx, "", everyCity)
	if err != nil {
		return nil, err
	}
	all := make(map[int64]report.City, len(list))
	for _, c := range list {
		all[c.ID] = c
	}
	return all, nil
}

// cityID returns the id of the city with that slug; 0 where slug is empty.
func (m *Cities) cityID(ctx context.Context, slug string) (int64, error) {
	if slug == "" {
		return 0, nil
	}
	c, err := m.Find(ctx, slug)
	if errors.Is(err, db.ErrNotFound) {
		err = fmt.Errorf("city %s: %w", slug, err)
	}
	return c.ID, err
}
