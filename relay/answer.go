package relay

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"ticketfrei/bots"
	"ticketfrei/internal/notice"
	"ticketfrei/internal/report"
)

const (
	// answerWithin is how long it is known whom to answer, from when a message is heard
	// until the answer is begun. It is longer than a moderator takes who is there.
	answerWithin = 5 * time.Minute
	// maxExpected is how many are remembered to wait for an answer. Where there are
	// more, those who have waited longest get none.
	maxExpected = 10_000
	// maxLanguage is longer than the name of any language.
	maxLanguage = 35
	// sweepEvery is how often those are forgotten who have waited for too long.
	sweepEvery = 10 * time.Second
)

// Answers tells those who write what became of it. Whom to answer is known in memory
// alone, and for minutes: nothing of it is stored.
type Answers struct {
	log   *slog.Logger
	now   func() time.Time
	lines *lines
	// programs are what outside programs answer: some take their time.
	programs *lines

	mu       sync.Mutex
	expected map[string]expected // by the id of the report
	order    []expiry            // of those in expected, the first heard first
}

// expected is somebody who waits for an answer.
type expected struct {
	botID    int64
	cityID   int64
	language string
	answer   func(context.Context, bots.Answer) error
	question *question // that is answered instead; nil: none
	until    time.Time
}

// expiry is until when a report is to be answered.
type expiry struct {
	id    string
	until time.Time
}

// NewAnswers returns Answers that are sent until the Relay ends that has them.
func NewAnswers(log *slog.Logger, now func() time.Time) *Answers {
	return &Answers{log: log, now: now, lines: newLines(log, now), programs: newLines(log, now), expected: make(map[string]expected)}
}

// Say answers a message that bot b heard, where that is possible. It does not wait for
// it: the answer is sent within seconds, or lost. A message is answered once: who goes
// on with it clears its Answer.
func (a *Answers) Say(b report.Bot, in bots.Incoming, answer bots.Answer) {
	if in.Answer != nil {
		a.say(b.ID, func(ctx context.Context) error { return in.Answer(ctx, answer) })
	}
}

// say has an answer sent by a bot.
func (a *Answers) say(botID int64, send func(context.Context) error) {
	a.sayOf(a.lines, botID, send)
}

func (a *Answers) sayOf(l *lines, botID int64, send func(context.Context) error) {
	l.add(botID, saying{a.now().Add(answerWithin), send})
}

// expect remembers who wrote the report of an id, until it is answered or too late.
func (a *Answers) expect(id string, b report.Bot, in bots.Incoming, q *question) {
	if len(in.Language) > maxLanguage {
		in.Language = ""
	}
	until := a.now().Add(answerWithin)
	a.mu.Lock()
	defer a.mu.Unlock()
	if q == nil {
		q = a.expected[id].question // it was heard before
	}
	a.expected[id] = expected{b.ID, b.CityID, in.Language, in.Answer, q, until}
	a.order = append(a.order, expiry{id, until})
	a.drop(max(0, len(a.order)-maxExpected))
}

// take returns who wrote a report, and forgets it. ok is false where nobody waits for
// an answer to it.
func (a *Answers) take(id string) (e expected, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	e, ok = a.expected[id]
	delete(a.expected, id)
	return e, ok && !e.until.Before(a.now())
}

// find is take for somebody who goes on waiting.
func (a *Answers) find(id string) (e expected, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	e, ok = a.expected[id]
	return e, ok && !e.until.Before(a.now())
}

// expects tells whether somebody waits for an answer to a report.
func (a *Answers) expects(id string) bool {
	if a == nil {
		return false
	}
	_, ok := a.find(id)
	return ok
}

// expectedOf returns the reports of a city, or of all, that somebody waits for an answer
// to, without those of cities that are left out. leave may be nil.
func (a *Answers) expectedOf(cityID int64, leave func(cityID int64) bool) (ids []string) {
	if a == nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for id, e := range a.expected {
		if notice.Concerns(cityID, e.cityID) && (leave == nil || !leave(e.cityID)) {
			ids = append(ids, id)
		}
	}
	return ids
}

// drop forgets the first n who wait. a.mu is held.
func (a *Answers) drop(n int) {
	for _, first := range a.order[:n] {
		if a.expected[first.id].until.Equal(first.until) { // or it was heard again since
			delete(a.expected, first.id)
		}
	}
	if a.order = a.order[n:]; len(a.order) == 0 {
		a.order = nil
	}
}

// sweep forgets those who have waited for too long.
func (a *Answers) sweep() {
	now := a.now()
	a.mu.Lock()
	defer a.mu.Unlock()
	late := 0
	for late < len(a.order) && a.order[late].until.Before(now) {
		late++
	}
	a.drop(late)
}

// run forgets what is too late until ctx ends, and then all of it.
func (a *Answers) run(ctx context.Context) {
	defer a.lines.end()
	defer a.programs.end()
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			a.sweep()
		}
	}
}
