package supervisor_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/report"
	"ticketfrei/internal/slow"
)

// arrivals are the reports that recipients were sent, in their order.
type arrivals struct {
	mu sync.Mutex
	to map[int64][]string
}

func (a *arrivals) add(d report.Delivery) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.to == nil {
		a.to = make(map[int64][]string)
	}
	a.to[d.Recipient] = append(a.to[d.Recipient], d.Report.ID)
}

func (a *arrivals) of(recipient int64) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.to[recipient])
}

var errDown = errors.New("503 Service Unavailable")

// TestOrderOfOneAuthor has the first of an author's reports meet a server that is down:
// those after it arrive after it, and others wait for nothing.
func TestOrderOfOneAuthor(t *testing.T) {
	for _, recipient := range []int64{0, 7} {
		t.Run(fmt.Sprint("recipient ", recipient), func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			b := r.city("city")
			var got arrivals
			var tries atomic.Int32
			r.start(&toy{workers: 8, send: func(_ context.Context, d report.Delivery) (report.Receipt, error) {
				if d.Report.ID == "a1" && tries.Add(1) == 1 {
					return report.Receipt{}, errDown
				}
				got.add(d)
				return report.Receipt{}, nil
			}})
			r.publishOf("anna", b, "a1", recipient)
			r.waitFor("the first try", func() bool { return tries.Load() == 1 })
			r.publishOf("anna", b, "a2", recipient)
			r.publishOf("anna", b, "a3", recipient)
			r.publishOf("bert", b, "b1", recipient)
			r.publishOf("anna", b, "other", recipient+1)
			r.waitForCounts("b1", db.Counts{Sent: 1})
			r.waitForCounts("other", db.Counts{Sent: 1})
			if list := got.of(recipient); len(list) != 1 {
				t.Errorf("sent before the first: %v", list)
			}
			r.advance(2 * time.Second)
			r.waitForEmptyQueue()
			if list := got.of(recipient); !slices.Equal(list, []string{"b1", "a1", "a2", "a3"}) {
				t.Errorf("sent in this order: %v", list)
			}
		})
	}
}

// TestOrderWhileOneIsBeingSent has two reports of an author come while the first of
// them hangs, and many more than one is sent at a time.
func TestOrderWhileOneIsBeingSent(t *testing.T) {
	r := newRig(t)
	b := r.city("city")
	var got arrivals
	hung, release := make(chan struct{}), make(chan struct{})
	var tries atomic.Int32
	r.start(&toy{workers: 8, send: func(_ context.Context, d report.Delivery) (report.Receipt, error) {
		if d.Report.ID == "a1" && tries.Add(1) == 1 {
			close(hung)
			<-release
			return report.Receipt{}, errDown
		}
		got.add(d)
		return report.Receipt{}, nil
	}})
	r.publishOf("anna", b, "a1", 7)
	<-hung
	r.publishOf("anna", b, "a2", crowd(100)...)
	r.waitFor("all others", func() bool { return r.counts("a2") == db.Counts{Sent: 99} })
	close(release)
	r.waitForEmptyQueue()
	if list := got.of(7); !slices.Equal(list, []string{"a1", "a2"}) {
		t.Errorf("sent in this order: %v", list)
	}
}

// TestWhatIsBehindGoesOn has the first report of an author end in every way but being
// sent: what waits behind it goes on.
func TestWhatIsBehindGoesOn(t *testing.T) {
	for name, end := range map[string]func(r *rig, b report.Bot, failure *atomic.Pointer[error]){
		"failed": func(_ *rig, _ report.Bot, failure *atomic.Pointer[error]) {
			err := bots.Permanent(errors.New("too long"))
			failure.Store(&err)
		},
		"expired":    func(r *rig, _ report.Bot, _ *atomic.Pointer[error]) { r.advance(90 * time.Minute) },
		"taken back": func(r *rig, b report.Bot, _ *atomic.Pointer[error]) { r.takeBack(b, "a1") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			b := r.city("city")
			var failure atomic.Pointer[error]
			failure.Store(&errDown)
			var tries atomic.Int32
			r.start(&toy{send: func(_ context.Context, d report.Delivery) (report.Receipt, error) {
				if d.Report.ID == "a1" {
					tries.Add(1)
					return report.Receipt{}, *failure.Load()
				}
				return report.Receipt{}, nil
			}})
			r.publishOf("anna", b, "a1", 0)
			r.waitFor("a try", func() bool { return tries.Load() > 0 })
			r.advance(40 * time.Minute)
			r.publishOf("anna", b, "a2", 0)
			end(r, b, &failure)
			r.waitFor("the second", func() bool { return r.counts("a2") == db.Counts{Sent: 1} })
			r.waitForEmptyQueue()
		})
	}
}

// TestOrderAfterARestart starts the program again while two reports of an author wait.
func TestOrderAfterARestart(t *testing.T) {
	slow.Test(t, "waits until deliveries are tried again")
	r := newRig(t)
	b := r.city("city")
	var got arrivals
	var tries atomic.Int32
	var down atomic.Bool
	down.Store(true)
	network := &toy{workers: 8, send: func(_ context.Context, d report.Delivery) (report.Receipt, error) {
		if tries.Add(1); d.Report.ID == "a1" && down.Load() {
			return report.Receipt{}, errDown
		}
		got.add(d)
		return report.Receipt{}, nil
	}}
	r.start(network)
	r.publishOf("anna", b, "a1", crowd(100)...)
	r.waitFor("all tries", func() bool { return tries.Load() >= 100 })
	r.publishOf("anna", b, "a2", crowd(100)...)
	r.waitFor("the second to be put off", func() bool { return r.open() > 100 })
	r.stop()
	down.Store(false)
	r.advance(10 * time.Second)
	r.start(network)
	r.waitForCounts("a1", db.Counts{Sent: 100})
	r.waitForCounts("a2", db.Counts{Sent: 100})
	for i := range int64(100) {
		if list := got.of(i + 1); !slices.Equal(list, []string{"a1", "a2"}) {
			t.Errorf("%d was sent %v", i+1, list)
		}
	}
}

// TestOrderOfMany has an author's ten reports go to many, of which some cannot be
// reached at first.
func TestOrderOfMany(t *testing.T) {
	slow.Test(t, "waits until deliveries are tried again")
	r := newRig(t)
	b := r.city("city")
	var got arrivals
	var tried tally
	r.start(&toy{workers: 16, send: func(_ context.Context, d report.Delivery) (report.Receipt, error) {
		if tried.add(d) == 1 && d.Recipient%7 == 0 {
			return report.Receipt{}, errDown
		}
		got.add(d)
		return report.Receipt{}, nil
	}})
	var want []string
	for i := range 10 {
		id := fmt.Sprint("a", i)
		want = append(want, id)
		r.publishOf("anna", b, id, crowd(60)...)
	}
	for _, id := range want {
		r.waitFor(id, func() bool { r.advance(10 * time.Millisecond); return r.counts(id) == db.Counts{Sent: 60} })
	}
	for i := range int64(60) {
		if list := got.of(i + 1); !slices.Equal(list, want) {
			t.Errorf("%d was sent %v", i+1, list)
		}
	}
}

// TestLater has one recipient take nothing for a while: it waits alone, is no trouble of
// the bot, and costs others no room.
func TestLater(t *testing.T) {
	r := newRig(t)
	b := r.city("city")
	const wait = 400 * time.Millisecond
	var got arrivals
	var limited atomic.Int64
	var early atomic.Int32
	r.start(&toy{receive: waits, send: func(_ context.Context, d report.Delivery) (report.Receipt, error) {
		now := time.Now().UnixNano()
		if d.Recipient == 7 && limited.CompareAndSwap(0, now) {
			return report.Receipt{}, bots.Later(wait, errors.New("slow mode"))
		}
		if d.Recipient == 7 && now-limited.Load() < int64(wait) {
			early.Add(1)
		}
		got.add(d)
		return report.Receipt{}, nil
	}})
	r.publishTo(b, "r1", crowd(300)...)
	r.waitForCounts("r1", db.Counts{Sent: 299})
	r.waitForState(b, report.BotRunning)
	r.waitForCounts("r1", db.Counts{Sent: 300})
	if early.Load() > 0 || len(got.of(7)) != 1 {
		t.Errorf("%d too early, sent %v", early.Load(), got.of(7))
	}
	r.waitForEmptyQueue()
	r.waitForState(b, report.BotRunning)
}

// TestLaterFillsNoRoom has more reports wait for one recipient than a bot has room for,
// over a restart.
func TestLaterFillsNoRoom(t *testing.T) {
	slow.Test(t, "stores hundreds of reports")
	r := newRig(t)
	b := r.city("city")
	var open atomic.Bool
	var sent tally
	network := &toy{send: func(_ context.Context, d report.Delivery) (report.Receipt, error) {
		if d.Recipient == 7 && !open.Load() {
			return report.Receipt{}, bots.Later(time.Minute, errors.New("slow mode"))
		}
		sent.add(d)
		return report.Receipt{}, nil
	}}
	r.start(network)
	const many = 400
	for i := range many {
		r.publishOf("anna", b, fmt.Sprint("r", i), 6, 7, 8)
	}
	for i := range many {
		r.waitForCounts(fmt.Sprint("r", i), db.Counts{Sent: 2})
	}
	r.stop()
	open.Store(true)
	r.advance(time.Minute)
	r.start(network)
	for i := range many {
		r.waitForCounts(fmt.Sprint("r", i), db.Counts{Sent: 3})
		if n, most := sent.of(fmt.Sprint("r", i)); n != 3 || most != 1 {
			t.Errorf("report %d: sent to %d, to one of them %d times", i, n, most)
		}
	}
	r.waitForEmptyQueue()
}

// TestLaterExpires has a recipient take nothing until a report is too old.
func TestLaterExpires(t *testing.T) {
	r := newRig(t)
	b := r.city("city")
	r.start(&toy{send: func(context.Context, report.Delivery) (report.Receipt, error) {
		return report.Receipt{}, bots.Later(200*time.Millisecond, errors.New("slow mode"))
	}})
	r.publishTo(b, "r1", 1, 2)
	r.waitFor("both to be put off", func() bool { return r.open() == 2 })
	r.advance(2*time.Hour + time.Second)
	r.waitForCounts("r1", db.Counts{Expired: 2})
	r.waitForEmptyQueue()
}

// TestTakenBackWhileItWaits takes back a report that waits for a recipient.
func TestTakenBackWhileItWaits(t *testing.T) {
	r := newRig(t)
	b := r.city("city")
	var retracted tally
	r.start(&toy{send: func(_ context.Context, d report.Delivery) (report.Receipt, error) {
		if d.Retract != nil {
			if retracted.add(d) == 1 && d.Recipient == 2 {
				return report.Receipt{}, bots.Later(200*time.Millisecond, errors.New("slow mode"))
			}
			return report.Receipt{}, nil
		}
		if d.Recipient == 1 {
			return report.Receipt{}, bots.Later(time.Minute, errors.New("slow mode"))
		}
		return report.Receipt{ID: fmt.Sprint("post", d.Recipient)}, nil
	}})
	r.publishTo(b, "r1", 1, 2, 3)
	r.waitForCounts("r1", db.Counts{Sent: 2})
	r.waitFor("the other to be put off", func() bool { return r.open() == 1 })
	r.takeBack(b, "r1")
	r.waitForCounts("r1", db.Counts{Retracted: 2})
	r.waitForEmptyQueue()
	if n, most := retracted.of("r1"); n != 2 || most != 2 {
		t.Errorf("%d were taken back, one of them %d times", n, most)
	}
}

// TestBackAtOnce has a bot's network be away for long: what waits is sent as soon as it
// hears again, and not when its time would have come.
func TestBackAtOnce(t *testing.T) {
	slow.Test(t, "waits until a bot counts as working again")
	r := newRig(t)
	b := r.city("city")
	var away atomic.Bool
	away.Store(true)
	var tries atomic.Int32
	r.start(&toy{send: func(context.Context, report.Delivery) (report.Receipt, error) {
		if tries.Add(1); away.Load() {
			return report.Receipt{}, errDown
		}
		return report.Receipt{}, nil
	}, receive: func(ctx context.Context, b report.Bot, emit func(context.Context, bots.Incoming) error) error {
		if away.Load() {
			return errDown
		}
		return waits(ctx, b, emit)
	}})
	for i := range 3 {
		r.publishOf("anna", b, fmt.Sprint("r", i), 0)
	}
	r.waitFor("tries", func() bool { return tries.Load() >= 4 })
	r.waitForState(b, report.BotTrouble)
	away.Store(false)
	began := time.Now()
	for i := range 3 {
		r.waitForCounts(fmt.Sprint("r", i), db.Counts{Sent: 1})
	}
	r.waitForState(b, report.BotRunning)
	if took := time.Since(began); took > 6*time.Second {
		t.Errorf("took %s", took)
	}
}

// TestStand has a bot work without a live connection, which its card says, and with it
// again.
func TestStand(t *testing.T) {
	r := newRig(t)
	b := r.city("city")
	tell := make(chan error)
	r.start(&toy{send: ok, receive: func(ctx context.Context, b report.Bot, _ func(context.Context, bots.Incoming) error) error {
		for {
			select {
			case limit := <-tell:
				bots.Stand(ctx, limit)
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}})
	r.waitForState(b, report.BotRunning)
	says := func(want string) {
		t.Helper()
		r.waitFor("the card to say "+want, func() bool {
			got, err := r.db.Bot(t.Context(), b.ID)
			return err == nil && got.State == report.BotRunning && got.Limit() == want && got.LastError == want && got.ErrorAt.IsZero()
		})
	}
	tell <- bots.Say(errors.New("no stream"), "toy.blocked")
	says("blocked us")
	r.publish(b, "r1", "x") // which says nothing of how it hears
	r.waitForCounts("r1", db.Counts{Sent: 1})
	says("blocked us")
	tell <- nil
	says("")
	tell <- bots.Say(errors.New("no stream"), "toy.blocked")
	says("blocked us")
	r.stop()
	r.start(&toy{send: ok, receive: waits})
	says("")
	r.nobodyTold()
}
