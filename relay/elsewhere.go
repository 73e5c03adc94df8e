package relay

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"ticketfrei/db"
	"ticketfrei/internal/notice"
	"ticketfrei/internal/report"
)

// lookAfter is how long after a report was heard it is looked whether another process has
// judged it, where nobody tells. A page waits for a second.
var lookAfter = [...]time.Duration{20 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond,
	200 * time.Millisecond, 400 * time.Millisecond, 800 * time.Millisecond}

// lookEvery is how often it is looked after that: whoever waits is told within minutes.
const lookEvery = time.Second

// elsewhere follows what other processes do with reports: it answers those who wrote here,
// and tells the bus of this process.
type elsewhere struct {
	relay *Relay
	some  chan struct{} // has one signal while there is something to look at

	mu     sync.Mutex
	ids    map[string]bool // reports to look at
	cities map[int64]bool  // cities to look at; notice.All: all
	bots   map[int64]bool  // bots to look at; notice.All: all
	told   map[int64]told  // of cities that somebody follows

	toldBots toldBots
}

func newElsewhere(rl *Relay) *elsewhere {
	return &elsewhere{relay: rl, some: make(chan struct{}, 1), ids: make(map[string]bool),
		cities: make(map[int64]bool), bots: make(map[int64]bool), told: make(map[int64]told)}
}

// run looks at what other processes have done until ctx ends. It does nothing where there
// can be none.
func (e *elsewhere) run(ctx context.Context) {
	if !e.relay.DB.OnServer() {
		return
	}
	defer e.relay.Notices.OnElsewhere(e.heard)()
	defer e.relay.Bus.OnSubscribe(e.lookAt)()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			e.awaited()
		case <-e.some:
		}
		e.look(ctx)
	}
}

// heard takes a notice of another process.
func (e *elsewhere) heard(n notice.Notice) {
	switch n.Kind {
	case notice.Passed, notice.Judged:
		e.lookAt(n.ID)
	case notice.State:
		e.lookAtBot(n.ID)
	}
}

// lookAt has a city looked at, or all.
func (e *elsewhere) lookAt(cityID int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.cities[cityID] = true
	signal(e.some)
}

// lookAtBot has a bot looked at, or all.
func (e *elsewhere) lookAtBot(botID int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.bots[botID] = true
	signal(e.some)
}

func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// stored takes a report that was heard here, of a city that another process works for: that
// is told, and looked at until whoever wrote it can be answered.
func (e *elsewhere) stored(r *report.Report) {
	e.relay.Notices.Heard(int64(db.ShardOf(r.CityID)))
	if e.relay.DB.OnServer() && e.relay.Answers.expects(r.ID) {
		e.lookLater(r.ID, 0, 0)
	}
}

// lookLater looks at a report when its time has come, and then later ones.
func (e *elsewhere) lookLater(id string, n int, since time.Duration) {
	if n == len(lookAfter) {
		return
	}
	time.AfterFunc(lookAfter[n]-since, func() {
		if !e.relay.Answers.expects(id) {
			return
		}
		e.mu.Lock()
		e.ids[id] = true
		e.mu.Unlock()
		signal(e.some)
		e.lookLater(id, n+1, lookAfter[n])
	})
}

// awaited has everything looked at that somebody waits for, whoever judges it.
func (e *elsewhere) awaited() {
	ids := e.relay.Answers.expectedOf(notice.All, e.relay.DB.Owns)
	if len(ids) == 0 {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, id := range ids {
		e.ids[id] = true
	}
}

// look looks at what is to be looked at. What cannot be read is looked at once more.
func (e *elsewhere) look(ctx context.Context) {
	e.mu.Lock()
	ids, cities, bots := e.ids, e.cities, e.bots
	e.ids, e.cities, e.bots = make(map[string]bool), make(map[int64]bool), make(map[int64]bool)
	e.mu.Unlock()
	for cityID := range cities {
		for _, id := range e.relay.Answers.expectedOf(cityID, nil) {
			ids[id] = true
		}
	}
	err := e.answer(ctx, ids)
	if err == nil {
		ids = nil
	}
	err = errors.Join(err, e.tellBots(ctx, bots, cities), e.tellBus(ctx, cities))
	if err == nil || ctx.Err() != nil {
		return
	}
	e.relay.Log.Warn("what other processes did cannot be read, trying again", "err", err)
	e.again(ids, cities, bots)
}

// again has what could not be read looked at with the next tick.
func (e *elsewhere) again(ids map[string]bool, cities, bots map[int64]bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	maps.Copy(e.ids, ids)
	maps.Copy(e.cities, cities)
	maps.Copy(e.bots, bots)
}

// answeredAtOnce is how many reports are read in one statement.
const answeredAtOnce = 500

// answer tells those who wrote the reports what became of them, where that is known.
func (e *elsewhere) answer(ctx context.Context, ids map[string]bool) error {
	list := make([]string, 0, len(ids))
	for id := range ids {
		list = append(list, id)
	}
	for some := range slices.Chunk(list, answeredAtOnce) {
		judged, err := e.relay.DB.JudgedOf(ctx, some)
		if err != nil {
			return err
		}
		for _, j := range judged {
			if err := e.answerOne(ctx, j); err != nil {
				return err
			}
		}
	}
	return nil
}

// answerOne answers whoever wrote a report. Whom it reaches whoever judged it has listed a
// moment ago; where that cannot be found out, the answer does not say it.
func (e *elsewhere) answerOne(ctx context.Context, j db.Judged) error {
	r := db.Ruling{Heard: db.Heard{Seq: j.Seq, Report: &j.Report}, Verdict: j.Verdict}
	c, err := e.relay.cities.get(ctx, j.Report.CityID)
	if err == nil && len(c.tasks) > 0 {
		if r.TaskAnswer, err = e.relay.DB.TaskAnswer(ctx, j.Seq, j.Report.ID); err != nil {
			return err
		}
	}
	if err == nil && j.Verdict.Passed {
		r.Audiences, err = e.relay.audiences(ctx, &j.Report, c.bots)
	}
	if err != nil {
		e.relay.Log.Debug("whom a report reaches cannot be told to whoever wrote it", "report", j.Report.ID, "err", err)
	}
	e.relay.answer(r, j.Verdict)
	return nil
}
