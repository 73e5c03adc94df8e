package relay

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/notice"
	"ticketfrei/internal/report"
	"ticketfrei/place"
)

// Places keeps the lines and stops of cities until they change. Those of nil have none.
type Places struct {
	db  *db.DB
	log *slog.Logger

	mu     sync.Mutex
	cities map[int64]*placed
}

// placed are the lines and stops of one city. Many are long to read: who needs them
// meanwhile waits, and no other city does.
type placed struct {
	told    atomic.Int64 // how often the city was said to have changed
	mu      sync.Mutex
	seen    int64     // told, when it was last looked
	until   time.Time // until when it need not be looked, where others may change them unheard
	version int64
	places  *place.Places
}

var _ bots.Places = (*Places)(nil)

// NewPlaces returns the places of the cities in a database. It listens to notices until
// stop.
func NewPlaces(d *db.DB, notices *notice.Board, log *slog.Logger) (p *Places, stop func()) {
	p = &Places{db: d, log: log, cities: make(map[int64]*placed)}
	return p, notices.OnChanged(p.changed)
}

// changed has the places of a city, or of all, looked at again.
func (p *Places) changed(cityID int64) {
	if cityID != notice.All {
		p.city(cityID).told.Add(1)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.cities {
		c.told.Add(1)
	}
}

// city returns what is kept of a city.
func (p *Places) city(id int64) *placed {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.cities[id]
	if c == nil {
		c = &placed{seen: -1}
		p.cities[id] = c
	}
	return c
}

// Of returns the lines and stops of a city as they are stored, also where another process
// has changed them a moment ago.
func (p *Places) Of(ctx context.Context, cityID int64) (*place.Places, error) {
	return p.of(ctx, cityID, true)
}

// of returns the lines and stops of a city. Without look they are as they were when the
// city was last told of.
func (p *Places) of(ctx context.Context, cityID int64, look bool) (*place.Places, error) {
	if p == nil {
		return nil, nil
	}
	c := p.city(cityID)
	c.mu.Lock()
	defer c.mu.Unlock()
	told := c.told.Load()
	if c.seen == told && !look && !c.isOld() {
		return c.places, nil
	}
	version, err := p.db.PlacesVersion(ctx, cityID)
	if err != nil {
		return nil, err
	}
	if version != c.version {
		if c.places, err = p.read(ctx, cityID); err != nil {
			return nil, err
		}
	}
	c.seen, c.version = told, version
	if life := p.db.KeptFor(); life > 0 {
		c.until = time.Now().Add(life)
	}
	return c.places, nil
}

// isOld tells whether others may have changed the places unheard. c.mu is held.
func (c *placed) isOld() bool { return !c.until.IsZero() && !time.Now().Before(c.until) }

// read reads the places of a city. Those that another version has written, and this one
// cannot read, hold no report up.
func (p *Places) read(ctx context.Context, cityID int64) (*place.Places, error) {
	text, err := p.db.Places(ctx, cityID)
	if err != nil {
		return nil, err
	}
	places, err := place.Parse(text)
	if err != nil {
		p.log.Error("the lines and stops of a city cannot be read: store them again (ticketfrei city places)", "city", p.db.Slug(ctx, cityID), "err", err)
		return nil, nil
	}
	return places, nil
}

// readIn reads a text by the places of a city.
func (p *Places) readIn(ctx context.Context, cityID int64, text string) (report.Reading, error) {
	places, err := p.of(ctx, cityID, false)
	if err != nil {
		return report.Reading{}, err
	}
	return places.Read(text), nil
}

func (p *Places) Lines(ctx context.Context, cityID int64) ([]string, error) {
	places, err := p.Of(ctx, cityID)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, l := range places.Lines() {
		names = append(names, l.Name)
	}
	return names, nil
}
