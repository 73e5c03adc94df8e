package queue

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Messages published at the same time go into the stream as one batch, a JSON
// array, and so cost one fsync. A batch is closed when it reaches one of these.
// They are far below the server's limit of 1 MB, and a batch in which one
// message has to wait does not delay many others.
// one message has to wait does not keep many others.
const (
	batchMessages = 64
	batchBytes    = 128 << 10
)

// encode encodes one message, or a batch of them.
func encode(v any) ([]byte, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode for the queue: %w", err)
	}
	return data, nil
}

// unpack reads one batch.
func unpack[T any](data []byte) (bodies []T, err error) {
	err = json.Unmarshal(data, &bodies)
	return bodies, err
}

func addToArray(array *bytes.Buffer, data []byte) {
	if array.Len() == 0 {
		array.WriteByte('[')
	} else {
		array.WriteByte(',')
	}
	array.Write(data)
}

// closeArray returns the array and empties the buffer.
func closeArray(array *bytes.Buffer) []byte {
	array.WriteByte(']')
	data := bytes.Clone(array.Bytes())
	array.Reset()
	return data
}

// batch is a batch that the stream has handed out. Its messages are handled and
// put back one by one. The stream hears of it when nobody works on any of them.
type batch[T any] struct {
	from   *consumer[T]
	msg    jetstream.Msg
	seq    uint64 // in the stream
	bodies []T

	mu     sync.Mutex
	parts  []part              // as bodies
	timers map[int]*time.Timer // of the parts that wait
	out    int                 // how many somebody works on
	gone   bool                // back in the stream, or confirmed
}

// part is the state of one message of a batch.
type part struct {
	attempt int
	done    bool
	due     time.Time // when it may be handed out again
}

// ready returns the messages that are due now.
func (b *batch[T]) ready() []*Message[T] {
	b.mu.Lock()
	defer b.mu.Unlock()
	var list []*Message[T]
	for i := range b.parts {
		switch wait := time.Until(b.parts[i].due); {
		case b.parts[i].done:
		case wait > 0:
			b.timers[i] = time.AfterFunc(wait, func() { b.again(i) })
		default:
			list = append(list, b.handOut(i))
		}
	}
	b.settle()
	return list
}

func (b *batch[T]) handOut(i int) *Message[T] {
	b.out++
	b.parts[i].attempt++
	return &Message[T]{Body: b.bodies[i], Attempt: b.parts[i].attempt, batch: b, index: i}
}

// again hands out a message whose wait is over, unless the whole batch has gone
// back to the stream.
func (b *batch[T]) again(i int) {
	b.mu.Lock()
	if b.gone {
		b.mu.Unlock()
		return
	}
	m := b.handOut(i)
	b.mu.Unlock()
	b.from.hand(m)
}

func (b *batch[T]) done(i int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.out--
	b.parts[i].done = true
	b.settle()
}

func (b *batch[T]) later(i int, d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.out--
	b.parts[i].due = time.Now().Add(d)
	if b.out > 0 {
		b.timers[i] = time.AfterFunc(d, func() { b.again(i) })
	}
	b.settle()
}

// keep takes back a message that nobody will handle any more. It waits until
// the batch goes back to the stream.
func (b *batch[T]) keep(i int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.out--
	b.parts[i].attempt--
	b.settle()
}

// settle gives the batch back to the stream when nobody works on any of its
// messages: waiting in the stream costs no memory here. The caller holds the
// lock.
func (b *batch[T]) settle() {
	if b.out > 0 || b.gone {
		return
	}
	b.gone = true
	for _, t := range b.timers {
		t.Stop()
	}
	b.from.queue.held.release(b.msg)
	waiting := false
	var next time.Time // when the first of the waiting ones is due
	for _, p := range b.parts {
		if !p.done && (!waiting || p.due.Before(next)) {
			waiting, next = true, p.due
		}
	}
	// If the answer is lost, the batch comes again, which is harmless.
	if !waiting {
		_ = b.msg.Ack()
		b.from.letGo(b.seq)
		return
	}
	b.from.park(b.seq, parked{parts: b.parts, due: next, reply: b.msg.Reply()})
	_ = b.msg.NakWithDelay(max(time.Until(next), 0))
}

// consumer hands the messages of a stream to handle, one after the other.
type consumer[T any] struct {
	queue  *Queue
	line   line
	unpack func(data []byte) ([]T, error) // reads one batch

	mu     sync.Mutex // held while handle runs
	closed bool
	handle func(*Message[T])

	knownMu sync.Mutex
	inHand  map[uint64]bool   // batches of which somebody works on a message
	parked  map[uint64]parked // batches that wait in the stream
}

// parked is a batch that waits in the stream.
type parked struct {
	parts []part
	due   time.Time // when it comes again
	reply string    // address at which the stream hears of it
}

// take takes a batch from the stream and hands out its messages.
func (c *consumer[T]) take(msg jetstream.Msg) {
	b := &batch[T]{from: c, msg: msg, timers: make(map[int]*time.Timer)}
	meta, err := msg.Metadata()
	if err == nil {
		b.bodies, err = c.unpack(msg.Data())
	}
	if err != nil {
		c.queue.log.Error("a message in the queue cannot be read and is dropped", "stream", c.line.stream, "subject", msg.Subject(), "err", err)
		_ = msg.Term()
		return
	}
	b.seq = meta.Sequence.Stream
	var free bool
	if b.parts, free = c.pickUp(b.seq); !free {
		return // it came twice; whoever works on it will answer
	}
	if len(b.parts) != len(b.bodies) {
		b.parts = make([]part, len(b.bodies))
		for i := range b.parts {
			b.parts[i].attempt = int(meta.NumDelivered) - 1
		}
	}
	c.queue.held.hold(msg)
	for _, m := range b.ready() {
		c.hand(m)
	}
}

// hand calls handle, or keeps m if the consumer has been closed.
func (c *consumer[T]) hand(m *Message[T]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		m.batch.keep(m.index)
		return
	}
	c.handle(m)
}

// close waits for handle to return and prevents further calls.
func (c *consumer[T]) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
}

// pickUp marks a batch as being worked on. free is false if it already was. If
// the batch was parked by this process, it returns its parts.
func (c *consumer[T]) pickUp(seq uint64) (parts []part, free bool) {
	c.knownMu.Lock()
	defer c.knownMu.Unlock()
	if c.inHand[seq] {
		return nil, false
	}
	c.inHand[seq] = true
	parts = c.parked[seq].parts
	delete(c.parked, seq)
	return parts, true
}

// park remembers what is done of a batch and how long the rest waits.
func (c *consumer[T]) park(seq uint64, p parked) {
	c.knownMu.Lock()
	defer c.knownMu.Unlock()
	delete(c.inHand, seq)
	c.parked[seq] = p
}

// letGo forgets a batch that is done.
func (c *consumer[T]) letGo(seq uint64) {
	c.knownMu.Lock()
	defer c.knownMu.Unlock()
	delete(c.inHand, seq)
}

// nak tells a stream to hand out a message again (JetStream, ADR-15).
const nak = "-NAK"

// remind asks for the batches that are due. A purge makes the server forget the
// messages that it is about to hand out again; they would come only after
// ackWait.
func (c *consumer[T]) remind() {
	now := time.Now()
	c.knownMu.Lock()
	defer c.knownMu.Unlock()
	for _, p := range c.parked {
		if !p.due.After(now) {
			// If it fails, the batch comes after ackWait.
			_ = c.queue.conn.Publish(p.reply, []byte(nak))
		}
	}
}
