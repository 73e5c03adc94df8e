package supervisor

import "context"

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
