package backoff_test

import (
	"math"
	"testing"
	"time"

	"ticketfrei/internal/backoff"
)

func TestWaitDoublesUpToTheLast(t *testing.T) {
	for _, c := range []struct {
		times int
		want  time.Duration
	}{
		{-1, time.Second},
		{0, time.Second},
		{1, 2 * time.Second},
		{5, 32 * time.Second},
		{6, time.Minute},
		{math.MaxInt, time.Minute},
	} {
		for range 100 {
			got := backoff.Wait(time.Second, c.times, time.Minute)
			if got < c.want*8/10 || got > c.want*12/10 {
				t.Fatalf("after %d times %v, want %v or a fifth off", c.times, got, c.want)
			}
		}
	}
	if got := backoff.Wait(time.Hour, 0, time.Minute); got > 72*time.Second {
		t.Errorf("a first wait beyond the last is %v", got)
	}
	if got := backoff.Wait(0, math.MaxInt32, time.Minute); got != 0 {
		t.Errorf("nothing, doubled, is %v", got)
	}
}

func TestJitterSpreads(t *testing.T) {
	seen := map[time.Duration]bool{}
	for range 100 {
		seen[backoff.Jitter(time.Minute)] = true
	}
	if len(seen) < 90 {
		t.Errorf("%d different waits of 100", len(seen))
	}
}
