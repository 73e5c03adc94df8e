package supervisor

import (
	"math/bits"
	"slices"
	"sync"
	"time"

	"ticketfrei/bots"
	"ticketfrei/internal/backoff"
)

// outageLook is how often a delivery is tried while the way of a network takes
// nothing, sooner after it has begun: it may have been a connection that broke. New
// reports are tried at once.
const outageLook = 10 * time.Second

// outages are the ways that take nothing, and who waits for them.
type outages struct {
	sup *Supervisor

	mu      sync.Mutex
	waiting map[<-chan struct{}]map[int64]bool // bots
}

func newOutages(s *Supervisor) *outages {
	return &outages{sup: s, waiting: make(map[<-chan struct{}]map[int64]bool)}
}

// wait has a bot go on when an outage is over.
func (o *outages) wait(botID int64, out bots.Outage) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.waiting[out.Back] == nil {
		o.waiting[out.Back] = make(map[int64]bool)
		o.sup.group.Go(func() { o.watch(out) })
	}
	o.waiting[out.Back][botID] = true
}

// watch has one bot after the other try, until an outage is over. What waits for a
// domain alone comes again by itself.
func (o *outages) watch(out bots.Outage) {
	for last, times := int64(0), 0; ; times++ {
		var look <-chan time.Time
		if out.All {
			look = time.After(backoff.Wait(firstRetry, times, outageLook))
		}
		select {
		case <-o.sup.receiving.Done():
			return
		case <-out.Back:
			o.end(out)
			return
		case <-look:
			last = o.try(out, last)
		}
	}
}

// try has the next bot after last that waits and has something to send try one
// delivery, and returns which.
func (o *outages) try(out bots.Outage, last int64) int64 {
	list, err := o.sup.DB.BotsToSend(o.sup.receiving)
	if err != nil {
		o.sup.Log.Error("what waits for its way could not be listed, trying again", "err", err)
		return last
	}
	o.mu.Lock()
	waiting := o.waiting[out.Back]
	list = slices.DeleteFunc(list, func(id int64) bool { return !waiting[id] })
	o.mu.Unlock()
	if len(list) == 0 {
		return last
	}
	slices.Sort(list)
	i, found := slices.BinarySearch(list, last)
	if found {
		i++
	}
	next := list[i%len(list)]
	o.sup.withOutbox(next, func(b *outbox) { b.try() })
	return next
}

// end sends what has waited.
func (o *outages) end(out bots.Outage) {
	o.mu.Lock()
	waiting := o.waiting[out.Back]
	delete(o.waiting, out.Back)
	o.mu.Unlock()
	list := make([]int64, 0, len(waiting))
	for id := range waiting {
		list = append(list, id)
	}
	if err := o.sup.DB.MakeDue(o.sup.receiving, list); err != nil && o.sup.receiving.Err() == nil {
		o.sup.Log.Error("what has waited is not sent at once, but when its time has come", "err", err)
	}
	var runners []*runner
	for _, id := range list {
		o.sup.withOutbox(id, func(b *outbox) {
			b.goOn()
			runners = append(runners, b.runner)
		})
	}
	for _, r := range runners { // what is stored of them keeps nobody waiting
		r.setHealth("", func(h *health) { h.cannotSend = false })
	}
}

// wayIsAway has a delivery wait for its way, and all of the bot where that is the way
// of all. What it says to moderators stands in the bot's state: a line in the log for
// each bot would be thousands.
func (r *runner) wayIsAway(i item, err error, held *slot) {
	defer held.Leave()
	out := bots.OutageOf(err)
	i.row.box.wayIsAway(i, out)
	if r.guest || r.sup.receiving.Err() != nil { // or the program stops
		return
	}
	if !out.Report { // which others of the bot may follow
		r.setHealth(r.words(err), func(h *health) { h.cannotSend = true })
	}
	r.sup.outages.wait(r.bot.ID, out)
}

// wayIsAway puts a delivery back, or off, whose way takes nothing.
func (b *outbox) wayIsAway(i item, out bots.Outage) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !out.All {
		b.waitsAlone(i, out.Report)
		return
	}
	b.back(i)
	b.settle(i.row)
	b.stalled = true
	b.giveBack() // what waits in the database expires there
}

// waitsAlone puts a delivery off while others go on; with it what is left of its row
// where all of its report waits.
func (b *outbox) waitsAlone(i item, report bool) {
	w := i.row
	w.waits = true
	w.out--
	if p := b.pile(w.Seq); report && p != nil {
		b.grow(p, -bits.OnesCount64(w.left))
		w.left = 0
	}
	b.settle(w)
	b.leaves(i, time.Time{}) // later ones may show whose fault it is: the report's or the way's
	b.try()                  // it has tried nothing for the others
}

// try has one delivery tried while the outbox is stalled.
func (b *outbox) try() {
	if b.stalled {
		b.trial, b.unread = true, true
	}
}

// goOn sends all again.
func (b *outbox) goOn() {
	b.stalled, b.trial, b.unread = false, false, true
}
