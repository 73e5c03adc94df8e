package clients

import (
	"container/list"
	"net/netip"
	"sync"
	"time"
)

// waitGrace is how long a busy place must have waited for its client before it is
// idle.
const waitGrace = 500 * time.Millisecond

// Room has places for so many at a time, in all and of one client's network.
// Whoever comes when it is full takes the place of the one who has been idle for
// longest. It is safe for use by many goroutines.
type Room struct {
	all, each int
	processes func() int

	mu       sync.Mutex
	everyone crowd
	networks map[netip.Prefix]*crowd
}

// crowd is those who are counted together.
type crowd struct {
	size int
	idle list.List // of *Place; who has been idle for longest is in front
}

// NewRoom makes a room with that many places, and at most each of them for one
// network.
func NewRoom(all, each int) *Room { return NewPartRoom(all, each, nil) }

// NewPartRoom is NewRoom where a network may have each places in the rooms of so many
// processes together; nil: there is one.
func NewPartRoom(all, each int, processes func() int) *Room {
	if processes == nil {
		processes = func() int { return 1 }
	}
	return &Room{all: all, each: each, processes: processes, networks: map[netip.Prefix]*crowd{}}
}

// Place is a place in a room. It is idle at first.
type Place struct {
	room  *Room
	leave func()

	here    bool // not left, and not given to somebody else
	client  netip.Prefix
	busy    bool
	waiting bool
	grace   time.Duration
	until   time.Time // grace counts
	since   time.Time // idle
	inAll   *list.Element
	inCrowd *list.Element // of its network
}

// Enter takes a place for a client's network. The zero Prefix stands for everybody
// and is counted in all only. ok is false where there is no room because all are
// busy. leave is called when the place is given to somebody else. Leave may
// follow.
func (r *Room) Enter(client netip.Prefix, leave func()) (p *Place, ok bool) {
	p = &Place{room: r, leave: leave}
	return p, r.admit(p, client)
}

// Move counts the place for another network from now on. It is false, and the
// place is left, where that network has no room.
func (p *Place) Move(client netip.Prefix) bool {
	p.room.mu.Lock()
	was := p.here
	p.out()
	p.room.mu.Unlock()
	return was && p.room.admit(p, client)
}

// admit counts the place for the network if there is room.
func (r *Room) admit(p *Place, client netip.Prefix) bool {
	r.mu.Lock()
	victim, ok := r.makeRoom(client)
	if ok {
		p.in(client)
	}
	r.mu.Unlock()
	if victim != nil {
		victim.leave()
	}
	return ok
}

// makeRoom sees to it that there is a place for the network, and returns whom that
// costs theirs. The caller holds mu.
func (r *Room) makeRoom(client netip.Prefix) (victim *Place, ok bool) {
	full := &r.everyone
	if c := r.networks[client]; c != nil && c.size >= Part(r.each, r.processes()) {
		full = c
	} else if r.everyone.size < r.all {
		return nil, true
	}
	victim = full.longestIdle()
	if victim == nil && full == &r.everyone {
		victim = r.ofTheMany(client)
	}
	if victim == nil {
		return nil, false
	}
	victim.out()
	return victim, true
}

// longestIdle is who has been idle for longest of those whose grace is over.
func (c *crowd) longestIdle() *Place {
	now := time.Now()
	for e := c.idle.Front(); e != nil; e = e.Next() {
		if p := e.Value.(*Place); p.mayGo(now) {
			return p
		}
	}
	return nil
}

func (p *Place) mayGo(now time.Time) bool {
	idle := now.Sub(p.since)
	if p.busy { // and waiting
		return idle >= waitGrace
	}
	return idle >= p.grace || now.After(p.until)
}

// ofTheMany is one of the network that has the most places, if those are more than
// the client's network would have: grace is for the few.
func (r *Room) ofTheMany(client netip.Prefix) (p *Place) {
	most := 1
	if c := r.networks[client]; c != nil {
		most += c.size
	}
	for _, c := range r.networks {
		if c.size > most && c.idle.Len() > 0 {
			p, most = c.idle.Front().Value.(*Place), c.size
		}
	}
	return p
}

// SetBusy says whether there is something to do for the client. Then the place is
// not given to somebody else.
func (p *Place) SetBusy(busy bool) {
	p.room.mu.Lock()
	defer p.room.mu.Unlock()
	p.busy = busy
	p.requeue()
}

// SetWaiting says whether the client has to do something before what keeps the place
// busy can go on. Meanwhile the place is idle.
func (p *Place) SetWaiting(waiting bool) {
	p.room.mu.Lock()
	defer p.room.mu.Unlock()
	p.waiting = waiting
	p.requeue()
}

// SetGrace says how long the place must have been idle before it is given to
// somebody else; at first not at all. After until that does not count any more: who
// does a little again and again would keep the place for ever.
func (p *Place) SetGrace(grace time.Duration, until time.Time) {
	p.room.mu.Lock()
	defer p.room.mu.Unlock()
	p.grace, p.until = grace, until
}

// Leave gives the place up. It may be called again.
func (p *Place) Leave() {
	p.room.mu.Lock()
	defer p.room.mu.Unlock()
	p.out()
}

// in counts the place for the network. The caller holds mu.
func (p *Place) in(client netip.Prefix) {
	p.here, p.client = true, client
	for _, c := range p.crowds() {
		c.size++
	}
	p.requeue()
}

// out stops counting the place. The caller holds mu.
func (p *Place) out() {
	if !p.here {
		return
	}
	if p.inAll != nil {
		p.dequeue()
	}
	p.here = false
	for _, c := range p.crowds() {
		c.size--
	}
	if c := p.room.networks[p.client]; c != nil && c.size == 0 {
		delete(p.room.networks, p.client)
	}
}

// crowds are those in which the place is counted. The caller holds mu.
func (p *Place) crowds() []*crowd {
	list := []*crowd{&p.room.everyone}
	if p.client.IsValid() {
		if p.room.networks[p.client] == nil {
			p.room.networks[p.client] = &crowd{}
		}
		list = append(list, p.room.networks[p.client])
	}
	return list
}

// requeue makes the place the last of the idle ones if it has become idle, and
// takes it out if it is no more. The caller holds mu.
func (p *Place) requeue() {
	idle := p.here && (!p.busy || p.waiting)
	switch {
	case idle && p.inAll == nil:
		p.enqueue()
	case !idle && p.inAll != nil:
		p.dequeue()
	}
}

func (p *Place) enqueue() {
	p.since = time.Now()
	p.inAll = p.room.everyone.idle.PushBack(p)
	if c := p.room.networks[p.client]; c != nil {
		p.inCrowd = c.idle.PushBack(p)
	}
}

func (p *Place) dequeue() {
	p.room.everyone.idle.Remove(p.inAll)
	if c := p.room.networks[p.client]; c != nil {
		c.idle.Remove(p.inCrowd)
	}
	p.inAll, p.inCrowd = nil, nil
}
