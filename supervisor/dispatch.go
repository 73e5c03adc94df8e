package supervisor

import (
	"context"
	"time"

	"ticketfrei/db"
	"ticketfrei/internal/notice"
	"ticketfrei/internal/report"
)

// Send takes in hand what is to be sent, which is stored. It does not wait for
// bots: what finds no room, and what is for a bot that does not run, stays in the
// database.
func (s *Supervisor) Send(list []db.Fanout) {
	for i, f := range list {
		s.withOutbox(f.BotID, func(b *outbox) {
			if i == 0 || list[i-1].BotID != f.BotID {
				b.try()
			}
			switch {
			case f.Spare:
				b.spare = true
			case !b.add(f):
				b.unread = true
			}
		})
		if f.Spare && (i+1 == len(list) || list[i+1].BotID != f.BotID) {
			s.Notices.Spare(f.Report.CityID)
		}
	}
}

// look has the database asked for what a bot has to send.
func (s *Supervisor) look(botID int64) {
	s.withOutbox(botID, func(b *outbox) { b.unread = true })
}

// giveBack has the database keep what a bot is not going to send now.
func (s *Supervisor) giveBack(r *runner) {
	s.withOutbox(r.bot.ID, func(b *outbox) {
		if b.runner == r {
			b.giveBack()
		}
	})
}

// withOutbox changes the outbox of a bot that runs, and sends what is in it.
func (s *Supervisor) withOutbox(botID int64, change func(*outbox)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.runners[botID]
	if r == nil || s.stopped {
		return
	}
	b := s.outbox(r.bot)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.runner = r
	change(b)
	b.kick()
}

// outbox returns the outbox of a bot. s.mu is locked.
func (s *Supervisor) outbox(of report.Bot) *outbox {
	b := s.outboxes[of.ID]
	if b == nil {
		b = &outbox{sup: s, botID: of.ID, claim: s.DB.Claim(of.CityID)}
		s.outboxes[of.ID] = b
	}
	return b
}

// kick sends what is in the outbox of a bot.
func (s *Supervisor) kick(botID int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.outboxes[botID]; b != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.kick()
	}
}

// sendAgain has a bot try at once what waits after an error.
func (s *Supervisor) sendAgain(botID int64) {
	s.mu.Lock()
	waits := s.outboxes[botID] != nil && !s.stopped
	s.mu.Unlock()
	if !waits {
		return
	}
	if err := s.DB.RetryNow(s.sending, botID); err != nil && s.sending.Err() == nil {
		s.Log.Error("what has waited is not sent at once, but when its time has come", "bot", botID, "err", err)
	}
	s.withOutbox(botID, func(b *outbox) { b.unread, b.wellAt = true, s.Now() })
}

// tidy forgets an outbox with nothing in it. A bot that has nothing to send is not one
// that cannot send.
func (s *Supervisor) tidy(b *outbox) {
	if r := s.forget(b); r != nil {
		r.setHealth("", func(h *health) {
			h.cannotSend = false
			if !h.sending.sure {
				h.sending = refusals{}
			}
		})
	}
}

// forget forgets an outbox with nothing in it, and returns whose it was; nil where there
// is something in it.
func (s *Supervisor) forget(b *outbox) *runner {
	s.mu.Lock()
	defer s.mu.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	boxes := s.outboxes
	if b.guest != nil {
		boxes = s.guests.boxes
	}
	if !b.idle() || boxes[b.botID] != b {
		return nil
	}
	delete(boxes, b.botID)
	if b.guest != nil {
		b.guest.stop()
	}
	b.waits = nil
	b.setTimer()
	if b.gone != nil {
		close(b.gone)
	}
	return b.runner
}

// TakenBack sends nothing of a report of the city any more, and has the bots look
// for what they are to take back.
func (s *Supervisor) TakenBack(cityID, seq int64) {
	s.takenBack.Store(seq, true)
	s.lookAll(cityID)
}

// Wiped sends nothing any more of the reports of the city up to seq, which are gone.
func (s *Supervisor) Wiped(cityID, seq int64) {
	s.wiped.Store(cityID, seq)
	s.lookAll(cityID)
}

// lookAll has the bots of a city look at what they have to send.
func (s *Supervisor) lookAll(cityID int64) {
	var bots []int64
	s.mu.Lock()
	for id, r := range s.runners {
		if r.bot.CityID == cityID {
			bots = append(bots, id)
		}
	}
	s.mu.Unlock()
	for _, id := range bots {
		s.look(id)
	}
}

// expireEvery is how often what has expired is looked for.
const expireEvery = 30 * time.Second

// expire ends what has expired and that no bot has in hand, until ctx ends: that of
// bots that are off, were refused, or have too much to send.
func (s *Supervisor) expire(ctx context.Context) {
	tick := time.NewTicker(expireEvery)
	defer tick.Stop()
	for {
		for more := true; more && ctx.Err() == nil; {
			var err error
			if more, err = s.expireSome(ctx); err != nil && ctx.Err() == nil {
				s.Log.Error("what has expired could not be ended, trying again", "err", err)
			}
		}
		if s.DB.OnServer() { // what others told may have been lost
			s.elsewhere.add(notice.All)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// expireSome ends and counts some of what has expired, and tells whether there may
// be more.
func (s *Supervisor) expireSome(ctx context.Context) (more bool, err error) {
	byBot, more, err := s.DB.Expire(ctx, s.Expire, s.inHand)
	for botID, n := range byBot {
		if b, err := s.DB.Bot(ctx, botID); err == nil { // or it was deleted meanwhile
			s.count(b.Network, db.Expired, n)
		}
	}
	return more, err
}

// inHand tells whether a bot works on a fanout.
func (s *Supervisor) inHand(botID, id int64) bool {
	s.mu.Lock()
	b := s.outboxes[botID]
	s.mu.Unlock()
	return b != nil && b.has(id)
}

// isWiped tells whether a report of a city is gone.
func (s *Supervisor) isWiped(cityID, seq int64) bool {
	upto, ok := s.wiped.Load(cityID)
	return ok && seq <= upto.(int64)
}

// isTakenBack tells whether a report was taken back.
func (s *Supervisor) isTakenBack(seq int64) bool {
	_, taken := s.takenBack.Load(seq)
	return taken
}
