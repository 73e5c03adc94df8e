package supervisor

import (
	"context"
	"time"
)

// InHand tells whether a bot works on a fanout.
func (s *Supervisor) InHand(botID, id int64) bool { return s.inHand(botID, id) }

// Runs tells whether a bot has a runner.
func (s *Supervisor) Runs(botID int64) bool { return s.running(botID) != nil }

func (s *Supervisor) running(botID int64) *runner {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.runners[botID]
}

// TellAll tells the moderators of all cities that are to be told.
func (h *HeldMail) TellAll(ctx context.Context) error { return h.tellAll(ctx) }

// Looks are the waits of a bot that is refused again and again: until it is sure, and
// four after that.
func Looks(first time.Duration) (waits []time.Duration) {
	var f refusals
	now := time.Now()
	for range 100 {
		wait := f.add(Refusals{}.withDefaults(), now, first)
		waits = append(waits, wait)
		now = now.Add(wait)
		if f.looks == 4 {
			break
		}
	}
	return waits
}

// RestartWait is how long a bot waits that could not receive so often, the last time
// for that long.
func RestartWait(first time.Duration, failures int, took time.Duration) time.Duration {
	return restartWait(first, failures, took)
}
