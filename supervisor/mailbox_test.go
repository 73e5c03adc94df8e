package supervisor

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/queue"
	"ticketfrei/report"
)

func letter(id string) message {
	return &queue.Message[report.Delivery]{Body: report.Delivery{ID: id, Report: report.Report{ID: id[:1]}}}
}

func drain(b *mailbox) string {
	var ids []string
	for {
		m, ok := b.take()
		if !ok {
			return strings.Join(ids, " ")
		}
		ids = append(ids, m.Body.ID)
	}
}

func TestMailboxServesReportsInTurn(t *testing.T) {
	b := &mailbox{size: 100}
	for _, id := range strings.Fields("a1 a2 a3 a4 b1 b2 c1") {
		if !b.put(letter(id)) {
			t.Fatalf("no room for %s", id)
		}
	}
	if diff := cmp.Diff("a1 b1 c1 a2 b2 a3 a4", drain(b)); diff != "" {
		t.Error(diff)
	}
	if b.reports != nil || b.byID != nil {
		t.Error("an empty mailbox holds memory")
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
			if b.put(letter(fmt.Sprint(id, i))) {
				taken[id]++
			}
		}
	}
	if diff := cmp.Diff(map[string]int{"a": 5, "b": 3, "c": 2}, taken); diff != "" {
		t.Error(diff)
	}
}
