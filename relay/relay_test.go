package relay_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/config"
	"ticketfrei/internal/notice"
	"ticketfrei/internal/report"
	"ticketfrei/relay"
)

// sent is what a Relay has handed on.
type sent struct {
	more chan struct{}

	mu    sync.Mutex
	list  []db.Fanout
	taken [][2]int64 // city, seq
	wiped [][2]int64 // city, seq
}

var _ relay.Outgoing = (*sent)(nil)

func (s *sent) Send(list []db.Fanout) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, list...)
	select {
	case s.more <- struct{}{}:
	default:
	}
}

func (s *sent) TakenBack(cityID, seq int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken = append(s.taken, [2]int64{cityID, seq})
}

func (s *sent) Wiped(cityID, seq int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wiped = append(s.wiped, [2]int64{cityID, seq})
}

// mustWait waits until n fanouts were handed on, and returns them in that order.
func (s *sent) mustWait(t *testing.T, n int) []db.Fanout {
	t.Helper()
	late := time.After(time.Minute)
	for {
		s.mu.Lock()
		list := slices.Clone(s.list)
		s.mu.Unlock()
		if len(list) > n {
			t.Fatalf("%d fanouts were handed on, want %d", len(list), n)
		}
		if len(list) == n {
			return list
		}
		select {
		case <-s.more:
		case <-late:
			t.Fatalf("%d fanouts were handed on, want %d", len(list), n)
		}
	}
}

// newRelay returns a Relay with its database, and what it hands on.
func newRelay(t *testing.T, networks map[string]bots.Network) (*relay.Relay, *sent) {
	t.Helper()
	now := time.Now()
	return newRelayOn(dbtest.MustOpen(t, func() time.Time { return now }, nil), now, networks)
}

// newRelayOn returns a Relay on a database, as after a restart.
func newRelayOn(d *db.DB, now time.Time, networks map[string]bots.Network) (*relay.Relay, *sent) {
	out := &sent{more: make(chan struct{}, 1)}
	rl := relay.New(relay.Options{
		DB: d, Outgoing: out, Expire: time.Hour, Brakes: config.Brakes{Author: 5}, Now: func() time.Time { return now }, Notices: &notice.Board{}, Networks: networks,
		Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(),
	})
	rl.TryAgainAfter(100 * time.Microsecond)
	return rl, out
}

// begin has a Relay judge until end is called. wait returns when it has stopped.
func begin(t *testing.T, rl *relay.Relay) (end, wait func()) {
	t.Helper()
	ctx, end := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- rl.Run(ctx) }()
	return end, func() {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// start has a Relay judge until stop, or the test ends.
func start(t *testing.T, rl *relay.Relay) (stop func()) {
	t.Helper()
	end, wait := begin(t, rl)
	stop = sync.OnceFunc(func() {
		end()
		wait()
	})
	t.Cleanup(stop)
	return stop
}

// mustCountBacklog returns how many reports wait. A server is asked: what a process counts
// there itself may be a few off until then.
func mustCountBacklog(t *testing.T, d *db.DB) int {
	t.Helper()
	if d.OnServer() {
		if err := d.CountBacklog(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return d.Backlog()
}

// mustHear stores a report that mentions its id.
func mustHear(t *testing.T, rl *relay.Relay, c report.City, id string) {
	t.Helper()
	r := report.Report{ID: id, CityID: c.ID, Network: "crowd", NetworkID: id, Author: id, Text: "Kontrolle " + id, Time: rl.Now(), Received: rl.Now()}
	if err := rl.DB.Hear(t.Context(), r); err != nil {
		t.Fatal(err)
	}
}

// listing is a network of which only the recipients are asked for.
type listing struct {
	bots.Network
	list func(report.Report) ([]int64, error)
}

var _ bots.Recipients = listing{}

func (l listing) Recipients(_ context.Context, _ report.Bot, r report.Report) ([]int64, error) {
	return l.list(r)
}
func (l listing) RemoveRecipient(context.Context, report.Bot, int64) error { return nil }
func (l listing) CountRecipients(context.Context, report.Bot) (int, error) { return 0, nil }

// crowd is a network with so many recipients.
func crowd(n int) bots.Network {
	list := make([]int64, n)
	for i := range list {
		list[i] = int64(i + 1)
	}
	return listing{list: func(report.Report) ([]int64, error) { return list, nil }}
}

// TestFanOutToMany has two reports go to many, and to a second bot whose recipients
// cannot be listed when the second report is judged.
func TestFanOutToMany(t *testing.T) {
	t.Parallel()
	const many, rows = 2500, 40 // the last of which is not full
	asked := 0
	public := listing{list: func(report.Report) ([]int64, error) {
		if asked++; asked == 2 {
			return nil, errors.New("the disk is full")
		}
		return []int64{0}, nil
	}}
	rl, out := newRelay(t, map[string]bots.Network{"public": public, "crowd": crowd(many)})
	c := dbtest.MustCreateCity(t, rl.DB, "fuerth", "crowd", "public")
	mustHear(t, rl, c, "a")
	mustHear(t, rl, c, "b")
	stop := start(t, rl)
	list := out.mustWait(t, 2*(rows+1))
	stop()
	got := make(map[string]int)
	first := make(map[string]int) // how many recipients the first fanout of each report has
	for _, f := range list {
		if first[f.Report.ID] == 0 {
			first[f.Report.ID] = len(f.Recipients)
		}
		for _, to := range f.Recipients {
			got[fmt.Sprint(f.Report.ID, " ", f.BotID, " ", to)]++
		}
	}
	if len(got) != 2*(many+1) {
		t.Errorf("%d deliveries of 2 reports to %d", len(got), many+1)
	}
	for delivery, n := range got {
		if n != 1 {
			t.Fatalf("delivery %s came %d times", delivery, n)
		}
	}
	for id, n := range first {
		if n != 1 {
			t.Errorf("report %s went to %d first, not to the one", id, n)
		}
	}
	if asked != 3 {
		t.Errorf("the recipients were listed %d times, want 3: one could not be", asked)
	}
}

// TestManyAreStoredInParts has reports wait that go to very many: they are not all
// stored at once, since nothing else could be meanwhile.
func TestManyAreStoredInParts(t *testing.T) {
	t.Parallel()
	const reports, rows = 8, 300
	rl, out := newRelay(t, map[string]bots.Network{"crowd": crowd(rows * db.FanoutSize)})
	c := dbtest.MustCreateCity(t, rl.DB, "fuerth", "crowd")
	for i := range reports {
		mustHear(t, rl, c, fmt.Sprint(i))
	}
	var parts []int
	rl.Outgoing = watched{out, func() { parts = append(parts, rl.DB.Backlog()) }}
	stop := start(t, rl)
	out.mustWait(t, reports*rows)
	stop()
	if want := []int{6, 6, 4, 4, 2, 2, 0, 0}; !slices.Equal(parts, want) {
		t.Errorf("when they were handed on %v reports waited, want %v", parts, want)
	}
}

// watched calls see before each Send.
type watched struct {
	relay.Outgoing
	see func()
}

func (w watched) Send(list []db.Fanout) {
	w.see()
	w.Outgoing.Send(list)
}

// TestOneAtATimeNeverWaits has each report follow at once when the one before
// has arrived: none may wait for others to be judged with. On a machine that is busy
// with other things most may take long for a while, so there are some rounds; reports
// that wait do so in all of them.
func TestOneAtATimeNeverWaits(t *testing.T) {
	t.Parallel()
	rl, out := newRelay(t, nil)
	c := dbtest.MustCreateCity(t, rl.DB, "fuerth", "public")
	start(t, rl)
	const rounds, each, linger = 5, 41, 25 * time.Millisecond
	median := func(round int) time.Duration {
		times := make([]time.Duration, each)
		for i := range times {
			n := round*each + i
			heard := time.Now()
			mustHear(t, rl, c, fmt.Sprint(n))
			out.mustWait(t, n+1)
			times[i] = time.Since(heard)
		}
		slices.Sort(times)
		return times[each/2]
	}
	best := median(0)
	for round := 1; round < rounds && best >= linger; round++ {
		best = min(best, median(round))
	}
	if best >= linger {
		t.Errorf("half of the reports took %s or longer", best)
	}
}
