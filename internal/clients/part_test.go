package clients_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/go-chi/httprate"

	"ticketfrei/internal/clients"
)

func TestPart(t *testing.T) {
	for _, c := range []struct{ limit, processes, want int }{{10, 0, 10}, {10, 1, 10}, {10, 3, 3}, {2, 3, 1}} {
		if got := clients.Part(c.limit, c.processes); got != c.want {
			t.Errorf("%d of %d processes: %d, want %d", c.limit, c.processes, got, c.want)
		}
	}
}

// TestLimitsAreShared lets a process have its part of a limit only, as many as there are at
// the moment.
func TestLimitsAreShared(t *testing.T) {
	limiter := httprate.NewRateLimiter(6, time.Hour)
	passes := func(processes int) (n int) {
		for range 10 {
			r := clients.LimitRequest(httptest.NewRequest(http.MethodPost, "/", nil), 6, processes)
			if !limiter.OnLimit(httptest.NewRecorder(), r, "somebody") {
				n++
			}
		}
		return n
	}
	if first, then := passes(3), passes(1); first != 2 || then != 4 {
		t.Errorf("of three processes it let %d through, and %d more alone, want 2 and 4", first, then)
	}

	processes := 2
	room := clients.NewPartRoom(9, 4, func() int { return processes })
	client := netip.MustParsePrefix("192.0.2.7/32")
	enter := func() (n int) {
		for range 5 {
			if p, ok := room.Enter(client, func() {}); ok {
				p.SetBusy(true)
				n++
			}
		}
		return n
	}
	if n := enter(); n != 2 {
		t.Errorf("half of four places are %d", n)
	}
	if processes = 1; enter() != 2 {
		t.Error("a process that is alone does not have the rest")
	}
}
