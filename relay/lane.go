package relay

import (
	"context"
	"slices"
	"sync"

	"ticketfrei/db"
)

// laneSize is how many reports a lane keeps in memory.
const laneSize = 1024

// batchSize is how many reports are judged in one transaction, at most.
const batchSize = 64

// lane is a queue of reports that wait to be judged. It is filled as they are
// stored. What it has no room for it reads from the database, and until that is
// done nothing is added: so its reports come in the order they were stored.
type lane struct {
	stored unjudged
	beside func(cityID int64) bool // whether a city has a lane of its own; nil: none has
	wake   chan struct{}
	// Of who takes out: the highest seq that was, and whether what is read may have been
	// taken out before, by the lane of its city that waits for outside programs.
	last    int64
	looking bool

	mu      sync.Mutex
	waiting []db.Heard
	behind  bool           // there are reports in the database that are not in waiting
	look    bool           // also below last
	over    bool           // nothing more comes
	again   []db.Heard     // could not be judged, and are to be tried again
	tried   map[int64]bool // those, and those that come again later
}

// unjudged reads the first reports after seq that wait on a lane from the database.
type unjudged func(ctx context.Context, after int64, limit int) ([]db.Heard, error)

// newLane returns a lane that is empty.
func newLane(stored unjudged) *lane { return &lane{stored: stored, wake: make(chan struct{}, 1)} }

// newLanes returns the lanes of all cities, which begin with what the database holds.
func newLanes(d *db.DB, beside func(cityID int64) bool) []*lane {
	all := make([]*lane, lanes)
	for i := range all {
		all[i] = newLane(func(ctx context.Context, after int64, limit int) ([]db.Heard, error) {
			return d.Unjudged(ctx, int64(i), lanes, after, limit)
		})
		all[i].beside, all[i].behind = beside, true
		all[i].signal()
	}
	return all
}

// signal wakes who waits in await.
func (l *lane) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// put adds a report that was stored. It never waits.
func (l *lane) put(h db.Heard) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.behind:
	case len(l.waiting) >= laneSize:
		l.behind, l.waiting = true, nil
	default:
		l.waiting = append(l.waiting, h)
	}
	l.signal()
}

// lookAgain has everything read that waits on the lane: reports that another process has
// heard are not put, and their seqs may be below those that were judged, since commits of
// several processes come out of order.
func (l *lane) lookAgain() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.behind, l.look, l.waiting = true, true, nil
	l.signal()
}

// setAside has a report that could not be judged not be taken out until retry.
func (l *lane) setAside(h db.Heard) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tried == nil {
		l.tried = make(map[int64]bool)
	}
	l.tried[h.Seq] = true
}

// retry adds a report that could not be judged. It is judged alone.
func (l *lane) retry(h db.Heard) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.again = append(l.again, h)
	l.signal()
}

// await waits until there may be reports to take. It is false when ctx or the lane ends.
func (l *lane) await(ctx context.Context) bool {
	some, over := l.state()
	for ; !some && !over; some, over = l.state() {
		select {
		case <-ctx.Done():
			return false
		case <-l.wake:
		}
	}
	return ctx.Err() == nil && !over
}

// state tells whether there may be reports to take, and whether the lane has ended.
func (l *lane) state() (some, over bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.waiting) > 0 || len(l.again) > 0 || l.behind, l.over
}

// end ends the lane, with what waits on it.
func (l *lane) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
	l.signal()
}

// take takes out the first reports that are there, which may be none.
func (l *lane) take(ctx context.Context) ([]db.Heard, error) {
	batch, behind := l.next()
	if !behind {
		return batch, nil
	}
	return l.read(ctx)
}

// next takes reports out of memory. behind says that they are to be read instead;
// what is stored from then on is in memory.
func (l *lane) next() (batch []db.Heard, behind bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.again) > 0 {
		batch, l.again = l.again[:1:1], l.again[1:]
		delete(l.tried, batch[0].Seq)
		return batch, false
	}
	if behind, l.behind = l.behind, false; behind {
		if l.look {
			l.last, l.looking, l.look = 0, true, false
		}
		return nil, true
	}
	for len(l.waiting) > 0 && len(batch) < batchSize {
		batch = append(batch, l.waiting[0])
		l.last = max(l.last, l.waiting[0].Seq)
		l.waiting = l.waiting[1:]
	}
	if len(l.waiting) == 0 {
		l.waiting = nil // an idle lane costs no memory
	}
	return batch, false
}

// read takes reports out of the database.
func (l *lane) read(ctx context.Context) ([]db.Heard, error) {
	batch, err := l.stored(ctx, l.last, batchSize)
	if len(batch) > 0 {
		l.last = batch[len(batch)-1].Seq
	}
	more := err != nil || len(batch) == batchSize
	l.mu.Lock()
	defer l.mu.Unlock()
	if more {
		l.behind, l.waiting = true, nil
	}
	// What was put meanwhile was read as well.
	l.waiting = slices.DeleteFunc(l.waiting, func(h db.Heard) bool { return hasSeq(batch, h.Seq) })
	batch = slices.DeleteFunc(batch, func(h db.Heard) bool { return l.tried[h.Seq] || l.looking && l.isBeside(h) })
	l.looking = l.looking && more
	return batch, err
}

// isBeside tells whether a report is one of another lane.
func (l *lane) isBeside(h db.Heard) bool {
	return l.beside != nil && l.beside(h.Report.CityID)
}

func hasSeq(list []db.Heard, seq int64) bool {
	return slices.ContainsFunc(list, func(h db.Heard) bool { return h.Seq == seq })
}

// rewind has the reports of a batch come once more.
func (l *lane) rewind(batch []db.Heard) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, h := range batch {
		l.last = min(l.last, h.Seq-1)
	}
	l.behind, l.waiting = true, nil
	l.signal()
}
