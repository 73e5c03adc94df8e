package pace_test

import (
	"fmt"
	"testing"
	"time"

	"ticketfrei/bots/kit/pace"
)

func TestQuota(t *testing.T) {
	var q pace.Quota
	now := time.Now()
	take := func(who string) bool { return q.Take(who, now, 2, time.Minute) }
	takes := func(who string, want int) {
		t.Helper()
		got := 0
		for range 5 {
			if take(who) {
				got++
			}
		}
		if got != want {
			t.Errorf("%s: %d times, want %d", who, got, want)
		}
	}
	takes("a", 2)
	takes("b", 2)
	takes("a", 0)
	now = now.Add(time.Minute)
	takes("a", 2)
	for i := range 30_000 { // remembers no more than it has room for
		take(fmt.Sprint(i))
	}
	if !take("c") {
		t.Error("there is no room for another")
	}
}
