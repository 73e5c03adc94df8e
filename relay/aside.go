package relay

import (
	"context"
	"errors"
	"sync"

	"ticketfrei/bots"
	"ticketfrei/db"
)

// aside are the lanes of cities whose reports wait for outside programs: each has its own,
// so that the cities it would share one with do not wait. A city that never had a task
// has none, and one that is deleted or another process's has none any more.
type aside struct {
	relay   *Relay
	ctx     context.Context
	group   *sync.WaitGroup // of Run
	taskers bool            // there is a network that looks at reports

	mu    sync.Mutex
	lanes map[int64]*lane // by city
}

// begin has the lanes beside the others worked through until ctx ends.
func (a *aside) begin(ctx context.Context, group *sync.WaitGroup) {
	a.ctx, a.group = ctx, group
	for _, n := range a.relay.Networks {
		if _, ok := n.(bots.Tasker); ok {
			a.taskers = a.relay.Tasks != nil
		}
	}
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
	if l := a.begun(cityID); l != nil {
		return l
	}
	c, err := a.relay.cities.get(ctx, cityID)
	if err != nil || len(c.tasks) == 0 { // who judges the report says what is wrong
		return nil
	}
	l := newLane(func(ctx context.Context, after int64, limit int) ([]db.Heard, error) {
		return a.relay.DB.UnjudgedOf(ctx, cityID, after, limit)
	})
	a.mu.Lock()
	a.lanes[cityID] = l
	a.mu.Unlock()
	a.group.Go(func() {
		a.relay.runLane(a.ctx, l, func(ctx context.Context, batch []db.Heard) ([]db.Heard, error) { return a.look(ctx, cityID, batch) })
	})
	return l
}

// begun returns the lane of a city; nil where it has none.
func (a *aside) begun(cityID int64) *lane {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.lanes[cityID]
}

// changed has the lane of a city look whether the city is there. It does not wait.
func (a *aside) changed(cityID int64) {
	if l := a.begun(cityID); l != nil {
		l.rewind(nil)
	}
}

// allChanged is changed for every city.
func (a *aside) allChanged() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, l := range a.lanes {
		l.rewind(nil)
	}
}

// lookAgain has the lanes of a shard read what waits on them.
func (a *aside) lookAgain(shard int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for cityID, l := range a.lanes {
		if db.ShardOf(cityID) == shard {
			l.lookAgain()
		}
	}
}

// end ends the lane of a city that was deleted, and its reports with it, or that is another
// process's now.
func (a *aside) end(cityID int64) {
	a.mu.Lock()
	l := a.lanes[cityID]
	delete(a.lanes, cityID)
	a.mu.Unlock()
	l.end()
}

// look has the tasks of a city look at a batch of its reports, which may be none. Where the
// program stops meanwhile, they are not judged: they come again at the next start.
func (a *aside) look(ctx context.Context, cityID int64, batch []db.Heard) ([]db.Heard, error) {
	c, err := a.relay.cities.get(ctx, cityID)
	if errors.Is(err, db.ErrNotFound) || !a.relay.DB.Owns(cityID) {
		a.end(cityID)
		return nil, nil
	}
	if err != nil || len(c.tasks) == 0 || len(batch) == 0 {
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
