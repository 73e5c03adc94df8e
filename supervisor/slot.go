package supervisor

import (
	"context"
	"sync"
	"time"

	"ticketfrei/bots"
)

// unstored is how many deliveries of a network may be under way, or sent while the
// disk does not know of it yet: at most so many are sent twice when the process is
// killed or the machine loses power.
const unstored = 32

// onTheWire is how long a send may take and count among the unstored. Servers that
// hang must not hold up the others.
const onTheWire = 100 * time.Millisecond

// slots are those of one network.
type slots chan struct{}

// slot is one of them, of a delivery: from before it is sent until what became of
// it is on disk. It may be empty in between.
type slot struct {
	of   slots
	late *time.Timer

	mu   sync.Mutex
	held bool
}

var _ bots.Turn = (*slot)(nil)

// take waits for one. The error is that of ctx.
func (all slots) take(ctx context.Context) (*slot, error) {
	s := &slot{of: all}
	if err := s.Return(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// Leave gives the slot to others: see bots.Turn.
func (s *slot) Leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held {
		s.late.Stop()
		s.held = false
		<-s.of
	}
}

// Return waits for a slot: see bots.Turn.
func (s *slot) Return(ctx context.Context) error {
	select {
	case s.of <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held, s.late = true, time.AfterFunc(onTheWire, s.Leave)
	return nil
}
