package stream

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ticketfrei/bots"
	kit "ticketfrei/bots/kit/standin"
	"ticketfrei/bots/stream/standin"
)

// A target has one request at a time; a few deliveries wait for it, the others come back
// later.
func TestOneAtATime(t *testing.T) {
	s := newStreet(t)
	s.put(to("a", s.targets.Hook()))
	var at, most atomic.Int32
	const all, through = 12, 1 + mostWaiting
	turnedAway := make(chan struct{}) // closed when all others were
	s.targets.Fail(standin.HookPath, -1, func(w http.ResponseWriter, r *http.Request) {
		most.Store(max(most.Load(), at.Add(1)))
		select {
		case <-turnedAway:
		case <-time.After(10 * time.Second):
		}
		at.Add(-1)
		kit.Status(http.StatusNoContent, "")(w, r)
	})
	var group sync.WaitGroup
	var taken, later atomic.Int32
	for i := range all {
		r := s.on(fmt.Sprint("U1 ", i), onU1)
		group.Go(func() {
			_, _, errs := s.send(r)
			switch kind, after := bots.KindOf(errs[0]); {
			case errs[0] == nil:
				taken.Add(1)
			case kind == bots.KindLater && after >= busyWait && after < time.Minute:
				if later.Add(1) == all-through {
					close(turnedAway)
				}
			default:
				t.Error(errs)
			}
		})
	}
	group.Wait()
	if most.Load() != 1 || taken.Load() != through || later.Load() != all-through {
		t.Errorf("%d at a time, %d taken, %d later", most.Load(), taken.Load(), later.Load())
	}
}

// Streams wait for nobody else's target.
func TestStreamsApart(t *testing.T) {
	s := newStreet(t)
	s.put(to("stuck", s.targets.Slack()))
	s.put(to("well", s.targets.Hook()))
	s.targets.Fail(standin.SlackPath, -1, kit.Hang())
	var group sync.WaitGroup
	for i := range 1 + mostWaiting { // as many as may wait for it
		r := s.on(fmt.Sprint("U1 ", i), onU1)
		group.Go(func() { s.sendTo("stuck", r) })
	}
	s.wait(func() bool { return len(s.got(standin.SlackPath)) == 1 })
	if err := s.sendTo("well", s.on("U1", onU1)); err != nil || len(s.got(standin.HookPath)) != 1 {
		t.Errorf("%v", err)
	}
	s.targets.Mend()
	group.Wait()
}
