package post

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/account"
	"ticketfrei/internal/report"
)

const (
	// usualReview is how often a Reviewer looks again, reviewed how long after a message
	// was heard it does so, and maxReviewed at how many.
	usualReview = time.Minute
	reviewed    = time.Hour
	maxReviewed = 40
	// firstReview is within what time after the start it looks at what was heard before.
	firstReview = 5 * time.Second
	// reviewFor bounds one look.
	reviewFor = 30 * time.Second
)

// emit hands over what was heard.
type emit func(context.Context, bots.Incoming) error

// heard is a message that a Reviewer looks at again.
type heard struct {
	id string
	at time.Time
}

// reviews looks again at what was heard a while ago, while there is something: an idle
// bot costs nothing.
type reviews struct {
	bot      *bot
	reviewer Reviewer
	ctx      context.Context // of Receive
	emit     emit

	mu      sync.Mutex
	heard   []heard
	timer   *time.Timer // set while there is something
	running sync.WaitGroup
	stopped bool
}

// startReviews begins to look again, with what the database knows of the time before;
// nil where the connection cannot.
func (b *bot) startReviews(ctx context.Context, e emit) (*reviews, error) {
	reviewer, ok := b.conn.(Reviewer)
	if !ok {
		return nil, nil
	}
	r := &reviews{bot: b, reviewer: reviewer, ctx: ctx, emit: e}
	list, err := b.network.host.DB.Boostable(ctx, b.bot.CityID, b.bot.ID, reviewed)
	if err != nil {
		return nil, err
	}
	for _, known := range list {
		id, err := bots.MessageID(b.network.host.Secrets, known)
		if err == nil { // or it was sealed with another key
			r.addFor(id, known.Time, rand.N(firstReview))
		}
	}
	return r, nil
}

// add has a message looked at again, where it is not old.
func (r *reviews) add(id string, at time.Time) {
	if r != nil {
		r.addFor(id, at, r.every())
	}
}

// addFor is add; where nothing is looked at yet, it begins after first.
func (r *reviews) addFor(id string, at time.Time, first time.Duration) {
	now := r.bot.network.host.Now()
	if at.IsZero() || at.After(now) {
		at = now
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped || now.Sub(at) > reviewed {
		return
	}
	if r.heard = append(r.heard, heard{id, at}); len(r.heard) > maxReviewed {
		r.heard = slices.Delete(r.heard, 0, 1)
	}
	if r.timer == nil {
		r.timer = time.AfterFunc(min(first, r.every()), r.look)
	}
}

func (r *reviews) every() time.Duration {
	if every := r.bot.network.ReviewEvery; every > 0 {
		return every
	}
	return usualReview
}

// stop ends the looking. r may be nil.
func (r *reviews) stop() {
	if r == nil {
		return
	}
	r.mu.Lock()
	r.stopped = true
	if r.timer != nil {
		r.timer.Stop()
	}
	r.mu.Unlock()
	r.running.Wait()
}

// begin returns what is to be looked at; nothing where that is to end.
func (r *reviews) begin() (ids []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	since := r.bot.network.host.Now().Add(-reviewed)
	r.heard = slices.DeleteFunc(r.heard, func(h heard) bool { return h.at.Before(since) })
	if r.stopped || len(r.heard) == 0 {
		r.timer = nil
		return nil
	}
	for _, h := range r.heard {
		ids = append(ids, h.id)
	}
	r.running.Add(1)
	return ids
}

// look looks once, and again later. It runs beside Receive: what fails shows there too.
func (r *reviews) look() {
	ids := r.begin()
	if ids == nil {
		return
	}
	defer r.running.Done()
	err := r.lookAt(ids)
	if err != nil && r.ctx.Err() == nil {
		r.bot.network.host.Log.Debug("messages could not be looked at again", "bot", r.bot.bot.ID, "err", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.stopped {
		r.timer.Reset(r.every())
	}
}

// lookAt looks at messages. A panic is an error: it is that of this bot alone.
func (r *reviews) lookAt(ids []string) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
			r.bot.network.host.Log.Error("messages could not be looked at again", "bot", r.bot.bot.ID, "err", err)
		}
	}()
	ctx, done := context.WithTimeout(r.ctx, reviewFor)
	defer done()
	list, err := r.reviewer.Review(ctx, ids)
	for _, m := range list {
		err = errors.Join(err, r.bot.follow(r.ctx, m, r.emit))
		if m.Deleted {
			r.forget(m.ID)
		}
	}
	return err
}

// forget looks at a message no more.
func (r *reviews) forget(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.heard = slices.DeleteFunc(r.heard, func(h heard) bool { return h.id == id })
}

// follow hands over what the author of a message has made of it.
func (b *bot) follow(ctx context.Context, m Message, e emit) error {
	return account.HandOver(ctx, b.log, e, b.incoming(m))
}

// incoming is a message as the program hears it.
func (b *bot) incoming(m Message) bots.Incoming {
	_, boosts := b.conn.(Booster)
	return bots.Incoming{ID: m.ID, Author: m.Author, Text: m.Text, Visibility: m.Visibility, Time: m.Time,
		KeepID: boosts && m.Visibility == report.Public && !m.Picture && !m.More,
		Reply:  m.Reply, Edited: m.Edited, Deleted: m.Deleted,
		Language: m.Language, Answer: b.answering(m)}
}
