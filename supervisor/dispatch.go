package supervisor

import (
	"errors"
	"time"

	"ticketfrei/db"
	"ticketfrei/internal/queue"
	"ticketfrei/internal/report"
)

// queued is a delivery from the queue, which hears what became of it by Done or
// Later.
type queued = *queue.Message[report.Delivery]

// lookupRetry is how long a delivery waits whose bot could not be looked up.
const lookupRetry = time.Second

// dispatch puts a delivery into the mailbox of its bot. It never waits for a
// bot: what does not fit comes again a little later.
func (s *Supervisor) dispatch(q queued) {
	if !s.claims.take(q.Body.ID) {
		q.Later(shortWait(q.Attempt)) // the database will know what became of it
		return
	}
	r, err := s.runner(q.Body.BotID)
	switch {
	case errors.Is(err, db.ErrNotFound):
		s.metrics.deliveries.WithLabelValues(q.Body.Network, "dropped").Inc()
		s.done(q) // the bot was switched off or disconnected
	case err != nil:
		s.Log.Error("the bot of a delivery could not be found, trying again", "bot", q.Body.BotID, "err", err)
		s.later(q, lookupRetry)
	default:
		if wait, ok := r.put(q); !ok {
			s.later(q, wait)
		}
	}
}

// runner returns the runner of a bot, started where another process made the
// bot a moment ago. The error is db.ErrNotFound where the bot is not there or
// is switched off.
func (s *Supervisor) runner(botID int64) (*runner, error) {
	if r := s.running(botID); r != nil {
		return r, nil
	}
	b, err := s.DB.Bot(s.receiving, botID)
	if err != nil {
		return nil, err
	}
	if !b.Enabled {
		return nil, db.ErrNotFound
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.runners[botID]; r != nil {
		return r, nil
	}
	if r := s.start(b, nil); r != nil {
		return r, nil
	}
	return nil, db.ErrNotFound
}

// running returns the runner of a bot; nil where it has none.
func (s *Supervisor) running(botID int64) *runner {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.runners[botID]
}

// done takes a delivery out of the queue.
func (s *Supervisor) done(q queued) {
	q.Done()
	s.claims.release(q.Body.ID)
}

// later puts a delivery back into the queue for d.
func (s *Supervisor) later(q queued, d time.Duration) {
	s.claims.release(q.Body.ID)
	q.Later(d)
}
