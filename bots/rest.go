package bots

import (
	"context"
	"errors"
	"time"
)

// Rest is what Receive returns where there is nothing to do until the bot is called: a
// bot that rests costs no goroutine. Receive is called again, with the same context, when
// it is woken (see Waker), at Until, and when the context ends: then it lets go of what it
// has kept, and does not rest again.
type Rest struct {
	Until time.Time // at the latest
}

func (Rest) Error() string { return "the bot waits to be called" }

// Rests tells whether err is a Rest.
func Rests(err error) bool {
	_, rests := errors.AsType[Rest](err)
	return rests
}

// wakingKey is where the context of Receive has how to wake the bot.
type wakingKey struct{}

// WithWaker returns a context for a Receive of a bot that may rest: see Waker.
func WithWaker(ctx context.Context, wake func()) context.Context {
	return context.WithValue(ctx, wakingKey{}, wake)
}

// Waker returns what ends a Rest of the bot whose Receive has ctx: to be called after what
// wakes it can be seen by Receive. It never waits. Called while Receive runs, it has
// Receive called once more.
func Waker(ctx context.Context) (wake func()) {
	if wake, ok := ctx.Value(wakingKey{}).(func()); ok {
		return wake
	}
	return func() {}
}
