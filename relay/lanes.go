package relay

import (
	"context"
	"errors"
	"sync"
	"time"

	"ticketfrei/db"
	"ticketfrei/internal/backoff"
	"ticketfrei/internal/report"
)

// lanes is how many reports are judged at the same time. The reports of one city
// are judged one after the other, in the order they were stored.
const lanes = 16

// The waits before something that failed is tried again.
const (
	firstRetry = 200 * time.Millisecond
	lastRetry  = 30 * time.Second
	lastPause  = time.Second // where the database cannot be written to
)

// batchFanouts is about how many fanouts are stored in one transaction. While it
// runs, no report that comes in can be stored.
const batchFanouts = 512

// maxTries is how often a report is tried that cannot be judged. Then it is refused.
const maxTries = 10

// Where several reports were waiting on a lane, and the next comes within busy, the
// lane lingers before the next batch: a flood is judged in larger batches, which
// leaves the database to those who take it in. Reports that come one at a time never
// wait, however fast.
const (
	busy   = 2 * time.Millisecond
	linger = 5 * time.Millisecond
)

// countEvery is how often the reports that wait are counted.
const countEvery = 10 * time.Second

// Run judges reports and fans them out until ctx ends, then finishes those it has
// begun.
func (rl *Relay) Run(ctx context.Context) error {
	defer rl.Notices.OnChanged(rl.cityChanged)()
	var group sync.WaitGroup
	rl.aside.begin(ctx, &group)
	all := newLanes(rl.DB, func(cityID int64) bool { return rl.aside.begun(cityID) != nil })
	rl.DB.FollowHeard(func(h db.Heard) {
		if rl.DB.Owns(h.Report.CityID) {
			all[h.Report.CityID%lanes].put(h)
		} else {
			rl.elsewhere.stored(h.Report)
		}
	})
	for _, l := range all {
		group.Go(func() { rl.runLane(ctx, l, rl.aside.sort) })
	}
	if rl.DB.OnServer() {
		defer rl.Notices.OnHeard(func(shard int64) { rl.lookAgain(all, int(shard)) })()
		group.Go(func() { rl.find(ctx, all) })
	}
	group.Go(func() { rl.countBacklog(ctx) })
	group.Go(func() { rl.elsewhere.run(ctx) })
	if rl.Answers != nil {
		group.Go(func() { rl.Answers.run(ctx) })
	}
	group.Wait()
	return nil
}

// countBacklog counts what waits, until ctx ends: reports also go in other ways
// than by being judged.
func (rl *Relay) countBacklog(ctx context.Context) {
	every := countEvery
	if rl.DB.OnServer() { // others judge what this process has heard
		every = findEvery
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if err := rl.DB.CountBacklog(ctx); err != nil && ctx.Err() == nil && !db.Unavailable(err) {
			rl.Log.Error("the reports that wait could not be counted", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// runLane works through what comes on a lane, in batches of what is waiting. prepare
// returns what of a batch is to be judged.
func (rl *Relay) runLane(ctx context.Context, l *lane, prepare func(context.Context, []db.Heard) ([]db.Heard, error)) {
	tries := make(map[int64]int) // of reports that could not be judged, by seq
	later := func(h db.Heard, err error) { rl.later(l, tries, h, err) }
	var before int     // reports in the batch before
	var last time.Time // its end
	for failures := 0; l.await(ctx); {
		if before > 1 && time.Since(last) < busy {
			time.Sleep(linger)
		}
		batch, err := l.take(ctx)
		if err == nil {
			err = rl.DB.Full()
		}
		ready := rl.ours(batch)
		if err == nil {
			ready, err = prepare(ctx, ready)
		}
		if err == nil {
			// What was begun is finished, also while the program stops.
			err = rl.work(context.WithoutCancel(ctx), ready, later)
		}
		before, last = len(batch), time.Now()
		if err == nil {
			failures = 0
			continue
		}
		l.rewind(batch)
		failures++
		rl.pause(ctx, failures, err)
	}
}

// pause waits before the database is tried again.
func (rl *Relay) pause(ctx context.Context, failures int, err error) {
	if ctx.Err() != nil {
		return
	}
	wait := backoff.Wait(rl.firstRetry, failures-1, lastPause)
	// The log says so already, or has heard of it a moment ago.
	known := rl.DB.Full() != nil || rl.DB.Damaged() != nil || db.Unavailable(err) && !rl.tellsOutage()
	if !known {
		rl.Log.Error("reports cannot be judged at the moment, trying again", "in", wait, "err", err)
	}
	select {
	case <-ctx.Done():
	case <-time.After(wait):
	}
}

// outageEvery is how often the log is told that the database is away, by all lanes together.
const outageEvery = time.Minute

// tellsOutage tells whether it is time for the log to hear of an outage of the database.
func (rl *Relay) tellsOutage() bool {
	now, last := time.Now().UnixNano(), rl.outageTold.Load()
	return now-last >= int64(outageEvery) && rl.outageTold.CompareAndSwap(last, now)
}

// later has a report tried again that could not be judged, while its lane goes on.
// After maxTries it is refused, for the moderator to see.
func (rl *Relay) later(l *lane, tries map[int64]int, h db.Heard, err error) {
	tries[h.Seq]++
	if tries[h.Seq] >= maxTries {
		delete(tries, h.Seq)
		rl.Log.Error("a report cannot be judged and is refused", "report", h.Report.ID, "err", err)
		refused := db.Ruling{Heard: h, Verdict: report.Verdict{Reason: report.ReasonTrouble}}
		if err = rl.save(context.Background(), []db.Ruling{refused}); err == nil {
			return
		}
	}
	wait := backoff.Wait(rl.firstRetry, tries[h.Seq]-1, lastRetry)
	rl.Log.Error("a report could not be judged, trying again", "report", h.Report.ID, "in", wait, "err", err)
	l.setAside(h)
	time.AfterFunc(wait, func() { l.retry(h) })
}

// work judges a batch of reports, stores the verdicts and hands on what is to be
// sent of those that pass. A report that fails by itself is given to later. The
// error is that of a database that cannot be written to.
func (rl *Relay) work(ctx context.Context, batch []db.Heard, later func(db.Heard, error)) error {
	var list []db.Ruling
	fanouts := 0
	for i, h := range batch {
		ruling, err := rl.rule(ctx, h)
		if err != nil {
			later(h, err)
		} else {
			list = append(list, ruling)
			fanouts += ruling.CountFanouts()
		}
		if len(list) > 0 && (fanouts >= batchFanouts || i == len(batch)-1) {
			if err := rl.store(ctx, list, later); err != nil {
				return err
			}
			list, fanouts = nil, 0
		}
	}
	return nil
}

// store stores verdicts, one by one where one of them cannot be.
func (rl *Relay) store(ctx context.Context, list []db.Ruling, later func(db.Heard, error)) error {
	err := rl.save(ctx, list)
	switch {
	case err == nil || db.Unavailable(err):
		return err
	case len(list) == 1 && errors.Is(err, db.ErrNotOurs): // its owner finds it
		return nil
	case len(list) == 1:
		later(list[0].Heard, err)
		return nil
	}
	for i := range list {
		if err := rl.store(ctx, list[i:i+1], later); err != nil {
			return err
		}
	}
	return nil
}

// save stores verdicts in one transaction and hands on what is to be sent.
func (rl *Relay) save(ctx context.Context, list []db.Ruling) error {
	saved, err := rl.DB.SaveVerdicts(ctx, list, Brake(*rl.brakes.Load()))
	if err == nil {
		rl.passOn(list, saved)
	}
	return err
}

// rule judges one report. A panic is an error: it is that of one report.
func (rl *Relay) rule(ctx context.Context, h db.Heard) (r db.Ruling, err error) {
	defer recovered(&err)
	return rl.judge(ctx, h)
}

// passOn hands on what was stored.
func (rl *Relay) passOn(list []db.Ruling, saved []db.Saved) {
	passed := make(map[int64]bool) // by city, whether any did
	for i, s := range saved {
		if !s.Judged {
			continue
		}
		r := list[i].Report
		rl.count(r, s.Verdict)
		rl.publish(r, s.Verdict)
		if s.Verdict.Passed {
			rl.Outgoing.Send(s.Fanouts)
		}
		passed[r.CityID] = passed[r.CityID] || s.Verdict.Passed
		rl.answer(list[i], s.Verdict)
	}
	for cityID, some := range passed {
		if some {
			rl.Notices.Passed(cityID)
		} else {
			rl.Notices.Judged(cityID)
		}
	}
}
