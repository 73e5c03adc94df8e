package app

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"ticketfrei/db"
)

// newRegistry returns the registry behind /metrics, with figures about the
// process and about what waits.
func newRegistry(d *db.DB) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		queueDepth{d},
	)
	return r
}

// queueDepth asks the database how much is waiting when the metrics are read.
type queueDepth struct{ db *db.DB }

var (
	depthDesc = prometheus.NewDesc("ticketfrei_queue_messages", "What waits: reports to be judged, deliveries (one for up to 64 recipients of a bot), account mails.", []string{"stream"}, nil)
	ageDesc   = prometheus.NewDesc("ticketfrei_queue_oldest_seconds", "Age of the oldest of what waits; 0 where nothing does.", []string{"stream"}, nil)
)

// Describe implements prometheus.Collector.
func (d queueDepth) Describe(ch chan<- *prometheus.Desc) {
	ch <- depthDesc
	ch <- ageDesc
}

// Collect implements prometheus.Collector.
func (d queueDepth) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	list, err := d.db.Waiting(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(depthDesc, err)
		return
	}
	for _, w := range list {
		age := 0.0
		if !w.Oldest.IsZero() {
			age = time.Since(w.Oldest).Seconds()
		}
		ch <- prometheus.MustNewConstMetric(depthDesc, prometheus.GaugeValue, float64(w.Count), w.Kind)
		ch <- prometheus.MustNewConstMetric(ageDesc, prometheus.GaugeValue, age, w.Kind)
	}
}
