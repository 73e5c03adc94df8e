package relay

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"ticketfrei/bots"
)

const (
	// maxSaid is how many answers wait to be sent, and maxSaidPerBot how many of them by
	// one bot: what is more is dropped.
	maxSaid       = 4096
	maxSaidPerBot = 256
	// saidAtOnce is how many answers of a bot are sent at the same time.
	saidAtOnce = 4
)

// lines send answers beside everything else, and those of one bot beside those of the
// others. They cost no goroutine while there is nothing to say.
type lines struct {
	log   *slog.Logger
	now   func() time.Time
	ctx   context.Context
	stop  context.CancelFunc
	group sync.WaitGroup

	mu      sync.Mutex
	waiting int             // in all of them
	of      map[int64]*line // by bot: those that have something to say
}

// line is what one bot has to say.
type line struct {
	waiting []saying
	running int
}

// saying is an answer on its way.
type saying struct {
	until time.Time // begun later, it is of no use to anybody
	send  func(context.Context) error
}

func newLines(log *slog.Logger, now func() time.Time) *lines {
	ctx, stop := context.WithCancel(context.Background())
	return &lines{log: log, now: now, ctx: ctx, stop: stop, of: make(map[int64]*line)}
}

// end drops what waits and returns when nothing is being sent any more.
func (l *lines) end() {
	l.mu.Lock()
	l.stop()
	l.mu.Unlock()
	l.group.Wait()
}

// add has an answer sent by a bot, unless too much is waiting.
func (l *lines) add(botID int64, next saying) {
	l.mu.Lock()
	defer l.mu.Unlock()
	its := l.of[botID]
	if its == nil {
		its = &line{}
	}
	if l.ctx.Err() != nil || l.waiting >= maxSaid || len(its.waiting) >= maxSaidPerBot {
		l.log.Debug("an answer is left out: too many wait", "bot", botID)
		return
	}
	l.of[botID] = its
	its.waiting = append(its.waiting, next)
	l.waiting++
	if its.running < saidAtOnce {
		its.running++
		l.group.Go(func() { l.run(botID, its) })
	}
}

// run sends what a bot has to say.
func (l *lines) run(botID int64, its *line) {
	for {
		next, ok := l.take(botID, its)
		if !ok {
			return
		}
		if next.until.Before(l.now()) {
			continue
		}
		if err := l.send(next); err != nil && l.ctx.Err() == nil {
			l.log.Debug("an answer could not be sent", "bot", botID, "err", err)
		}
	}
}

// take takes out the first of what a bot has to say. Where there is none, whoever asked
// ends.
func (l *lines) take(botID int64, its *line) (next saying, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ctx.Err() != nil {
		its.waiting = nil
	}
	if len(its.waiting) > 0 {
		next, its.waiting = its.waiting[0], its.waiting[1:]
		l.waiting--
		return next, true
	}
	if its.running--; its.running == 0 {
		delete(l.of, botID)
	}
	return saying{}, false
}

// send sends one answer. A panic is an error: it is that of one answer.
func (l *lines) send(next saying) (err error) {
	ctx, done := context.WithTimeout(l.ctx, bots.SendTimeout)
	defer done()
	defer recovered(&err)
	return next.send(ctx)
}

// recovered makes an error of a panic.
func recovered(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
	}
}
