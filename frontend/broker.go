package frontend

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"ticketfrei/internal/clients"
)

const (
	// heartbeat is how often an idle stream gets a comment, so that proxies and
	// phones do not think it dead.
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
	cityReports(ctx context.Context, cityID int64) (liveList, error)
}

// broker tells the open event streams of a city when its reports change. One
// goroutine makes each update once and hands it to all streams.
type broker struct {
	lists  lister
	room   *clients.Room // of the streams
	log    *slog.Logger
	cancel context.CancelFunc
	wake   chan struct{}
	done   chan struct{}

	mu       sync.Mutex
	audience map[int64]map[*stream]bool // by city
	latest   map[int64]liveList         // what the audience was last told
	pending  map[int64]bool             // cities to look at
	closed   bool
}

// stream is one open event stream.
type stream struct {
	place   *clients.Place
	out     chan []byte
	gone    chan struct{} // closed when the broker ends the stream
	version string        // of the list that its page shows; used only by the broker's goroutine
}

// startBroker starts the broker's goroutine; close ends it.
func startBroker(lists lister, room *clients.Room, log *slog.Logger) *broker {
	ctx, cancel := context.WithCancel(context.Background())
	b := &broker{lists: lists, room: room, log: log, cancel: cancel,
		wake: make(chan struct{}, 1), done: make(chan struct{}),
		audience: map[int64]map[*stream]bool{}, latest: map[int64]liveList{}, pending: map[int64]bool{}}
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
	for _, streams := range b.audience {
		for st := range streams {
			close(st.gone)
		}
	}
	clear(b.audience)
}

// join opens a stream of a city for a page that shows that version of the list.
// client is the network it is counted by; the oldest stream is ended where there is
// no room. Call leave when the stream ends.
func (b *broker) join(client netip.Prefix, cityID int64, version string) (*stream, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, errClosed
	}
	st := &stream{out: make(chan []byte, maxBehind), gone: make(chan struct{}), version: version}
	var ok bool
	if st.place, ok = b.room.Enter(client, func() { b.end(cityID, st) }); !ok {
		return nil, errTooManyStreams
	}
	if b.audience[cityID] == nil {
		b.audience[cityID] = map[*stream]bool{}
	}
	b.audience[cityID][st] = true
	// The page may be a moment old.
	b.look(cityID)
	return st, nil
}

// leave removes a stream, whoever ended it.
func (b *broker) leave(cityID int64, st *stream) {
	b.mu.Lock()
	defer b.mu.Unlock()
	st.place.Leave()
	delete(b.audience[cityID], st)
	if len(b.audience[cityID]) == 0 {
		delete(b.audience, cityID)
		delete(b.latest, cityID)
	}
}

// changed says that the city's reports have changed. It does not block.
func (b *broker) changed(cityID int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.audience[cityID]) > 0 {
		b.look(cityID)
	}
}

// look makes the goroutine look at the city. The caller holds mu.
func (b *broker) look(cityID int64) {
	b.pending[cityID] = true
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
		case <-ctx.Done():
			return
		}
		b.tellAll(ctx)
	}
}

// tellAll tells the audience of every pending city. A city that cannot be
// loaded gets another try at the next heartbeat.
func (b *broker) tellAll(ctx context.Context) {
	b.mu.Lock()
	cities := b.pending
	b.pending = map[int64]bool{}
	b.mu.Unlock()
	for cityID := range cities {
		list, err := b.lists.cityReports(ctx, cityID)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			b.log.Error("the open pages of a city were not told of its reports", "city", cityID, "err", err)
			b.mu.Lock()
			b.pending[cityID] = true
			b.mu.Unlock()
			continue
		}
		b.tell(cityID, list)
	}
}

// tell sends each stream of the city what turns its page's list into list.
func (b *broker) tell(cityID int64, list liveList) {
	b.mu.Lock()
	defer b.mu.Unlock()
	before := b.latest[cityID]
	if len(b.audience[cityID]) > 0 {
		b.latest[cityID] = list
	}
	var change, whole []byte // made when the first stream needs them
	for st := range b.audience[cityID] {
		switch st.version {
		case list.version:
			continue
		case before.version:
			if change == nil {
				change = list.changeSince(before)
			}
			b.send(cityID, st, change)
		default:
			if whole == nil {
				whole = list.whole()
			}
			b.send(cityID, st, whole)
		}
		st.version = list.version
	}
}

// send hands an update over without blocking. A stream that does not take it is
// ended. The caller holds mu.
func (b *broker) send(cityID int64, st *stream, update []byte) {
	select {
	case st.out <- update:
	default:
		b.end(cityID, st)
	}
}

// end ends a stream. The caller holds mu; so does who enters the room.
func (b *broker) end(cityID int64, st *stream) {
	if b.audience[cityID][st] {
		delete(b.audience[cityID], st)
		close(st.gone)
	}
}

// beat sends every stream a comment, which browsers ignore.
func (b *broker) beat() {
	comment := []byte(":\n\n")
	b.mu.Lock()
	defer b.mu.Unlock()
	for cityID, streams := range b.audience {
		for st := range streams {
			b.send(cityID, st, comment)
		}
	}
}
