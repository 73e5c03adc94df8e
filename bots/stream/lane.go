package stream

import (
	"context"
	"errors"
	"sync"
	"time"

	"ticketfrei/bots"
	"ticketfrei/internal/backoff"
)

// lane is the pace of one stream: one request at a time, none while the target has asked
// to wait or does not work. Other streams have their own.
type lane struct {
	turn chan struct{} // holds one while a request is under way

	mu      sync.Mutex
	waiting int
	since   time.Time // when the request under way began
	until   time.Time // nothing is sent before
	fails   int       // in a row
}

// mostWaiting is how many deliveries of a stream wait for the one under way. Others come
// back later.
const mostWaiting = 2

// The waits after a target did not work: doubled each time.
const (
	firstWait = time.Second
	lastWait  = 10 * time.Minute
	busyWait  = 500 * time.Millisecond
)

// errBusy is that a target is being sent something else, or waits.
var errBusy = bots.Say(errors.New("a target is busy, or has asked to wait"), "stream.error.busy")

// enter waits for the turn of a request. An error of kind KindLater says when to come back.
func (l *lane) enter(ctx context.Context, now func() time.Time) error {
	if err := l.queue(now()); err != nil {
		return err
	}
	err := l.take(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting--
	if err != nil {
		return err
	}
	if wait := l.until.Sub(now()); wait > 0 { // found out meanwhile
		<-l.turn
		return bots.Later(wait, errBusy)
	}
	l.since = now()
	return nil
}

// queue finds room among those who wait.
func (l *lane) queue(now time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if wait := l.until.Sub(now); wait > 0 {
		return bots.Later(wait, errBusy)
	}
	if l.waiting >= mostWaiting {
		return bots.Later(max(busyWait, now.Sub(l.since)), errBusy)
	}
	l.waiting++
	return nil
}

// take waits for the turn; meanwhile others of the network send.
func (l *lane) take(ctx context.Context) error {
	select {
	case l.turn <- struct{}{}:
		return nil
	default:
	}
	taken := false
	err := bots.Idle(ctx, func() error {
		select {
		case l.turn <- struct{}{}:
			taken = true
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	if err != nil && taken {
		<-l.turn
	}
	return err
}

// leave lets the next one in.
func (l *lane) leave() { <-l.turn }

// worked notes that the target took something, and when it takes more.
func (l *lane) worked(now time.Time, pause time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fails, l.until = 0, now.Add(pause)
}

// failed notes that the target took nothing and returns how long to wait: as long as it
// asked for, or where wait is 0, longer each time.
func (l *lane) failed(now time.Time, wait time.Duration) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if wait <= 0 {
		wait = backoff.Wait(firstWait, l.fails, lastWait)
	}
	l.fails++
	l.until = now.Add(wait)
	return wait
}

// lanes are those of all streams, by id.
type lanes struct {
	mu  sync.Mutex
	all map[int64]*lane
}

func (l *lanes) of(id int64) *lane {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil {
		l.all = make(map[int64]*lane)
	}
	if l.all[id] == nil {
		l.all[id] = &lane{turn: make(chan struct{}, 1)}
	}
	return l.all[id]
}

// drop forgets how a target has worked: the stream is gone, or has another one.
func (l *lanes) drop(id int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.all, id)
}
