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
	t.Parallel()
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
	t.Parallel()
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
	slow.Test(t, "waits for what is tried again")
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
