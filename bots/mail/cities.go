package mail

import (
	"context"

	"ticketfrei/db"
	"ticketfrei/internal/cache"
	"ticketfrei/internal/notice"
	"ticketfrei/internal/report"
)

// maxCities bounds how many cities are kept.
const maxCities = 20_000

// cities keeps the cities that mail came for, with their bots, until they change:
// every recipient of every mail is looked up. Cities that are not there are not
// kept: another process may make them.
type cities struct {
	db     *db.DB
	bySlug *cache.Cache[string, found]
}

type found struct {
	city report.City
	bot  report.Bot
}

func newCities(d *db.DB) *cities { return &cities{d, cache.New[string, found](maxCities, d.KeptFor())} }

// find is db.DB.FindCityBot.
func (c *cities) find(ctx context.Context, slug string) (report.City, report.Bot, error) {
	f, err := c.bySlug.Get(slug, func() (f found, err error) {
		f.city, f.bot, err = c.db.FindCityBot(ctx, slug, Name)
		return f, err
	})
	return f.city, f.bot, err
}

// forget has a city read again.
func (c *cities) forget(cityID int64) {
	c.bySlug.Forget(func(_ string, f found) bool { return notice.Concerns(cityID, f.city.ID) })
}
