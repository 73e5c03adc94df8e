package calls

import (
	"context"
	"errors"
	"sync"
	"time"

	"ticketfrei/bots"
	"ticketfrei/db"
)

// The waits between two looks for an answer: doubled each time.
const (
	firstLook = 10 * time.Millisecond
	lastLook  = 500 * time.Millisecond
)

// askedFor is how long a question is worth an answer: nobody waits longer.
const askedFor = 2 * bots.SendTimeout

// ErrNotAnswered is that a bot did not answer in time.
var ErrNotAnswered = errors.New("the process that runs the bot has not answered")

// Ask has the process that runs a bot answer a question, and waits until ctx ends at most. The
// error may be ErrNoRoom or ErrNotAnswered.
func (c *Calls) Ask(ctx context.Context, botID int64, question []byte) (answer []byte, err error) {
	id, err := c.keep(ctx, botID, question, maxWaiting)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err := c.host.DB.DeleteCall(context.WithoutCancel(ctx), id); err != nil {
			c.host.Log.Warn("a question to a bot is left behind for a day", "bot", botID, "err", err)
		}
	}()
	for wait := firstLook; ; wait = min(2*wait, lastLook) {
		select {
		case <-ctx.Done():
			return nil, errors.Join(ErrNotAnswered, ctx.Err())
		case <-time.After(wait):
		}
		sealed, err := c.host.DB.CallAnswer(ctx, id)
		switch {
		case errors.Is(err, db.ErrNotFound): // the bot is gone
			return nil, ErrNotAnswered
		case err != nil:
			return nil, err
		case sealed != "":
			text, err := c.host.Secrets.Open(place("answer", botID), sealed)
			return []byte(text), err
		}
	}
}

// Answer has the questions to a bot that runs here answered, all at the same time, until ctx
// ends. answer gets at most bots.SendTimeout.
func (c *Calls) Answer(ctx context.Context, botID int64, answer func(ctx context.Context, question []byte) []byte) error {
	wake := make(chan struct{}, 1)
	defer c.Await(botID, func() {
		select {
		case wake <- struct{}{}:
		default:
		}
	})()
	a := answering{Calls: c, botID: botID, answer: answer, inHand: map[int64]bool{}}
	defer a.group.Wait()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-wake:
		}
		list, err := c.host.DB.Calls(ctx, botID, c.host.Now().Add(-askedFor), maxWaiting)
		if err != nil {
			if ctx.Err() == nil && !db.Unavailable(err) {
				c.host.Log.Error("what other processes ask a bot cannot be read, trying again", "bot", botID, "err", err)
			}
			continue // whoever looks each second wakes us again
		}
		for _, question := range list {
			if a.begin(question.ID) {
				a.group.Go(func() { a.one(ctx, question) })
			}
		}
	}
}

// answering are the questions to one bot.
type answering struct {
	*Calls
	botID  int64
	answer func(ctx context.Context, question []byte) []byte
	group  sync.WaitGroup

	mu     sync.Mutex
	inHand map[int64]bool // questions that are being answered
}

// begin notes that a question is in hand; it is false where it was before.
func (a *answering) begin(id int64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.inHand[id] {
		return false
	}
	a.inHand[id] = true
	return true
}

// one answers a question. Where that fails, whoever asks is told by the time that passes.
func (a *answering) one(ctx context.Context, question db.Call) {
	defer func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.inHand, question.ID)
	}()
	err := bots.Guard(func() error {
		text, err := a.host.Secrets.Open(place("body", a.botID), question.Sealed)
		if err != nil {
			return err
		}
		within, done := context.WithTimeout(ctx, bots.SendTimeout)
		defer done()
		given := a.answer(within, []byte(text))
		return a.host.DB.AnswerCall(context.WithoutCancel(ctx), question.ID, a.host.Secrets.Seal(place("answer", a.botID), string(given)))
	})
	if err == nil || ctx.Err() != nil {
		return
	}
	a.host.Log.Warn("a question of another process to a bot was not answered", "bot", a.botID, "err", err)
	_ = a.host.DB.DeleteCall(ctx, question.ID) // it would fail the next time, too
}
