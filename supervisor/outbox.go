package supervisor

import (
	"slices"
	"sync"
	"time"

	"ticketfrei/bots"
	"ticketfrei/db"
)

// outboxSize is how many deliveries of a bot are in hand for each send that it
// may run at once. More of them wait in the database.
const outboxSize = 256

// trialsAtOnce is how many deliveries of a bot may try at the same time while its way
// is away: where a server says nothing, one waits for long.
const trialsAtOnce = 3

// outbox is what one bot has to send: the fanouts that this process has in hand,
// and whether there are more in the database. It hands out their deliveries report
// by report in turn, so that a report with thousands of recipients does not starve
// one that comes after it. It outlives its runner: a bot that was changed goes on
// with what is in hand.
type outbox struct {
	sup   *Supervisor
	botID int64
	claim db.Claim // to its city, from when the outbox was made; zero of a guest
	// Of a guest: the bot, and by what name its rows are held.
	guest  *runner
	holder string

	mu      sync.Mutex
	runner  *runner // who sends; nil where nobody does
	rows    map[int64]*row
	turn    []*pile
	waiting int       // deliveries in turn
	paused  time.Time // until when nothing is sent; zero: now
	stalled bool      // nothing is sent until an outage is over
	trial   bool      // but for one delivery
	tried   int64     // the report of the last one; 0: the next is the newest
	orders  map[pair]*order
	ready   []item    // taken before, and no longer behind others
	wellAt  time.Time // when the bot received again after an error

	unread   bool           // there may be rows in the database that are due and not in hand
	spare    bool           // there may be some that anybody may take
	reading  bool           // the database is being asked
	released map[int64]bool // rows that left the hand while it was
	horizon  time.Time      // what is due until then is due, whatever the clock says
	waits    []wait         // for what is due later
	gone     chan struct{}  // closed when nothing is in it any more; nil: nobody waits for that
	timer    *time.Timer    // for the first of them
}

// wait is for what is due at a time by the clock that was right when that was said.
type wait struct {
	due   time.Time
	until time.Time // with a monotonic reading
}

// pile is what waits of one report.
type pile struct {
	seq     int64
	waiting int
	rows    []*row
}

// item is a delivery that is being sent.
type item struct {
	row   *row
	index int // of its recipient
}

// add takes a row in hand. It is false where there is no room, or nothing is sent
// until the login is accepted again or an outage is over: the row stays in the database,
// where it expires.
// Half of the room is for reports that have nothing in hand.
func (b *outbox) add(f db.Fanout) bool {
	if b.rows[f.ID] != nil {
		return true
	}
	if b.runner.suspended.Load() || b.stalled && (!b.trial || b.waiting > 0) {
		return false
	}
	p, size := b.pile(f.Seq), outboxSize*b.runner.concurrency()
	if b.waiting >= size || p != nil && p.waiting >= size/2 {
		return false
	}
	if p == nil {
		p = b.newPile(f.Seq)
	}
	w := &row{Fanout: f, box: b, left: f.Open, since: b.sup.Now()}
	if b.rows == nil {
		b.rows = make(map[int64]*row)
	}
	b.rows[f.ID] = w
	p.rows = append(p.rows, w)
	b.grow(p, f.OpenCount())
	b.noteTried(w)
	if f.Open == 0 {
		b.settle(w) // nothing of it can be sent: it goes
	}
	return true
}

// pile returns what is in turn of a report; nil where nothing is.
func (b *outbox) pile(seq int64) *pile {
	if i := slices.IndexFunc(b.turn, func(p *pile) bool { return p.seq == seq }); i >= 0 {
		return b.turn[i]
	}
	return nil
}

func (b *outbox) newPile(seq int64) *pile {
	p := &pile{seq: seq}
	b.turn = append(b.turn, p)
	return p
}

func (b *outbox) grow(p *pile, n int) {
	p.waiting += n
	b.waiting += n
}

// next takes the next delivery for a sender of r, asking the database where little
// is left in hand. instance is nil where there is none, and the sender has to end.
func (b *outbox) next(r *runner) (i item, instance bots.Bot) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.canSend(r) {
		if b.unread && !b.reading && b.wants(r) {
			b.read()
			continue
		}
		if b.spare && !b.reading && !b.stalled && b.waiting < db.FanoutSize {
			b.takeSpare()
			continue
		}
		i, ok := b.take()
		if !ok {
			break
		}
		if !b.drop(i) && b.begin(i) {
			return i, r.instance()
		}
	}
	r.senders--
	return item{}, nil
}

// wants tells whether there is room for more.
func (b *outbox) wants(r *runner) bool {
	if b.stalled {
		return b.waiting == 0
	}
	return b.waiting < outboxSize*r.concurrency()/2
}

// take takes the next delivery in turn; false where there is none.
func (b *outbox) take() (item, bool) {
	if i, ok := b.takeReady(); ok {
		return i, true
	}
	for len(b.turn) > 0 {
		p := b.turn[0]
		b.turn = b.turn[1:]
		for len(p.rows) > 0 && p.rows[0].left == 0 {
			p.rows = p.rows[1:]
		}
		if len(p.rows) == 0 {
			continue
		}
		w := p.rows[0]
		b.grow(p, -1)
		b.turn = append(b.turn, p)
		if b.stalled { // not always the same report or recipient, who may be refused for themselves
			b.tried = w.Seq
			return item{w, w.beginAny()}, true
		}
		return item{w, w.begin()}, true
	}
	b.turn = nil // an idle bot costs no memory
	return item{}, false
}

// drop ends what is not to be sent any more: its report has expired, was taken back
// or is gone. It is false where i is to be sent.
func (b *outbox) drop(i item) bool {
	w := i.row
	expired := w.Expires(b.sup.Now(), b.sup.Expire)
	if !expired && !w.gone && !b.sup.isWiped(w.Report.CityID, w.Seq) && (w.Retract || !b.sup.isTakenBack(w.Seq)) {
		return false
	}
	b.back(i)
	n := w.endRest()
	if n > 0 { // what was not begun is in a pile
		b.grow(b.pile(w.Seq), -n)
	}
	if expired && !w.Retract {
		w.news.Counts.Expired += n
		b.sup.count(b.runner.bot.Network, db.Expired, n)
	}
	b.settle(w)
	return true
}

// still tells whether r is to send a delivery that it took a while ago; where not,
// it is put back or ended.
func (b *outbox) still(r *runner, i item) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.canSend(r) {
		b.back(i)
		b.settle(i.row)
		return false
	}
	if b.drop(i) {
		return false
	}
	b.trial = false
	return true
}

// back puts a delivery back that was taken and not tried.
func (b *outbox) back(i item) {
	w := i.row
	w.out--
	defer b.leaves(i, time.Time{})
	if w.givenUp {
		return
	}
	w.left |= 1 << i.index
	p := b.pile(w.Seq)
	if p == nil {
		p = b.newPile(w.Seq)
	}
	if !slices.Contains(p.rows, w) {
		p.rows = append(p.rows, w)
	}
	b.grow(p, 1)
}

// settle has the database told of a row where there is something to tell.
func (b *outbox) settle(w *row) {
	w.finish()
	if w.dirty {
		b.sup.outcomes.add(w)
	}
}

// giveBack lets everything go that is not being sent: it stays in the database.
func (b *outbox) giveBack() {
	for i, ok := b.takeReady(); ok; i, ok = b.takeReady() { // each may make another ready
		b.back(i)
		b.settle(i.row)
	}
	b.turn, b.waiting = nil, 0
	b.unread = b.guest == nil
	for _, w := range b.rows {
		if !w.over {
			w.left, w.givenUp = 0, true
			b.settle(w)
		}
	}
}

// release lets a row go whose end is in the database.
func (b *outbox) release(w *row) {
	delete(b.rows, w.ID)
	if b.reading {
		b.released[w.ID] = true
	}
	switch {
	case w.Open == 0 || b.guest != nil:
	case w.givenUp:
		b.unread = true
	default:
		b.wait(w.Due, w.Due.Sub(b.sup.Now()))
	}
}

// pause has nothing sent for d.
func (b *outbox) pause(d time.Duration) {
	if until := b.sup.Now().Add(d); b.paused.Before(until) {
		b.paused = until
		b.wait(until, d)
	}
}

// wait sends what is due at that time after d. Clocks jump; d does not.
func (b *outbox) wait(due time.Time, d time.Duration) {
	b.waits = append(b.waits, wait{due, time.Now().Add(d)})
	b.setTimer()
}

// setTimer sets the timer for the first of the waits.
func (b *outbox) setTimer() {
	if b.timer != nil {
		b.timer.Stop()
		b.timer = nil
	}
	if len(b.waits) == 0 {
		return
	}
	first := slices.MinFunc(b.waits, func(v, w wait) int { return v.until.Compare(w.until) })
	b.timer = time.AfterFunc(time.Until(first.until), func() { b.resume(first.until) })
}

// resume sends what waited until then.
func (b *outbox) resume(until time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waits = slices.DeleteFunc(b.waits, func(w wait) bool {
		if w.until.After(until) {
			return false
		}
		if b.horizon.Before(w.due) {
			b.horizon = w.due
		}
		return true
	})
	if !b.paused.After(b.horizon) {
		b.paused = time.Time{}
	}
	if b.runner != nil {
		b.tidyOrders(b.runner.bot.CityID)
	}
	b.unread = true
	b.setTimer()
	b.kick()
}

// canSend tells whether r may send now.
func (b *outbox) canSend(r *runner) bool {
	return r != nil && b.runner == r && r.instance() != nil && !r.suspended.Load() && b.paused.IsZero() && (!b.stalled || b.trial) &&
		b.mayAct(r.bot.CityID)
}

// kick starts as many senders as there is work for. Those that there are may hang, each
// with a delivery of its own.
func (b *outbox) kick() {
	r := b.runner
	if !b.canSend(r) {
		return
	}
	want, most := b.waiting+len(b.ready), r.concurrency()
	switch {
	case b.stalled: // those that have tried may not know for long
		want, most = 1, min(trialsAtOnce, most)
	case (b.unread || b.spare) && want == 0:
		want = 1 // who asks the database
	}
	for ; want > 0 && r.senders < most; want-- {
		r.senders++
		b.sup.group.Go(func() { r.sendLoop(b) })
	}
}

// idle tells whether nothing is lost with the outbox.
func (b *outbox) idle() bool {
	if len(b.rows) > 0 || b.reading || b.runner != nil && b.runner.senders > 0 {
		return false
	}
	return b.runner == nil || !b.unread && !b.spare && len(b.waits) == 0
}

// attach has r send from now on, or nobody where it is nil.
func (b *outbox) attach(r *runner) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.runner = r
	b.unread = true
	b.kick()
}

// close lets go of what a bot has that is off.
func (b *outbox) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.giveBack()
	b.waits, b.paused, b.stalled = nil, time.Time{}, false // whoever waits would wait for ever
	b.forgetOrders()
	b.setTimer()
}
