// Package queue carries reports, deliveries and account mails from one part of
// the program to the next. It is durable: what was published is on disk, and
// what was consumed comes again until it is confirmed. It knows NATS JetStream
// and no network.
package queue

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"ticketfrei/internal/mailer"
	"ticketfrei/internal/report"
)

// line is a stream of messages and the consumer that works through it.
type line struct {
	name     string // for people
	stream   string
	subject  string
	consumer string
}

var (
	reports    = line{"reports", "REPORTS", "report", "censor"}
	deliveries = line{"deliveries", "DELIVERIES", "delivery", "dispatcher"}
	mails      = line{"mails", "MAILS", "mail", "mailer"}

	lines = []line{reports, deliveries, mails}
)

// duplicateWindow is how long a stream remembers the ids of its messages.
// Within it, an id is stored only once. The database catches what comes again
// later.
const duplicateWindow = 10 * time.Minute

// publishTimeout bounds one publish. An fsync takes milliseconds even on a slow
// disk, so a queue that has not answered by then is broken.
const publishTimeout = 10 * time.Second

// ErrBroken is the error of publishing after the queue has failed to write to
// its files.
var ErrBroken = errors.New("the queue cannot write to its files; is the disk full?")

// Queue is the open queue. It is safe for use by many goroutines.
type Queue struct {
	dir    string
	log    *slog.Logger
	server *server.Server
	conn   *nats.Conn
	js     jetstream.JetStream
	held   *holder
	gather *gatherer

	sweepEvery time.Duration // sweepInterval, except in a test
	fetch      int           // fetch, except in a test

	breaking sync.Once
	broken   chan struct{} // closed when the queue is broken
}

// Open starts the embedded server with its files in dir and creates missing
// streams. If Open fails and the server does not stop, the error is also
// ErrHangs.
func Open(ctx context.Context, dir string, log *slog.Logger) (*Queue, error) {
	srv, err := startServer(dir, log)
	if err != nil {
		return nil, err
	}
	q := &Queue{dir: dir, log: log, server: srv, sweepEvery: sweepInterval, fetch: fetch, broken: make(chan struct{})}
	if err := q.connect(ctx); err != nil {
		return nil, errors.Join(err, q.Close())
	}
	return q, nil
}

func (q *Queue) connect(ctx context.Context) error {
	var err error
	q.conn, err = nats.Connect("", nats.InProcessServer(q.server), nats.MaxReconnects(-1))
	if err != nil {
		return fmt.Errorf("connect to the queue: %w", err)
	}
	q.js, err = jetstream.New(q.conn, jetstream.WithPublishAsyncMaxPending(1024), jetstream.WithDefaultTimeout(publishTimeout))
	if err != nil {
		return fmt.Errorf("connect to the queue: %w", err)
	}
	for _, l := range lines {
		_, err := q.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
			Name:       l.stream,
			Subjects:   []string{l.subject},
			Duplicates: duplicateWindow,
			MaxAge:     14 * 24 * time.Hour,
		})
		if api, ok := errors.AsType[*jetstream.APIError](err); ok && api.ErrorCode == jetstream.ErrorCode(server.JSStreamInvalidConfigF) {
			return fmt.Errorf("the queue in %s was made by another version (%w): let that version send what waits in it, stop it, and delete the directory", q.dir, err)
		}
		if err != nil {
			return fmt.Errorf("open stream %s: %w", l.stream, err)
		}
		if err := q.openConsumer(ctx, l); err != nil {
			return fmt.Errorf("open consumer %s of stream %s: %w", l.consumer, l.stream, err)
		}
	}
	q.held = startHolder()
	q.gather = startGatherer(q.publishReports)
	return nil
}

// closeTimeout is how long the embedded server may take to stop. It needs less
// than a second if it works.
const closeTimeout = 5 * time.Second

// ErrHangs means that the embedded server does not stop. It still has its files
// open, so this process must not open them again.
var ErrHangs = errors.New("the queue's server hangs")

// Close stops the queue. What was not confirmed comes again after the next
// Open. The consumers must have ended. The error is ErrHangs.
func (q *Queue) Close() error {
	if q.gather != nil {
		q.gather.stop()
	}
	if q.held != nil {
		q.held.stop()
	}
	if q.conn != nil {
		q.conn.Close()
	}
	stopped := make(chan struct{})
	go func() {
		q.server.Shutdown()
		q.server.WaitForShutdown()
		close(stopped)
	}()
	select {
	case <-stopped:
		return nil
	case <-time.After(closeTimeout):
		return fmt.Errorf("%w: it has not stopped after %s", ErrHangs, closeTimeout)
	}
}

// Broken is closed when the queue fails to store a message. JetStream never
// writes to a stream again after that: every publish fails at once with
// ErrBroken until the queue is closed and opened again.
func (q *Queue) Broken() <-chan struct{} { return q.broken }

// check returns the error of a publish and notes whether the queue is broken.
// When JetStream cannot store a message, it answers with an error or not at
// all. ctx is the caller's, who may have given up.
func (q *Queue) check(ctx context.Context, subject string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() == nil {
		q.breaking.Do(func() { close(q.broken) })
		err = fmt.Errorf("%w (%w)", ErrBroken, err)
	}
	return fmt.Errorf("publish to %s: %w", subject, err)
}

func (q *Queue) isBroken() bool {
	select {
	case <-q.broken:
		return true
	default:
		return false
	}
}

// PublishReport puts r into the queue, where relay/lanes.go reads it through
// ConsumeReports. When it returns nil, r is on disk. A report published twice is
// stored twice; the database knows it by its id.
func (q *Queue) PublishReport(ctx context.Context, r report.Report) error {
	if q.isBroken() {
		return ErrBroken
	}
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	return q.gather.add(ctx, r)
}

// publishReports puts a batch of reports into the queue.
func (q *Queue) publishReports(data []byte) error {
	return q.publish(context.Background(), reports.subject, data)
}

// PublishDeliveries puts all of ds into the queue, where supervisor/dispatch.go
// reads them through ConsumeDeliveries. When it returns nil, they are on disk; on
// an error some of them may be. If the same ds are published twice within
// duplicateWindow, they are stored once.
func (q *Queue) PublishDeliveries(ctx context.Context, ds []report.Delivery) error {
	if q.isBroken() {
		return ErrBroken
	}
	batches, err := packDeliveries(ds)
	if err != nil {
		return err
	}
	bounded, cancel := context.WithTimeout(ctx, publishTimeout+time.Duration(len(batches))*10*time.Millisecond)
	defer cancel()
	acks := make([]jetstream.PubAckFuture, 0, len(batches))
	for _, data := range batches {
		msg := &nats.Msg{Subject: deliveries.subject, Data: data, Header: nats.Header{}}
		msg.Header.Set(jetstream.MsgIDHeader, batchID(data))
		ack, err := q.js.PublishMsgAsync(msg, jetstream.WithStallWait(publishTimeout))
		if err != nil {
			return q.check(ctx, msg.Subject, err)
		}
		acks = append(acks, ack)
	}
	for _, ack := range acks {
		select {
		case <-ack.Ok():
		case err := <-ack.Err():
			return q.check(ctx, ack.Msg().Subject, err)
		case <-bounded.Done():
			return q.check(ctx, ack.Msg().Subject, bounded.Err())
		}
	}
	return nil
}

// batchID returns the same id for the same batch.
func batchID(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// PublishMail puts an account mail into the queue.
func (q *Queue) PublishMail(ctx context.Context, m mailer.Mail) error {
	data, err := encode([]mailer.Mail{m})
	if err != nil {
		return err
	}
	return q.publish(ctx, mails.subject, data)
}

func (q *Queue) publish(ctx context.Context, subject string, data []byte) error {
	if q.isBroken() {
		return ErrBroken
	}
	bounded, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	_, err := q.js.Publish(bounded, subject, data)
	return q.check(ctx, subject, err)
}

// Depth is how much is waiting in a stream.
type Depth struct {
	Stream  string    // "reports", "deliveries", "mails"
	Batches uint64    // waiting or being worked on; messages published together count as one
	Oldest  time.Time // when the oldest of them was published; zero if there is none
}

// Depths returns how much is waiting in each stream.
func (q *Queue) Depths(ctx context.Context) ([]Depth, error) {
	depths := make([]Depth, 0, len(lines))
	for _, l := range lines {
		d, err := q.depth(ctx, l)
		if err != nil {
			return nil, fmt.Errorf("look at stream %s: %w", l.stream, err)
		}
		depths = append(depths, d)
	}
	return depths, nil
}

func (q *Queue) depth(ctx context.Context, l line) (Depth, error) {
	cons, err := q.js.Consumer(ctx, l.stream, l.consumer)
	if err != nil {
		return Depth{}, err
	}
	stream, err := q.js.Stream(ctx, l.stream)
	if err != nil {
		return Depth{}, err
	}
	// The consumer's own NumPending lags behind what was just published.
	info := cons.CachedInfo()
	delivered := info.Delivered.Stream
	pending := max(stream.CachedInfo().State.LastSeq, delivered) - delivered
	d := Depth{Stream: l.name, Batches: pending + uint64(info.NumAckPending)}
	if d.Batches == 0 {
		return d, nil
	}
	oldest, err := stream.GetMsg(ctx, info.AckFloor.Stream+1, jetstream.WithGetMsgSubject(l.subject))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return d, nil // it was finished in the meantime
	}
	if err != nil {
		return Depth{}, err
	}
	d.Oldest = oldest.Time
	return d, nil
}

// Ping reports whether the queue works.
func (q *Queue) Ping(ctx context.Context) error {
	if q.isBroken() {
		return ErrBroken
	}
	if _, err := q.js.AccountInfo(ctx); err != nil {
		return fmt.Errorf("queue: %w", err)
	}
	return nil
}
