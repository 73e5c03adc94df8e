package supervisor

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/internal/queue"
	"ticketfrei/internal/report"
)

func delivery(id string) queued {
	return &queue.Message[report.Delivery]{Body: report.Delivery{ID: id, Report: report.Report{ID: id[:1]}}}
}

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func drain(b *mailbox) string {
	var ids []string
	for {
		q, ok := b.take(noon)
		if !ok {
			return strings.Join(ids, " ")
		}
		ids = append(ids, q.Body.ID)
	}
}

func TestMailboxServesReportsInTurn(t *testing.T) {
	b := &mailbox{size: 100}
	for _, id := range strings.Fields("a1 a2 a3 a4 b1 b2 c1") {
		if !b.put(delivery(id), noon) {
			t.Fatalf("no room for %s", id)
		}
	}
	if diff := cmp.Diff("a1 b1 c1 a2 b2 a3 a4", drain(b)); diff != "" {
		t.Error(diff)
	}
	if b.reports != nil || b.byID != nil {
		t.Error("an empty mailbox costs memory")
	}
}

func TestMailboxKeepsRoomForOtherReports(t *testing.T) {
	b := &mailbox{size: 10}
	taken := map[string]int{}
	for i := range 20 {
		for _, id := range []string{"a", "b", "c"} {
			if id != "a" && i < 10 {
				continue // a comes first, with more than there is room for
			}
			if b.put(delivery(fmt.Sprint(id, i)), noon) {
				taken[id]++
			}
		}
	}
	if diff := cmp.Diff(map[string]int{"a": 5, "b": 3, "c": 2}, taken); diff != "" {
		t.Error(diff)
	}
}

// TestMailboxOfALargeReport sends a report to many more than there is room for,
// one after the other. What finds no room comes again when it was told to.
func TestMailboxOfALargeReport(t *testing.T) {
	for name, pace := range map[string]time.Duration{"fast": 400 * time.Microsecond, "slow": 33 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			const n = 10000
			b := &mailbox{size: 4096}
			type waits struct {
				q  queued
				at time.Time
			}
			var due []waits // in order
			tries, sent := 0, 0
			offer := func(q queued, now time.Time) {
				tries++
				q.Attempt++
				if b.put(q, now) {
					return
				}
				w := waits{q, now.Add(b.wait(q, now))}
				i, _ := slices.BinarySearchFunc(due, w, func(a, b waits) int { return a.at.Compare(b.at) })
				due = slices.Insert(due, i, w)
			}
			for range n {
				offer(delivery("a"), noon)
			}
			for now := noon; sent < n; now = now.Add(pace) {
				if sent == 0 {
					now = now.Add(time.Second / 10) // the first is slow
				}
				for len(due) > 0 && !due[0].at.After(now) {
					q := due[0].q
					due = due[1:]
					offer(q, now)
				}
				if _, ok := b.take(now); !ok {
					t.Fatalf("the mailbox is empty after %d, while %d wait", sent, len(due))
				}
				sent++
			}
			if most := n * (4 + int(n*pace/(4*time.Second))); tries > most {
				t.Errorf("%d tries for %d deliveries, want at most %d", tries, n, most)
			}
		})
	}
}

// TestMailboxOfAHangingBot has deliveries come again seldom while nothing is
// taken out.
func TestMailboxOfAHangingBot(t *testing.T) {
	b := &mailbox{size: 2}
	now := noon
	b.put(delivery("a"), now)
	if b.put(delivery("a"), now) {
		t.Fatal("there was room for more than half")
	}
	q := delivery("a")
	if got := b.wait(q, now); got != shortestWait {
		t.Errorf("wait %s at first, want %s", got, shortestWait)
	}
	now = now.Add(time.Hour)
	for _, want := range []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second, 4 * time.Second} {
		q.Attempt++
		if got := b.wait(q, now); got != want {
			t.Errorf("wait %s the time %d, want %s", got, q.Attempt, want)
		}
	}
}
