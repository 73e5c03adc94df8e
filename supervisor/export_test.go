package supervisor

// InHand tells whether a bot works on a fanout.
func (s *Supervisor) InHand(botID, id int64) bool { return s.inHand(botID, id) }
