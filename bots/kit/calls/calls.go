// Package calls is for what is asked of a bot at a process that does not run it, where several
// share the cities: the call is kept, sealed, in the database, and the process that runs the
// bot is told, and takes it from there.
package calls

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"ticketfrei/bots"
	"ticketfrei/db"
)

const (
	// maxWaiting is how many calls wait for one bot.
	maxWaiting = 100
	// maxSize bounds what is kept of a call, in bytes.
	maxSize = 128 << 10
	// atOnce is how many calls are read at a time.
	atOnce = 16
	// keptFor is how long a call may wait: what waits longer is cleaned away.
	keptFor = 24 * time.Hour
)

// ErrNoRoom is that a call cannot be kept: it is too long, too many wait for its bot, or the
// bot is off or gone.
var ErrNoRoom = errors.New("a call cannot be kept for its bot")

// Calls are those of the bots of one network. It is safe for use by many goroutines.
type Calls struct {
	host    bots.Host
	network string
	stop    func()

	mu    sync.Mutex
	wakes map[int64]*waker // of the bots that run here
}

// New returns the calls of a network. It listens to notices until Close.
func New(network string, h bots.Host) *Calls {
	c := &Calls{host: h, network: network, wakes: map[int64]*waker{}}
	c.stop = h.Notices.OnCalled(c.wake)
	return c
}

// Close ends listening.
func (c *Calls) Close() { c.stop() }

// Elsewhere tells whether another process runs a bot, or is about to: then Keep calls for it.
func (c *Calls) Elsewhere(ctx context.Context, botID int64) (bool, error) {
	return c.host.DB.RunsElsewhere(ctx, botID)
}

// Keep keeps a call for a bot that another process runs, and tells it. When it returns nil,
// the call is on disk. The error may be ErrNoRoom.
func (c *Calls) Keep(ctx context.Context, botID int64, body []byte) error {
	_, err := c.keep(ctx, botID, body, maxWaiting)
	return err
}

// Wake is Keep for a call that says nothing but that there is news. Of several that wait, one
// is kept: the bot takes it before it looks. A bot that is off or gone is no error.
func (c *Calls) Wake(ctx context.Context, botID int64) error {
	_, err := c.keep(ctx, botID, nil, 1)
	if errors.Is(err, ErrNoRoom) {
		return nil
	}
	return err
}

// keep keeps a call where fewer than most wait for the bot.
func (c *Calls) keep(ctx context.Context, botID int64, body []byte, most int) (id int64, err error) {
	if len(body) > maxSize {
		return 0, fmt.Errorf("%w: it has %d bytes", ErrNoRoom, len(body))
	}
	id, err = c.host.DB.AddCall(ctx, botID, c.host.Secrets.Seal(place("body", botID), string(body)), most)
	if errors.Is(err, db.ErrNotFound) {
		return 0, ErrNoRoom
	}
	if err == nil {
		c.host.Notices.Called(botID)
		c.wake(botID) // which has come here in the meantime
	}
	return id, err
}

// place is where a call is stored, which sealing binds it to.
func place(column string, botID int64) string {
	return "calls." + column + ":" + strconv.FormatInt(botID, 10)
}

// waker is whom calls of one bot wake.
type waker struct{ wake func() }

// Await has wake called when calls may wait for a bot that runs here, until leave is called.
// Where there can be calls at all, it is called at once. It must not wait.
func (c *Calls) Await(botID int64, wake func()) (leave func()) {
	if !c.host.DB.OnServer() {
		return func() {}
	}
	w := &waker{wake}
	c.mu.Lock()
	c.wakes[botID] = w
	c.mu.Unlock()
	wake()
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.wakes[botID] == w {
			delete(c.wakes, botID)
		}
	}
}

// wake has a bot look at its calls, if it runs here. What a notice of all bots is about is
// found by whoever looks each second.
func (c *Calls) wake(botID int64) {
	c.mu.Lock()
	w := c.wakes[botID]
	c.mu.Unlock()
	if w != nil {
		w.wake()
	}
}

// Take hands over the calls that wait for a bot, in their order, until do fails. When do
// returns nil, what follows from a call must be on disk: it is deleted then. A call at which
// do panics is deleted too, as it would panic the next time. It does nothing where one process
// runs all bots.
func (c *Calls) Take(ctx context.Context, botID int64, do func(body []byte) error) (n int, err error) {
	if !c.host.DB.OnServer() {
		return 0, nil
	}
	for {
		list, err := c.host.DB.Calls(ctx, botID, c.host.Now().Add(-keptFor), atOnce)
		if err != nil {
			return n, err
		}
		for _, call := range list {
			if err := c.take(ctx, botID, call, do); err != nil {
				return n, err
			}
			n++
		}
		if len(list) < atOnce {
			return n, nil
		}
	}
}

func (c *Calls) take(ctx context.Context, botID int64, call db.Call, do func(body []byte) error) error {
	text, err := c.host.Secrets.Open(place("body", botID), call.Sealed)
	if err != nil {
		c.host.Log.Warn("a call of a bot cannot be read, and is left out", "bot", botID, "err", err)
		return c.host.DB.DeleteCall(ctx, call.ID)
	}
	panics := true
	defer func() {
		if panics {
			_ = c.host.DB.DeleteCall(context.WithoutCancel(ctx), call.ID) // it is logged with the panic
		}
	}()
	err = do([]byte(text))
	panics = false
	if err != nil {
		return err
	}
	return c.host.DB.DeleteCall(ctx, call.ID)
}
