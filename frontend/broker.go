package frontend

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"ticketfrei/db"
	"ticketfrei/internal/clients"
	"ticketfrei/internal/notice"
)

const (
	// heartbeat is how often an idle stream gets a sign of life, so that proxies,
	// phones and pages do not think it dead. stream.js counts on it.
	heartbeat = 25 * time.Second
	// maxStreams bounds the open streams where nobody else does.
	maxStreams = 20000
	// maxBehind is how many updates a stream may fall behind before it is
	// ended. Its browser opens another and gets what it missed at once.
	maxBehind = 16
)

// errTooManyStreams and errClosed are the errors of join.
var (
	errTooManyStreams = errors.New("too many open event streams")
	errClosed         = errors.New("the site is shutting down")
)

// lister lists what a city's page shows of its reports.
type lister interface {
	cityReports(ctx context.Context, cityID int64, lang string) (liveList, error)
	// slug is what the log calls a city.
	slug(ctx context.Context, cityID int64) string
}

// audience is whom one list is told: they have the page of a city open in one language.
type audience struct {
	city int64
	lang string
}

// broker tells the open event streams of a city when its reports change. One
// goroutine makes each update once and hands it to all streams.
type broker struct {
	lists  lister
	shared bool          // other processes may change what the lists show, and fail to tell
	langs  []string      // in which there are pages
	room   *clients.Room // of the streams
	log    *slog.Logger
	cancel context.CancelFunc
	wake   chan struct{}
	done   chan struct{}

	mu      sync.Mutex
	streams map[audience]map[*stream]bool
	latest  map[audience]liveList // what they were last told
	pending map[audience]bool     // to look at
	closed  bool
}

// stream is one open event stream.
type stream struct {
	place   *clients.Place
	out     chan []byte
	gone    chan struct{} // closed when the broker ends the stream
	version string        // of the list that its page shows; used only by the broker's goroutine
}

// startBroker starts the broker's goroutine; close ends it.
func startBroker(lists lister, shared bool, langs []string, room *clients.Room, log *slog.Logger) *broker {
	ctx, cancel := context.WithCancel(context.Background())
	b := &broker{lists: lists, shared: shared, langs: langs, room: room, log: log, cancel: cancel,
		wake: make(chan struct{}, 1), done: make(chan struct{}),
		streams: map[audience]map[*stream]bool{}, latest: map[audience]liveList{}, pending: map[audience]bool{}}
	go b.run(ctx)
	return b
}

// close ends every stream and waits for the goroutine.
func (b *broker) close() {
	b.cancel()
	<-b.done
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	for _, streams := range b.streams {
		for st := range streams {
			close(st.gone)
		}
	}
	clear(b.streams)
}

// join opens a stream for a page that shows that version of the list.
// client is the network it is counted by; the oldest stream is ended where there is
// no room. Call leave when the stream ends.
func (b *broker) join(client netip.Prefix, a audience, version string) (*stream, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, errClosed
	}
	st := &stream{out: make(chan []byte, maxBehind), gone: make(chan struct{}), version: version}
	var ok bool
	if st.place, ok = b.room.Enter(client, func() { b.end(a, st) }); !ok {
		return nil, errTooManyStreams
	}
	if b.streams[a] == nil {
		b.streams[a] = map[*stream]bool{}
	}
	b.streams[a][st] = true
	// The page may be a moment old.
	b.look(a)
	return st, nil
}

// leave removes a stream, whoever ended it.
func (b *broker) leave(a audience, st *stream) {
	b.mu.Lock()
	defer b.mu.Unlock()
	st.place.Leave()
	delete(b.streams[a], st)
	if len(b.streams[a]) == 0 {
		delete(b.streams, a)
		delete(b.latest, a)
	}
}

// changed says that the city's reports have changed, or those of all cities may have. It
// does not block.
func (b *broker) changed(cityID int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if cityID == notice.All {
		for a := range b.streams {
			b.look(a)
		}
		return
	}
	for _, lang := range b.langs {
		if a := (audience{cityID, lang}); len(b.streams[a]) > 0 {
			b.look(a)
		}
	}
}

// look makes the goroutine look at a list. The caller holds mu.
func (b *broker) look(a audience) {
	b.pending[a] = true
	select {
	case b.wake <- struct{}{}:
	default: // it is awake already
	}
}

func (b *broker) run(ctx context.Context) {
	defer close(b.done)
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	for {
		select {
		case <-b.wake:
		case <-tick.C:
			b.beat()
			if b.shared {
				b.changed(notice.All)
			}
		case <-ctx.Done():
			return
		}
		b.tellAll(ctx)
	}
}

// tellAll tells the audience of every pending list. One that cannot be
// loaded gets another try at the next heartbeat.
func (b *broker) tellAll(ctx context.Context) {
	b.mu.Lock()
	lists := b.pending
	b.pending = map[audience]bool{}
	b.mu.Unlock()
	for a := range lists {
		list, err := b.lists.cityReports(ctx, a.city, a.lang)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			if !db.Unavailable(err) {
				b.log.Error("the open pages of a city were not told of its reports", "city", b.lists.slug(ctx, a.city), "err", err)
			}
			b.mu.Lock()
			b.pending[a] = true
			b.mu.Unlock()
			continue
		}
		b.tell(a, list)
	}
}

// tell sends each stream of the audience what turns its page's list into list.
func (b *broker) tell(a audience, list liveList) {
	b.mu.Lock()
	defer b.mu.Unlock()
	before := b.latest[a]
	if len(b.streams[a]) > 0 {
		b.latest[a] = list
	}
	var change, whole []byte // made when the first stream needs them
	for st := range b.streams[a] {
		switch st.version {
		case list.version:
			continue
		case before.version:
			if change == nil {
				change = list.changeSince(before)
			}
			b.send(a, st, change)
		default:
			if whole == nil {
				whole = list.whole()
			}
			b.send(a, st, whole)
		}
		st.version = list.version
	}
}

// send hands an update over without blocking. A stream that does not take it is
// ended. The caller holds mu.
func (b *broker) send(a audience, st *stream, update []byte) {
	select {
	case st.out <- update:
	default:
		b.end(a, st)
	}
}

// end ends a stream. The caller holds mu; so does who enters the room.
func (b *broker) end(a audience, st *stream) {
	if b.streams[a][st] {
		delete(b.streams[a], st)
		close(st.gone)
	}
}

// beat sends every stream an event that says nothing but that it is there: a page that
// was asleep cannot tell otherwise.
func (b *broker) beat() {
	beat := []byte("event: beat\ndata:\n\n")
	b.mu.Lock()
	defer b.mu.Unlock()
	for a, streams := range b.streams {
		for st := range streams {
			b.send(a, st, beat)
		}
	}
}
