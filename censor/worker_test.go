package censor_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ticketfrei/censor"
	"ticketfrei/db/dbtest"
	"ticketfrei/queue"
	"ticketfrei/report"
)

// TestFanOutToMany has a report go to more recipients than are published at once.
// The second bot's cannot be listed the first time, when those of another report
// have been published.
func TestFanOutToMany(t *testing.T) {
	const many = 2500
	now := time.Now()
	d := dbtest.MustOpen(t, func() time.Time { return now }, nil)
	q, err := queue.Open(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	c := dbtest.MustCreateCity(t, d, "fuerth", "crowd", "public")
	asked := 0
	w := censor.NewWorker(censor.Options{
		DB: d, Queue: q, Expire: time.Hour, Now: func() time.Time { return now },
		Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(),
		Recipients: func(_ context.Context, b report.Bot, r report.Report) ([]string, error) {
			if b.Network == "public" {
				if asked++; asked == 2 {
					return nil, errors.New("the disk is full")
				}
				return []string{""}, nil
			}
			list := make([]string, many)
			for i := range list {
				list[i] = fmt.Sprint(i)
			}
			return list, nil
		},
	})
	for _, id := range []string{"a", "b"} {
		r := report.Report{ID: id, CityID: c.ID, Network: "crowd", NetworkID: id, Text: "Kontrolle " + id, Time: now, Received: now}
		if err := q.PublishReport(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	judging := make(chan error, 1)
	go func() { judging <- w.Run(ctx) }()
	got := make(map[string]int)
	first := make(map[string]string) // network of the first delivery of each report
	err = q.ConsumeDeliveries(ctx, func(m *queue.Message[report.Delivery]) {
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
