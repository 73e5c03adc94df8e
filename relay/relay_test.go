package relay_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"ticketfrei/bots"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/notice"
	"ticketfrei/internal/queue"
	"ticketfrei/internal/report"
	"ticketfrei/relay"
)

// newRelay returns a Relay, with its database and queue.
func newRelay(t *testing.T, networks map[string]bots.Network) *relay.Relay {
	t.Helper()
	now := time.Now()
	d := dbtest.MustOpen(t, func() time.Time { return now }, nil)
	q, err := queue.Open(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = q.Close() })
	return relay.New(relay.Options{
		DB: d, Queue: q, Expire: time.Hour, Now: func() time.Time { return now }, Notices: &notice.Board{}, Networks: networks,
		Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(),
	})
}

// mustPublish puts a report that mentions its id into the queue.
func mustPublish(t *testing.T, rl *relay.Relay, c report.City, id string) {
	t.Helper()
	r := report.Report{ID: id, CityID: c.ID, Network: "crowd", NetworkID: id, Author: id, Text: "Kontrolle " + id, Time: rl.Now(), Received: rl.Now()}
	if err := rl.Queue.PublishReport(t.Context(), r); err != nil {
		t.Fatal(err)
	}
}

// listing is a network of which only the recipients are asked for.
type listing struct {
	bots.Network
	list func() ([]string, error)
}

var _ bots.Recipients = listing{}

func (l listing) Recipients(context.Context, report.Bot, report.Report) ([]string, error) {
	return l.list()
}
func (l listing) RemoveRecipient(context.Context, report.Bot, string) error { return nil }
func (l listing) CountRecipients(context.Context, report.Bot) (int, error)  { return 0, nil }

// TestFanOutToMany has a report go to more recipients than are published at once.
// The second bot's cannot be listed the first time, when those of another report
// have been published.
func TestFanOutToMany(t *testing.T) {
	const many = 2500
	asked := 0
	public := listing{list: func() ([]string, error) {
		if asked++; asked == 2 {
			return nil, errors.New("the disk is full")
		}
		return []string{""}, nil
	}}
	crowd := listing{list: func() ([]string, error) {
		list := make([]string, many)
		for i := range list {
			list[i] = fmt.Sprint(i)
		}
		return list, nil
	}}
	rl := newRelay(t, map[string]bots.Network{"public": public, "crowd": crowd})
	c := dbtest.MustCreateCity(t, rl.DB, "fuerth", "crowd", "public")
	mustPublish(t, rl, c, "a")
	mustPublish(t, rl, c, "b")
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	judging := make(chan error, 1)
	go func() { judging <- rl.Run(ctx) }()
	got := make(map[string]int)
	first := make(map[string]string) // network of the first delivery of each report
	err := rl.Queue.ConsumeDeliveries(ctx, func(m *queue.Message[report.Delivery]) {
		r := m.Body.Report.ID
		if first[r] == "" {
			first[r] = m.Body.Network
		}
		got[m.Body.ID]++
		m.Done()
		if len(got) == 2*(many+1) {
			stop()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := <-judging; err != nil {
		t.Fatal(err)
	}
	if len(got) != 2*(many+1) {
		t.Fatalf("%d deliveries of 2 reports to %d", len(got), many+1)
	}
	for id, n := range got {
		if n != 1 {
			t.Fatalf("delivery %s came %d times", id, n)
		}
	}
	for r, network := range first {
		if network != "public" {
			t.Errorf("the first delivery of %s went to %s, not where there are few", r, network)
		}
	}
	if asked < 3 {
		t.Errorf("the recipients were listed %d times: nothing failed", asked)
	}
}

// TestOneAtATimeNeverWaits has each report follow at once when the one before
// has arrived: none may be taken for a flood, which is judged 25 ms later. On a
// machine that is busy with other things most may take that long for a while, so
// there are some rounds; reports that wait do so in all of them.
func TestOneAtATimeNeverWaits(t *testing.T) {
	rl := newRelay(t, nil)
	c := dbtest.MustCreateCity(t, rl.DB, "fuerth", "public")
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	arrived := make(chan struct{})
	var running errgroup.Group
	running.Go(func() error { return rl.Run(ctx) })
	running.Go(func() error {
		return rl.Queue.ConsumeDeliveries(ctx, func(m *queue.Message[report.Delivery]) {
			m.Done()
			arrived <- struct{}{}
		})
	})
	const rounds, each, linger = 5, 41, 25 * time.Millisecond
	median := func(round int) time.Duration {
		times := make([]time.Duration, each)
		for i := range times {
			published := time.Now()
			mustPublish(t, rl, c, fmt.Sprint(round*each+i))
			select {
			case <-arrived:
			case <-ctx.Done():
				t.Fatalf("report %d of round %d did not arrive", i, round)
			}
			times[i] = time.Since(published)
		}
		slices.Sort(times)
		return times[each/2]
	}
	best := median(0)
	for round := 1; round < rounds && best >= linger; round++ {
		best = min(best, median(round))
	}
	stop()
	if err := running.Wait(); err != nil {
		t.Fatal(err)
	}
	if best >= linger {
		t.Errorf("half of the reports took %s or longer", best)
	}
}
