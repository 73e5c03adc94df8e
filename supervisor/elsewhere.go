package supervisor

import (
	"context"
	"time"

	"ticketfrei/db"
	"ticketfrei/internal/notice"
)

// lookAllEvery is how often it is looked for what other processes have left to send, at most,
// where nobody knows for which cities.
const lookAllEvery = 5 * time.Second

// toldElsewhere takes what another process says: a moderator may have let something through
// there, taken it back, or stopped the city.
func (s *Supervisor) toldElsewhere(n notice.Notice) {
	switch n.Kind {
	case notice.Spare:
		signal(s.guests.some)
		fallthrough
	case notice.Passed, notice.Changed:
		s.elsewhere.add(n.ID)
	}
}

// followElsewhere has bots send and take back what other processes have stored, until ctx
// ends.
func (s *Supervisor) followElsewhere(ctx context.Context) {
	for ctx.Err() == nil {
		for _, cityID := range s.elsewhere.take(ctx) {
			if err := s.lookElsewhere(ctx, cityID); err != nil && ctx.Err() == nil {
				if !db.Unavailable(err) {
					s.Log.Error("what other processes have stored could not be read, trying again", "city", s.DB.Slug(ctx, cityID), "err", err)
				}
				time.AfterFunc(changeRetry, func() { s.elsewhere.add(cityID) })
			}
			if cityID != notice.All {
				continue
			}
			select {
			case <-ctx.Done():
			case <-time.After(lookAllEvery):
			}
		}
	}
}

// lookElsewhere has the bots of a city, or of all, look at what they have to send, and no
// longer send what was taken back.
func (s *Supervisor) lookElsewhere(ctx context.Context, cityID int64) error {
	boxes := s.outboxesOf(cityID)
	seqs := make(map[int64]bool)
	for _, b := range boxes {
		b.addReports(seqs)
	}
	if err := s.noteGone(ctx, seqs); err != nil {
		return err
	}
	if cityID != notice.All {
		s.lookAll(cityID)
		return nil
	}
	waiting, err := s.DB.BotsToSend(ctx)
	for _, id := range waiting {
		s.look(id)
	}
	return err
}

// outboxesOf returns the outboxes of a city's bots, or all.
func (s *Supervisor) outboxesOf(cityID int64) (list []*outbox) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, b := range s.outboxes {
		if r := s.runners[id]; r != nil && notice.Concerns(cityID, r.bot.CityID) {
			list = append(list, b)
		}
	}
	for _, b := range s.guests.boxes {
		if notice.Concerns(cityID, b.guest.bot.CityID) {
			list = append(list, b)
		}
	}
	return list
}

// addReports adds the reports that are in hand and are to be sent.
func (b *outbox) addReports(seqs map[int64]bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, w := range b.rows {
		if !w.Retract {
			seqs[w.Seq] = true
		}
	}
}

// askedAtOnce is how many reports are asked for in one statement.
const askedAtOnce = 500

// noteGone notes which of the reports were taken back or are gone.
func (s *Supervisor) noteGone(ctx context.Context, seqs map[int64]bool) error {
	var some []int64
	ask := func() error {
		gone, err := s.DB.Gone(ctx, some)
		for _, seq := range gone {
			s.takenBack.Store(seq, true)
		}
		some = some[:0]
		return err
	}
	for seq := range seqs {
		if some = append(some, seq); len(some) == askedAtOnce {
			if err := ask(); err != nil {
				return err
			}
		}
	}
	if len(some) == 0 {
		return nil
	}
	return ask()
}
