package relay

import (
	"context"
	"sync"
	"time"

	"ticketfrei/internal/backoff"
	"ticketfrei/internal/queue"
	"ticketfrei/internal/report"
)

// The reports of one city are judged in the order they came in: each city has
// its lane, and a lane takes what is waiting, up to a batch, at once, so that
// under load many reports share a transaction.
const (
	lanes     = 16
	batchSize = 64
)

// Where several reports were waiting on a lane, and the next comes within busy,
// the lane lingers before the next batch: a flood is judged in large batches,
// which leaves the disk and the processors to those who take it in. Reports that
// come one at a time never wait, however fast.
const (
	busy   = 2 * time.Millisecond
	linger = 25 * time.Millisecond
)

// The waits before a report that could not be judged is tried again.
const (
	firstRetry = 200 * time.Millisecond
	lastRetry  = 30 * time.Second
)

// queued is a report from the queue, which hears what became of it by Done or
// Later.
type queued = *queue.Message[report.Report]

// Run judges reports and fans them out until ctx ends, then finishes those it
// has begun.
func (rl *Relay) Run(ctx context.Context) error {
	defer rl.Notices.OnChanged(rl.cities.forget)()
	var group sync.WaitGroup
	waiting := make([]chan queued, lanes)
	for i := range waiting {
		waiting[i] = make(chan queued, batchSize)
		group.Go(func() { rl.runLane(ctx, waiting[i]) })
	}
	err := rl.Queue.ConsumeReports(ctx, func(q queued) {
		waiting[uint64(q.Body.CityID)%lanes] <- q
	})
	for _, lane := range waiting {
		close(lane)
	}
	group.Wait()
	return err
}

// runLane works through what comes on a lane, in batches of what is waiting.
func (rl *Relay) runLane(ctx context.Context, lane <-chan queued) {
	var before int     // reports in the batch before
	var last time.Time // its end
	for first := range lane {
		if before > 1 && time.Since(last) < busy {
			time.Sleep(linger)
		}
		batch := gather(first, lane)
		rl.work(ctx, batch)
		before, last = len(batch), time.Now()
	}
}

// gather returns first and what else is waiting on its lane.
func gather(first queued, lane <-chan queued) []queued {
	batch := []queued{first}
	for len(batch) < batchSize && len(lane) > 0 {
		batch = append(batch, <-lane)
	}
	return batch
}

// work judges a batch of reports, stores them and fans out those that passed.
// Where that fails they come again later.
func (rl *Relay) work(ctx context.Context, batch []queued) {
	if ctx.Err() != nil {
		for _, q := range batch {
			q.Later(0)
		}
		return
	}
	// What was begun is finished, also while the program stops.
	ctx = context.WithoutCancel(ctx)
	list := rl.judgeAll(ctx, batch)
	if len(list) == 0 {
		return
	}
	if err := rl.passOn(ctx, list); err != nil {
		rl.laterAll(list, err)
		return
	}
	// The lane goes on in the meantime.
	rl.DB.AfterSync(func(err error) { rl.done(list, err) })
}

// passOn stores judged reports and fans out those that passed. It may run twice
// for the same report, also after it was killed in the middle, and has the
// effect of once: a report is stored under its id, and each delivery has an id
// of its own.
func (rl *Relay) passOn(ctx context.Context, list []judged) error {
	passed, err := rl.store(ctx, list)
	if err != nil {
		return err
	}
	return rl.fanOut(ctx, passed)
}

// done takes reports out of the queue when what was stored of them is on disk, or
// puts them back where it could not be brought there.
func (rl *Relay) done(list []judged, err error) {
	if err != nil {
		rl.laterAll(list, err)
		return
	}
	for _, j := range list {
		j.Done()
	}
}

// later puts back a report that could not be judged.
func (rl *Relay) later(q queued, err error) {
	wait := backoff.Wait(firstRetry, q.Attempt-1, lastRetry)
	rl.Log.Error("a report could not be judged, trying again", "report", q.Body.ID, "in", wait, "err", err)
	q.Later(wait)
}

func (rl *Relay) laterAll(list []judged, err error) {
	for _, j := range list {
		rl.later(j.queued, err)
	}
}
