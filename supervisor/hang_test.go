package supervisor_test

import (
	"context"
	"testing"

	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// TestHangingSendsHoldUpNobody has some recipients of a bot take for ever: those of later
// reports are sent to while the bot may send more at once.
func TestHangingSendsHoldUpNobody(t *testing.T) {
	r := newRig(t)
	b := r.city("city")
	let, hangs := make(chan struct{}), make(chan int64, 10)
	r.start(&toy{receive: waits, workers: 8, send: func(ctx context.Context, d report.Delivery) (report.Receipt, error) {
		if d.Recipient > 3 {
			return report.Receipt{}, nil
		}
		hangs <- d.Recipient
		select {
		case <-let:
		case <-ctx.Done():
		}
		return report.Receipt{}, ctx.Err()
	}})
	r.publishTo(b, "r1", 1, 2, 3)
	for range 3 {
		<-hangs
	}
	r.publishTo(b, "r2", 4, 5)
	r.waitForCounts("r2", db.Counts{Sent: 2})
	r.publishTo(b, "r3", 1, 4, 5)
	r.waitForCounts("r3", db.Counts{Sent: 2})
	close(let)
	r.waitForCounts("r1", db.Counts{Sent: 3})
	r.waitForCounts("r3", db.Counts{Sent: 3})
}
