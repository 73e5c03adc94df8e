package db

import (
	"sync"
	"time"
)

// lazyDelay is how long a commit that nobody waits for may stay off the disk.
// Under load, many commits share one fsync.
const lazyDelay = 10 * time.Millisecond

// toDisk brings what was committed to disk, and tells those who wait for that: each time
// for all who do by then.
type toDisk struct {
	bring  func() error // brings there what was committed before
	urgent chan struct{}
	lazy   chan struct{}
	quit   chan struct{}
	done   chan struct{}

	mu      sync.Mutex
	waiting []func(error) // called after the next time
}

func startToDisk(bring func() error) *toDisk {
	t := &toDisk{bring: bring, urgent: make(chan struct{}, 1), lazy: make(chan struct{}, 1),
		quit: make(chan struct{}), done: make(chan struct{})}
	go t.run()
	return t
}

// wait returns when everything committed before the call is on disk, or may have failed to
// get there.
func (t *toDisk) wait() error {
	result := make(chan error, 1)
	t.soon(func(err error) { result <- err })
	return <-result
}

// after calls f, from another goroutine, when everything committed before the
// call is on disk or may have failed to get there.
func (t *toDisk) after(f func(error)) { t.add(f, t.lazy) }

// soon is like after, but does not wait for more to come.
func (t *toDisk) soon(f func(error)) { t.add(f, t.urgent) }

func (t *toDisk) add(f func(error), signal chan<- struct{}) {
	t.mu.Lock()
	t.waiting = append(t.waiting, f)
	t.mu.Unlock()
	select {
	case signal <- struct{}{}:
	default: // a signal is waiting already
	}
}

// stop brings to disk what is not there yet. Nothing may be added afterwards.
func (t *toDisk) stop() {
	close(t.quit)
	<-t.done
}

func (t *toDisk) run() {
	defer close(t.done)
	for {
		select {
		case <-t.urgent:
		case <-t.lazy:
			select {
			case <-t.urgent:
			case <-time.After(lazyDelay):
			case <-t.quit:
			}
		case <-t.quit:
			t.tell()
			return
		}
		t.tell()
	}
}

// tell tells all who wait, if there are any.
func (t *toDisk) tell() {
	t.mu.Lock()
	list := t.waiting
	t.waiting = nil
	t.mu.Unlock()
	if len(list) == 0 {
		return
	}
	err := t.bring()
	for _, f := range list {
		f(err)
	}
}
