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
	if !take("a") || !take("a") || take("a") || !take("b") {
		t.Error("it is not two for each")
	}
	now = now.Add(time.Minute)
	if !take("a") || !take("a") || take("a") {
		t.Error("it is not two a minute later")
	}
	for i := range 30_000 { // remembers no more than it has room for
		take(fmt.Sprint(i))
	}
	if !take("c") {
		t.Error("there is no room for another")
	}
}
