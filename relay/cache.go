package relay

import (
	"context"
	"math"
	"sync"

	"ticketfrei/bots"
	"ticketfrei/censor"
	"ticketfrei/db"
	"ticketfrei/internal/cache"
	"ticketfrei/internal/notice"
	"ticketfrei/internal/report"
)

// maxCompiled bounds how many different rules are kept compiled.
const maxCompiled = 100

// city is what the way of its reports needs of a city.
type city struct {
	rules    *censor.Rules
	bots     []report.Bot // those that are switched on
	language string
	slug     string
	tasks    []task // that look at its reports before the rules do
	approval report.Approval
	answers  report.AnswerTexts // what its moderators have riders be told
}

// cityCache keeps cities as they are in the database until they change. Cities
// with the same rules share them compiled: most keep the defaults.
type cityCache struct {
	db       *db.DB
	networks map[string]bots.Network
	cities   *cache.Cache[int64, *city]

	mu       sync.Mutex
	compiled map[[2]string]*censor.Rules
}

func newCityCache(d *db.DB, networks map[string]bots.Network) *cityCache {
	return &cityCache{db: d, networks: networks, cities: cache.New[int64, *city](math.MaxInt, d.KeptFor()), compiled: make(map[[2]string]*censor.Rules)}
}

func (c *cityCache) forget(cityID int64) {
	c.cities.Forget(func(id int64, _ *city) bool { return notice.Concerns(cityID, id) })
}

func (c *cityCache) get(ctx context.Context, cityID int64) (*city, error) {
	return c.cities.Get(cityID, func() (*city, error) { return c.load(ctx, cityID) })
}

func (c *cityCache) load(ctx context.Context, cityID int64) (*city, error) {
	row, err := c.db.City(ctx, cityID)
	if err != nil {
		return nil, err
	}
	all, err := c.db.CityBots(ctx, cityID)
	if err != nil {
		return nil, err
	}
	rules, err := c.compile(row)
	if err != nil {
		return nil, err
	}
	loaded := &city{rules: rules, language: row.Language, slug: row.Slug, approval: row.Approval, answers: row.AnswerTexts()}
	for _, b := range all {
		if b.Enabled {
			loaded.bots = append(loaded.bots, b)
		}
	}
	loaded.tasks = tasksOf(row.Tasks, loaded.bots, c.networks)
	return loaded, nil
}

func (c *cityCache) compile(of report.City) (*censor.Rules, error) {
	key := [2]string{of.Triggers, of.Blocked}
	c.mu.Lock()
	rules := c.compiled[key]
	c.mu.Unlock()
	if rules != nil {
		return rules.With(censor.LimitsOf(of)), nil
	}
	rules, err := censor.Of(of)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.compiled) >= maxCompiled {
		clear(c.compiled)
	}
	c.compiled[key] = rules
	return rules, nil
}
