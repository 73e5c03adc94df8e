package program

import (
	"slices"
	"time"
)

// turns are who has a process that stays.
type turns struct {
	taken int       // by how many
	alone bool      // by one that is suspect
	calm  time.Time // before that it takes nothing that is suspect
}

// calmFor is how long a process is left to what is not suspect, when it is ready: that comes again
// by itself, within that time.
const calmFor = again + 200*time.Millisecond

// mayHave tells whether it is the turn of who to have a process. s.mu is held.
func (s *staying) mayHave(who *suspicion, p *process) bool {
	if p.turns.alone || who.deaths == 0 {
		return !p.turns.alone
	}
	return p.turns.taken == 0 && !time.Now().Before(p.turns.calm) &&
		!slices.ContainsFunc(s.waiting, func(other *suspicion) bool { return other.lessThan(*who) })
}

// enter lets who in until leave is called. What is suspect leaves room for a delivery that is
// not: of a bot, so many at a time are on their way as its Concurrency. The most suspect makes
// room for what is less so.
func (s *staying) enter(who *suspicion) (leave func(), ok bool) {
	if who.deaths == 0 {
		return func() {}, true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.suspect >= max(s.b.Concurrency()-1, 1) && !s.turnAway(who) {
		return nil, false
	}
	s.suspect++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.suspect--
	}, true
}

// turnAway sends the most suspect of those who wait away, if it is more so than who: it comes
// again. s.mu is held.
func (s *staying) turnAway(who *suspicion) bool {
	most := who
	for _, other := range s.waiting {
		if most.lessThan(*other) && !other.away {
			most = other
		}
	}
	if most == who {
		return false
	}
	most.away = true
	s.change()
	return true
}

// queue has who wait for a process until leave is called. It may be nil.
func (s *staying) queue(who *suspicion) (leave func()) {
	if who == nil {
		return func() {}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = append(s.waiting, who)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.waitsNoMore(who)
		s.wakeOthers()
	}
}

// waitsNoMore takes who out of those who wait. s.mu is held.
func (s *staying) waitsNoMore(who *suspicion) {
	s.waiting = slices.DeleteFunc(s.waiting, func(other *suspicion) bool { return other == who })
}

// done gives a process back that somebody had.
func (s *staying) done(p *process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.turns.taken--
	p.turns.alone = false
	s.used = time.Now()
	s.wakeOthers()
}

// wakeOthers wakes those who wait for their turn, where there are any. s.mu is held.
func (s *staying) wakeOthers() {
	if len(s.waiting) > 0 {
		s.change()
	}
}

// wakeUp is wakeOthers for a timer.
func (s *staying) wakeUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wakeOthers()
}
