package supervisor

import (
	"context"
	"math/rand/v2"
	"time"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/notice"
	"ticketfrei/internal/report"
)

// Where several processes share the cities, a process that has room sends some of what bots
// of others have to send: see db.TakeFanouts. Such a bot is its guest. A guest receives
// nothing and says nothing of how it is doing. What it cannot send now it leaves to the
// process that works for its city.

const (
	// spareLook is how often it is looked for what anybody may send, where nobody tells.
	spareLook = time.Second
	// spareAtOnce is how many fanouts are taken at once, when fewer deliveries than one has
	// wait: the last of a report are to end at about the same time everywhere.
	spareAtOnce = 2
	// guestsAtOnce is how many bots of one network may be guests.
	guestsAtOnce = 2
	// guestRest is how long a network has no guests after one whose way was away, or that
	// was refused.
	guestRest = 10 * time.Second
	// strayFor is how long something may be held that is not in hand: then the answer that
	// it was taken was lost.
	strayFor = 5 * time.Second
)

// guests are the bots of other processes that this one sends for. The lock of the supervisor
// guards them.
type guests struct {
	some  chan struct{}     // has one signal where there may be something to take
	boxes map[int64]*outbox // by bot
	rests map[string]time.Time
	gone  bool // there are none any more, as the process stops

	strays map[int64]time.Time // of the goroutine that looks: what is held and not in hand, since when
}

func newGuests() *guests {
	return &guests{some: make(chan struct{}, 1), boxes: make(map[int64]*outbox), rests: make(map[string]time.Time)}
}

var _ db.Holder = (*Supervisor)(nil)

// spread takes part in sending what other processes have too much of, until ctx ends.
func (s *Supervisor) spread(ctx context.Context) {
	tick := time.NewTicker(spareLook)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.guests.some:
		case <-tick.C:
		}
		if err := s.lookForSpare(ctx); err != nil && ctx.Err() == nil && !db.Unavailable(err) {
			s.Log.Error("what any process may send could not be read, trying again", "err", err)
		}
	}
}

// lookForSpare looks for what nobody holds, and whether what this process holds is in hand.
func (s *Supervisor) lookForSpare(ctx context.Context) error {
	holder := s.DB.Holder()
	for _, b := range s.guestsWhere(func(b *outbox) bool { return b.holder != holder }) {
		s.dismiss(b) // the lease that they were taken by is over
		s.forgetGuest(b)
	}
	if holder == "" {
		return nil
	}
	if err := s.compareHeld(ctx, holder); err != nil {
		return err
	}
	list, err := s.DB.SpareBots(ctx, s.Now())
	if err != nil {
		return err
	}
	rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	for _, b := range list {
		if s.DB.Owns(b.CityID) {
			s.withOutbox(b.ID, func(b *outbox) { b.spare = true })
		} else {
			s.invite(b, holder)
		}
	}
	return nil
}

// invite has a bot of another process be a guest where there is room.
func (s *Supervisor) invite(bot report.Bot, holder string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.spreads(bot.Network) || bot.State == report.BotAttention || s.stopped || s.guests.gone || s.guests.boxes[bot.ID] != nil ||
		s.Now().Before(s.guests.rests[bot.Network]) || s.isBusy(bot.Network) || s.countGuests(bot.Network) >= guestsAtOnce {
		return
	}
	r := newRunner(s, bot, s.sending, s.sending)
	r.guest, r.looping, r.pending, r.sending = true, false, false, r.ctx
	b := &outbox{sup: s, botID: bot.ID, holder: holder, guest: r}
	s.guests.boxes[bot.ID] = b
	s.group.Go(func() { s.receiveGuest(b) })
}

// receiveGuest makes a guest and has it send.
func (s *Supervisor) receiveGuest(b *outbox) {
	r := b.guest
	if err := r.makeGuest(); err != nil {
		s.Log.Warn("a bot of another process could not be made to help it send", "bot", b.botID, "err", err)
		s.rest(r.bot.Network, guestRest)
		s.forgetGuest(b)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.guests.boxes[b.botID] != b { // it was dismissed
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.runner, b.spare = r, true
	b.kick()
}

// makeGuest makes the bot. A panic is an error.
func (r *runner) makeGuest() (err error) {
	defer r.recovered(&err)
	ctx, cancel := context.WithTimeout(r.ctx, startTimeout)
	defer cancel()
	_, err = r.makeBot(ctx)
	return err
}

// spreads tells whether several processes may send for the bots of a network.
func (s *Supervisor) spreads(network string) bool {
	return s.DB.OnServer() && bots.Spreads(s.Networks[network])
}

// isBusy tells whether a network has something of our own cities to send now. s.mu is locked.
func (s *Supervisor) isBusy(network string) bool {
	for id, b := range s.outboxes {
		if r := s.runners[id]; r != nil && r.bot.Network == network && b.isBusy() {
			return true
		}
	}
	return false
}

func (b *outbox) isBusy() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.waiting > 0 && b.canSend(b.runner)
}

// countGuests counts the guests of a network. s.mu is locked.
func (s *Supervisor) countGuests(network string) (n int) {
	for _, b := range s.guests.boxes {
		if b.guest.bot.Network == network {
			n++
		}
	}
	return n
}

// hasRoom tells whether a guest may take more.
func (s *Supervisor) hasRoom(b *outbox) bool {
	if b.guest == nil {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.guests.gone && !s.isBusy(b.guest.bot.Network)
}

// guestsWhere returns the guests for which ok is true.
func (s *Supervisor) guestsWhere(ok func(*outbox) bool) (list []*outbox) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.guests.boxes {
		if ok(b) {
			list = append(list, b)
		}
	}
	return list
}

// rest has a network have no guests for a while.
func (s *Supervisor) rest(network string, d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.guests.rests[network] = s.Now().Add(d)
}

// dismiss has a guest send nothing more than what it is sending: the rest is anybody's.
func (s *Supervisor) dismiss(b *outbox) {
	b.mu.Lock()
	b.runner, b.spare = nil, false
	b.giveBack()
	b.mu.Unlock()
	s.forget(b)
}

// forgetGuest forgets a guest, whatever is in hand, and cuts off what is being sent.
func (s *Supervisor) forgetGuest(b *outbox) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b.guest.stop()
	if s.guests.boxes[b.botID] == b {
		delete(s.guests.boxes, b.botID)
	}
}

// LetGo dismisses all guests, and has none any more: see db.Holder.
func (s *Supervisor) LetGo(ctx context.Context) {
	s.mu.Lock()
	s.guests.gone = true
	s.mu.Unlock()
	all := s.guestsWhere(func(b *outbox) bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.gone = make(chan struct{})
		return true
	})
	for _, b := range all {
		s.dismiss(b)
	}
	for _, b := range all {
		select {
		case <-b.gone:
		case <-ctx.Done():
			s.forgetGuest(b)
		}
	}
}

// turnAway dismisses a guest that cannot send for a reason that lasts: whose it is finds
// that out by itself.
func (s *Supervisor) turnAway(r *runner, i item, d time.Duration, held *slot) {
	box := i.row.box
	box.putBack(i)
	held.Leave()
	s.rest(r.bot.Network, d)
	s.dismiss(box)
}

// reconcileGuests dismisses the guests of a city that are switched off or others than before.
// s.mu is not locked.
func (s *Supervisor) reconcileGuests(cityID int64, list []report.Bot) {
	same := make(map[int64]int64, len(list))
	for _, b := range list {
		if b.Enabled {
			same[b.ID] = b.Version
		}
	}
	for _, b := range s.guestsWhere(func(b *outbox) bool {
		version, there := same[b.botID]
		return notice.Concerns(cityID, b.guest.bot.CityID) && (!there || version != b.guest.bot.Version)
	}) {
		s.dismiss(b)
	}
}
