package supervisor

import (
	"context"
	"time"

	"ticketfrei/db"
)

// work is what this process does for the cities of a shard, where it shares the cities
// with others: until sending ends, it may send.
type work struct {
	sending context.Context // nil where it does nothing for them
	cutOff  context.CancelFunc
}

var _ db.ShardFollower = (*Supervisor)(nil)

// sendingFor returns what ends when nothing of a city may be sent any more. s.mu is locked.
func (s *Supervisor) sendingFor(cityID int64) context.Context {
	if !s.DB.OnServer() {
		return s.sending
	}
	w := &s.shards[db.ShardOf(cityID)]
	if w.sending == nil {
		w.sending, w.cutOff = context.WithCancel(s.sending)
	}
	return w.sending
}

// Won starts the bots of a shard: see db.ShardFollower.
func (s *Supervisor) Won(ctx context.Context, shard int) error {
	select {
	case <-s.began:
	case <-ctx.Done():
		return ctx.Err()
	}
	all, err := s.DB.EnabledBotsOf(ctx, shard)
	if err != nil {
		return err
	}
	waiting, err := s.DB.BotsToSendOf(ctx, shard)
	if err != nil {
		return err
	}
	s.mu.Lock()
	if s.stopped {
		s.mu.Unlock()
		return nil
	}
	for _, b := range all {
		if s.runners[b.ID] == nil {
			s.start(b, nil)
		}
	}
	s.mu.Unlock()
	for _, id := range waiting {
		s.look(id)
	}
	return nil
}

// cutOffWithin is how long sends get to end that are cut off.
const cutOffWithin = time.Second

// Lost stops the bots of a shard: see db.ShardFollower. They receive no more at once; what
// they are sending ends by itself, and the rest of what they have goes back. When ctx ends,
// what is still being sent is cut off.
func (s *Supervisor) Lost(ctx context.Context, shard int) {
	runners, boxes := s.letGo(shard)
	if !ended(ctx, runners, boxes) {
		s.cutOff(shard)
		within, cancel := context.WithTimeout(context.WithoutCancel(ctx), cutOffWithin)
		defer cancel()
		ended(within, runners, boxes)
	}
	s.cutOff(shard)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shards[shard] = work{}
	for _, b := range boxes { // what they still have is not ours
		if s.outboxes[b.botID] == b {
			delete(s.outboxes, b.botID)
		}
	}
	if len(runners) > 0 {
		signal(s.starts.left)
	}
}

// letGo has the bots of a shard receive and begin to send nothing more.
func (s *Supervisor) letGo(shard int) (runners []*runner, boxes []*outbox) {
	s.mu.Lock()
	for id, r := range s.runners {
		if db.ShardOf(r.bot.CityID) != shard {
			continue
		}
		s.detach(r)
		delete(s.runners, id)
		runners = append(runners, r)
	}
	for _, b := range s.outboxes {
		if b.claim.Shard == shard {
			boxes = append(boxes, b)
		}
	}
	s.mu.Unlock()
	for _, b := range boxes {
		b.mu.Lock()
		b.gone = make(chan struct{})
		b.mu.Unlock()
		b.close()
		s.forget(b)
	}
	return runners, boxes
}

// cutOff ends what is being sent for a shard.
func (s *Supervisor) cutOff(shard int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w := s.shards[shard]; w.cutOff != nil {
		w.cutOff()
	}
}

// ended waits until bots receive nothing any more and what they have sent is stored. It is
// false where ctx ended first.
func ended(ctx context.Context, runners []*runner, boxes []*outbox) bool {
	for _, r := range runners {
		select {
		case <-r.ended:
		case <-ctx.Done():
			return false
		}
	}
	for _, b := range boxes {
		select {
		case <-b.gone:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

var _ db.ShardFollower = (*AccountMails)(nil)

// Won begins to send the mails: see db.ShardFollower.
func (a *AccountMails) Won(_ context.Context, shard int) error {
	if shard == mailShard {
		signal(a.wake)
	}
	return nil
}

// Lost waits for the mails that are being sent: see db.ShardFollower.
func (a *AccountMails) Lost(ctx context.Context, shard int) {
	if shard != mailShard {
		return
	}
	a.mu.Lock() // from here on none is begun
	if a.busy > 0 && a.idle == nil {
		a.idle = make(chan struct{})
	}
	idle := a.idle
	a.mu.Unlock()
	if idle == nil {
		return
	}
	select {
	case <-idle:
	case <-ctx.Done():
	}
}
