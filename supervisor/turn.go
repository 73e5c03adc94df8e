package supervisor

import (
	"context"
	"sync"
	"time"
)

// startingAtOnce is how many bots may be starting at a time. All at once they
// would open thousands of connections to a server before the first of them is
// ready to be shared.
const startingAtOnce = 64

// startingFor is how long a bot that starts may keep the others waiting: those
// of a server that hangs must not delay the rest for long.
const startingFor = 50 * time.Millisecond

// turns has an element for each bot that is starting.
type turns chan struct{}

// take waits until a bot may start, which calls done when it has or could not.
// The error is that of ctx.
func (t turns) take(ctx context.Context) (done func(), err error) {
	select {
	case t <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	next := sync.OnceFunc(func() { <-t })
	late := time.AfterFunc(startingFor, next)
	return func() { late.Stop(); next() }, nil
}
