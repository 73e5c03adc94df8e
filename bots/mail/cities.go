package mail

import (
	"context"
	"sync"

	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// maxCities bounds how many cities are kept.
const maxCities = 20_000

// cities keeps the cities that mail came for, with their bots, until they change:
// every recipient of every mail is looked up. Cities that are not there are not
// kept: another process may make them.
type cities struct {
	db *db.DB

	mu      sync.Mutex
	bySlug  map[string]found
	changes uint64 // counts forget, so that what was read before one is not kept after it
}

type found struct {
	city report.City
	bot  report.Bot
}

func newCities(d *db.DB) *cities { return &cities{db: d, bySlug: make(map[string]found)} }

// find is db.DB.FindCityBot.
func (c *cities) find(ctx context.Context, slug string) (report.City, report.Bot, error) {
	c.mu.Lock()
	known, ok := c.bySlug[slug]
	changes := c.changes
	c.mu.Unlock()
	if ok {
		return known.city, known.bot, nil
	}
	city, bot, err := c.db.FindCityBot(ctx, slug, Name)
	if err != nil {
		return city, bot, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.changes == changes {
		if len(c.bySlug) >= maxCities {
			clear(c.bySlug)
		}
		c.bySlug[slug] = found{city, bot}
	}
	return city, bot, nil
}

// forget has a city read again.
func (c *cities) forget(cityID int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changes++
	for slug, f := range c.bySlug {
		if f.city.ID == cityID {
			delete(c.bySlug, slug)
		}
	}
}
