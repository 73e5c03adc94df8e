package relay

import (
	"context"
	"sync"

	"ticketfrei/bots"
	"ticketfrei/db"
)

// aside are the lanes of cities whose reports wait for outside programs: each has its own,
// so that the cities it would share one with do not wait. A city that never had a task
// has none.
type aside struct {
	relay   *Relay
	ctx     context.Context
	group   *sync.WaitGroup // of Run
	taskers bool            // there is a network that looks at reports

	mu    sync.Mutex
	lanes map[int64]*lane // by city
}

// newAside returns the lanes beside the others. They are worked through until ctx ends.
func newAside(ctx context.Context, rl *Relay, group *sync.WaitGroup) *aside {
	a := &aside{relay: rl, ctx: ctx, group: group, lanes: make(map[int64]*lane)}
	for _, n := range rl.Networks {
		if _, ok := n.(bots.Tasker); ok {
			a.taskers = rl.Tasks != nil
		}
	}
	return a
}

// sort puts those of a batch aside that wait for outside programs, and returns the others.
func (a *aside) sort(ctx context.Context, batch []db.Heard) ([]db.Heard, error) {
	if !a.taskers {
		return batch, nil
	}
	var rest []db.Heard
	for _, h := range batch {
		if l := a.lane(ctx, h.Report.CityID); l != nil {
			l.put(h)
		} else {
			rest = append(rest, h)
		}
	}
	return rest, nil
}

// lane returns the lane of a city with tasks; nil where it has none. One that had some
// keeps its lane, since its reports are judged in their order.
func (a *aside) lane(ctx context.Context, cityID int64) *lane {
	a.mu.Lock()
	l := a.lanes[cityID]
	a.mu.Unlock()
	if l != nil {
		return l
	}
	c, err := a.relay.cities.get(ctx, cityID)
	if err != nil || len(c.tasks) == 0 { // who judges the report says what is wrong
		return nil
	}
	l = newLane(func(ctx context.Context, after int64, limit int) ([]db.Heard, error) {
		return a.relay.DB.UnjudgedOf(ctx, cityID, after, limit)
	})
	a.mu.Lock()
	a.lanes[cityID] = l
	a.mu.Unlock()
	a.group.Go(func() { a.relay.runLane(a.ctx, l, a.look) })
	return l
}

// look has the tasks of their city look at a batch. Where the program stops meanwhile,
// its reports are not judged: they come again at the next start.
func (a *aside) look(ctx context.Context, batch []db.Heard) ([]db.Heard, error) {
	if len(batch) == 0 {
		return batch, nil
	}
	c, err := a.relay.cities.get(ctx, batch[0].Report.CityID)
	if err != nil || len(c.tasks) == 0 {
		return batch, nil // whoever judges them says what is wrong
	}
	for i := range batch {
		r := batch[i].Report
		if r.Reading, err = a.relay.Places.readIn(ctx, r.CityID, r.Text); err != nil {
			return nil, err
		}
	}
	a.relay.Tasks.look(ctx, c, batch)
	return batch, ctx.Err()
}
