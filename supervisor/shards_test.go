package supervisor_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"

	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/report"
	"ticketfrei/internal/slow"
)

// share has the supervisor work for the cities that this process wins, until stop, which
// waits until it has given them up. The supervisor works for none before.
func (r *rig) share() (begin func() (stop func())) {
	r.Helper()
	if !dbtest.OnServer() {
		r.Skip("of PostgreSQL alone: install it, and give the URL of a server in " + dbtest.ServerVariable)
	}
	owner := r.db.Share("one", slog.New(slog.DiscardHandler))
	return func() (stop func()) {
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			owner.Run(ctx, r.sup)
		}()
		stop = sync.OnceFunc(func() {
			cancel()
			<-ended
		})
		r.Cleanup(stop)
		r.waitFor("the cities", func() bool { return owner.Owned() == db.Shards })
		return stop
	}
}

// TestGivenUpBotsEndTheirSends has a process give up a city while one of two deliveries is
// being sent: that one ends and is stored, and the other is sent by who wins the city next.
func TestGivenUpBotsEndTheirSends(t *testing.T) {
	r := newRig(t)
	b := r.city("city")
	r.store(b, "r1", 1, 2)
	begin := r.share()
	sending, finish := make(chan int64, 10), make(chan struct{})
	r.start(&toy{receive: waits, send: func(_ context.Context, d report.Delivery) (report.Receipt, error) {
		sending <- d.Recipient
		<-finish
		return report.Receipt{}, nil
	}})
	stop := begin()
	first := receive(t, "send", sending)
	stopped := make(chan struct{})
	go func() {
		stop()
		close(stopped)
	}()
	r.waitFor("the city to be given up", func() bool { return !r.db.Owns(b.CityID) })
	select {
	case <-stopped:
		t.Error("a city was given up while something is being sent")
	default:
	}
	finish <- struct{}{}
	receive(t, "the end", stopped)
	if c := r.counts("r1"); c.Sent != 1 || r.open() != 1 || len(sending) > 0 {
		t.Errorf("%+v, %d open, %d being sent", c, r.open(), len(sending))
	}
	close(finish)
	begin = r.share()
	defer begin()()
	if second := receive(t, "send", sending); second == first {
		t.Error("what was sent is sent again")
	}
	r.waitForCounts("r1", db.Counts{Sent: 2})
}

// TestGivingUpIsBounded has a send not end: it is cut off, and whoever wins the city next
// sends it.
func TestGivingUpIsBounded(t *testing.T) {
	slow.Test(t, "waits for what does not end")
	r := newRig(t)
	b := r.city("city")
	r.store(b, "r1", 1)
	begin := r.share()
	sending, cut := make(chan bool, 10), make(chan struct{}, 10)
	r.start(&toy{receive: waits, send: func(ctx context.Context, _ report.Delivery) (report.Receipt, error) {
		sending <- true
		<-ctx.Done()
		cut <- struct{}{}
		return report.Receipt{}, ctx.Err()
	}})
	stop := begin()
	receive(t, "send", sending)
	stop()
	receive(t, "the end of the send", cut)
	begin = r.share()
	defer begin()()
	receive(t, "send", sending)
	if now := r.waitForState(b, report.BotRunning); now.State != report.BotRunning {
		t.Errorf("the bot is shown as %s", now.State)
	}
}
