package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"ticketfrei/internal/mailer"
	"ticketfrei/internal/report"
)

// ackWait is how long the queue waits for a sign of life about a message before
// it hands the message out again. A message of a killed process waits that
// long. Whoever works on one gives a sign every keepAlive.
const (
	ackWait   = 5 * time.Second
	keepAlive = 2 * time.Second
)

// fetch is how many batches are asked for at a time.
const fetch = 64

// heartbeat is how often the server says that it still knows of the request. If
// it fails to twice, reading asks again. That is needed because Consume of
// nats.go sometimes stops asking. This is the shortest time that it allows.
const heartbeat = 500 * time.Millisecond

// Message is one message that was handed out. Exactly one of Done and Later
// must be called.
type Message[T any] struct {
	Body T
	// Attempt counts how often it was handed out, from 1.
	Attempt int

	batch *batch[T]
	index int // in the batch
}

// Done removes the message from the queue. Call it when the next step is on
// disk.
func (m *Message[T]) Done() { m.batch.done(m.index) }

// Later puts the message back, to be handed out again after d.
func (m *Message[T]) Later(d time.Duration) { m.batch.later(m.index, d) }

// ConsumeReports calls handle with one report after the other until ctx ends.
// handle must not block for long.
func (q *Queue) ConsumeReports(ctx context.Context, handle func(*Message[report.Report])) error {
	return consume(ctx, q, reports, unpack, handle)
}

// ConsumeDeliveries is ConsumeReports for deliveries.
func (q *Queue) ConsumeDeliveries(ctx context.Context, handle func(*Message[report.Delivery])) error {
	return consume(ctx, q, deliveries, unpackDeliveries, handle)
}

// ConsumeMails is ConsumeReports for account mails.
func (q *Queue) ConsumeMails(ctx context.Context, handle func(*Message[mailer.Mail])) error {
	return consume(ctx, q, mails, unpack, handle)
}

func consume[T any](ctx context.Context, q *Queue, l line, unpack func([]byte) ([]T, error), handle func(*Message[T])) error {
	cons, err := q.js.Consumer(ctx, l.stream, l.consumer)
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return fmt.Errorf("consume %s: %w", l.stream, err)
	}
	c := &consumer[T]{queue: q, line: l, unpack: unpack, handle: handle, inHand: make(map[uint64]bool), parked: make(map[uint64]parked)}
	running, err := cons.Consume(c.take, jetstream.PullMaxMessages(q.fetch), jetstream.PullHeartbeat(heartbeat),
		jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) {
			if ctx.Err() == nil {
				q.log.Log(ctx, levelOf(err), "reading from the queue failed, trying again", "stream", l.stream, "err", err)
			}
		}))
	if err != nil {
		return fmt.Errorf("consume %s: %w", l.stream, err)
	}
	q.sweep(ctx, l, cons, c.remind)
	c.close()
	running.Drain() // what was already fetched goes back to the stream
	<-running.Closed()
	return nil
}

// levelOf returns the level for an error of reading. A missed heartbeat is no
// news if it happens once, and what breaks the queue is reported where it
// breaks.
func levelOf(err error) slog.Level {
	if errors.Is(err, jetstream.ErrNoHeartbeat) {
		return slog.LevelDebug
	}
	return slog.LevelWarn
}

// openConsumer opens the consumer of a stream. If the consumer's files are
// damaged, it makes a new one that begins with the first message that was not
// swept. The database knows which of those are done.
func (q *Queue) openConsumer(ctx context.Context, l line) error {
	cfg := jetstream.ConsumerConfig{
		Durable:       l.consumer,
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       ackWait,
		MaxDeliver:    -1,
		MaxAckPending: -1, // one bot that hangs must not use up a limit for all
	}
	_, err := q.js.CreateOrUpdateConsumer(ctx, l.stream, cfg)
	if err == nil || ctx.Err() != nil {
		return err
	}
	q.log.Error("the queue's record of what is done is damaged: starting a new one", "stream", l.stream, "err", err)
	if err := os.RemoveAll(filepath.Join(q.dir, server.JetStreamStoreDir, "$G", "streams", l.stream, "obs", l.consumer)); err != nil {
		return err
	}
	_, err = q.js.CreateOrUpdateConsumer(ctx, l.stream, cfg)
	return err
}

// sweepInterval is how often messages that are done are deleted.
const sweepInterval = 2 * time.Second

// sweep deletes the messages that are done from a stream, all at once every
// q.sweepEvery, until ctx ends, and calls swept each time. A stream with work
// queue retention would sync each deletion to disk, which costs as much as the
// message did.
func (q *Queue) sweep(ctx context.Context, l line, cons jetstream.Consumer, swept func()) {
	tick := time.NewTicker(q.sweepEvery)
	defer tick.Stop()
	var last uint64
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		// If something fails, the next tick tries again.
		if info, err := cons.Info(ctx); err == nil && info.AckFloor.Stream != last {
			if q.purge(ctx, l, info.AckFloor.Stream) {
				last = info.AckFloor.Stream
			}
		}
		swept()
	}
}

// purge deletes a stream's messages up to seq. It returns false if that failed.
func (q *Queue) purge(ctx context.Context, l line, seq uint64) bool {
	stream, err := q.js.Stream(ctx, l.stream)
	if err == nil {
		err = stream.Purge(ctx, jetstream.WithPurgeSequence(seq+1))
	}
	if err != nil && ctx.Err() == nil {
		q.log.Warn("what is done could not be deleted from the queue, trying again", "stream", l.stream, "err", err)
	}
	return err == nil
}

// holder gives a sign of life for every message that somebody works on.
type holder struct {
	mu   sync.Mutex
	msgs map[jetstream.Msg]struct{}
	quit chan struct{}
	done chan struct{}
}

func startHolder() *holder {
	h := &holder{msgs: make(map[jetstream.Msg]struct{}), quit: make(chan struct{}), done: make(chan struct{})}
	go h.run()
	return h
}

func (h *holder) hold(m jetstream.Msg) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.msgs[m] = struct{}{}
}

func (h *holder) release(m jetstream.Msg) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.msgs, m)
}

func (h *holder) run() {
	defer close(h.done)
	tick := time.NewTicker(keepAlive)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			for _, m := range h.all() {
				// If it fails, the message comes again, which is harmless.
				_ = m.InProgress()
			}
		case <-h.quit:
			return
		}
	}
}

func (h *holder) all() []jetstream.Msg {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := make([]jetstream.Msg, 0, len(h.msgs))
	for m := range h.msgs {
		list = append(list, m)
	}
	return list
}

func (h *holder) stop() {
	close(h.quit)
	<-h.done
}
