package mail

import (
	"context"
	"errors"

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
	byName *cache.Cache[string, found]
}

type found struct {
	city report.City
	bot  report.Bot
}

func newCities(d *db.DB) *cities { return &cities{d, cache.New[string, found](maxCities, d.KeptFor())} }

// find returns the city, and its bot, to whose address mail goes with that before the "@": its
// slug or an alias, a name that it had in another program, or its name as people write it. The
// error is that of db.DB.FindCityBot.
func (c *cities) find(ctx context.Context, local string) (report.City, report.Bot, error) {
	f, err := c.byName.Get(local, func() (f found, err error) {
		f.city, f.bot, err = c.db.FindCityBot(ctx, local, Name)
		if !errors.Is(err, db.ErrNotFound) || f.city.ID != 0 {
			return f, err
		}
		slug, err := c.db.SlugOf(ctx, local)
		if err != nil {
			return f, err
		}
		f.city, f.bot, err = c.db.FindCityBot(ctx, slug, Name)
		return f, err
	})
	return f.city, f.bot, err
}

// forget has a city read again. A name that is not its slug may be that of the city that has
// changed, from now on.
func (c *cities) forget(cityID int64) {
	c.byName.Forget(func(local string, f found) bool { return notice.Concerns(cityID, f.city.ID) || local != f.city.Slug })
}
