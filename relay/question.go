package relay

import (
	"context"
	"errors"
	"math"
	"sync"
	"time"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/intent"
	"ticketfrei/internal/cache"
	"ticketfrei/internal/notice"
	"ticketfrei/internal/report"
)

// How often one author is answered instead of having a message passed on: so many times
// in a row, then each time that answerEvery has gone by.
const (
	answersInARow = 4
	answerEvery   = 10 * time.Second
	answersAHour  = 30
	// maxAsking is how many authors are remembered for that. When there are more, it
	// begins again.
	maxAsking = 10_000
)

// question is what a message asks for that was not taken for a report, or that may be
// none.
type question struct {
	intent intent.Intent
	lines  []intent.Line  // that it is about
	about  report.Reading // what it names of the city
}

// Customs knows what a city takes for a report, and what it answers instead. A message
// is only taken for a question where it can be answered there and then.
type Customs struct {
	db      *db.DB
	intents *intent.Recognizer
	places  *Places
	now     func() time.Time
	cities  *cache.Cache[int64, report.City]

	mu    sync.Mutex
	asked map[string][]time.Time // when each author was answered in the last hour
	swept time.Time
}

// NewCustoms returns the customs of the cities in a database. It listens to notices
// until stop.
func NewCustoms(d *db.DB, notices *notice.Board, intents *intent.Recognizer, places *Places, now func() time.Time) (c *Customs, stop func()) {
	c = &Customs{db: d, intents: intents, places: places, now: now, cities: cache.New[int64, report.City](math.MaxInt, d.KeptFor()), asked: make(map[string][]time.Time)}
	stop = notices.OnChanged(func(cityID int64) {
		c.cities.Forget(func(id int64, _ report.City) bool { return notice.Concerns(cityID, id) })
	})
	return c, stop
}

// sort says whether a city wants to hear a message at all, and marks r where it is a
// question. What is to be answered is q; nil: nothing. A report that may be a question
// is both.
func (c *Customs) sort(ctx context.Context, r *report.Report, in bots.Incoming) (wanted bool, q *question, err error) {
	said := r.Text
	var insists bool
	if r.Text, insists = intent.Insisted(said); c == nil {
		return true, nil, nil
	}
	asks := !insists && in.Answer != nil && (in.Unverified == nil || in.Here)
	if !asks && !in.Reply {
		return true, nil, nil
	}
	city, err := c.cities.Get(r.CityID, func() (report.City, error) { return c.db.BriefCity(ctx, r.CityID) })
	if errors.Is(err, db.ErrNotFound) {
		return true, nil, nil // whoever stores it says so
	}
	if err != nil || in.Reply && !city.Replies {
		return false, nil, err
	}
	if asks && city.Questions {
		if q, err = c.question(ctx, r, in); err != nil {
			return false, nil, err
		}
	}
	if !in.Reply || insists {
		return true, q, nil
	}
	tells, err := c.tells(ctx, r)
	if err != nil || tells {
		return err == nil, q, err
	}
	r.Question = q != nil // it is answered, and no report
	return q != nil, q, nil
}

// question marks r where it is a question, and returns what is to be answered. Who asks
// too often was told how to make a report of it, and is not answered once more: nor is it
// passed on, as many questions would reach the whole city then.
func (c *Customs) question(ctx context.Context, r *report.Report, in bots.Incoming) (*question, error) {
	about, err := c.places.readIn(ctx, r.CityID, r.Text)
	if err != nil {
		return nil, err
	}
	g := c.intents.Recognize(r.Text).Naming(about.Named(), about.Clear)
	if !g.Sure() && !g.Doubtful() || !in.Commands && g.Intent != intent.Where && g.Intent != intent.Thanks {
		return nil, nil
	}
	r.Question = g.Sure()
	if !c.mayAnswer(r.Author) {
		return nil, nil
	}
	return &question{g.Intent, g.Lines, about}, nil
}

// mayAnswer tells whether an author may be answered now, and counts it.
func (c *Customs) mayAnswer(author string) bool {
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sweep(now)
	before := since(c.asked[author], now.Add(-time.Hour))
	if len(before) >= answersAHour || inARow(before, now) >= answersInARow {
		return false
	}
	c.asked[author] = append(before, now)
	return true
}

// notAnswered takes back that an author was answered: what they wrote was not stored, and
// comes once more.
func (c *Customs) notAnswered(author string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if times := c.asked[author]; len(times) > 1 {
		c.asked[author] = times[:len(times)-1]
	} else {
		delete(c.asked, author)
	}
}

// sweep forgets who was answered, now and then. c.mu is held.
func (c *Customs) sweep(now time.Time) {
	if len(c.asked) >= maxAsking {
		clear(c.asked)
	}
	if now.Sub(c.swept) < time.Minute {
		return
	}
	c.swept = now
	for author, times := range c.asked {
		if now.Sub(times[len(times)-1]) > time.Hour {
			delete(c.asked, author)
		}
	}
}

// inARow is how many answers count as given in a row at a time: those at times, which are
// in order, less one for each answerEvery that has gone by.
func inARow(times []time.Time, now time.Time) int {
	var none time.Time // when none counts any more
	for _, t := range times {
		if none.Before(t) {
			none = t
		}
		none = none.Add(answerEvery)
	}
	return int((max(0, none.Sub(now)) + answerEvery - 1) / answerEvery)
}

// since returns those of the times, which are in order, that are after from.
func since(times []time.Time, from time.Time) []time.Time {
	for len(times) > 0 && !times[0].After(from) {
		times = times[1:]
	}
	return times
}
