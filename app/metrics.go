package app

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"ticketfrei/internal/queue"
)

// newRegistry returns the registry behind /metrics, with figures about the
// process and the queue.
func newRegistry(q *queue.Queue) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		queueDepth{q},
	)
	return r
}

// queueDepth asks the queue how much is waiting when the metrics are read.
type queueDepth struct{ queue *queue.Queue }

var (
	depthDesc = prometheus.NewDesc("ticketfrei_queue_messages", "Batches in the queue that are not done yet; reports or deliveries published together are one.", []string{"stream"}, nil)
	ageDesc   = prometheus.NewDesc("ticketfrei_queue_oldest_seconds", "Age of the oldest batch in the queue; 0 where it is empty.", []string{"stream"}, nil)
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
	depths, err := d.queue.Depths(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(depthDesc, err)
		return
	}
	for _, s := range depths {
		age := 0.0
		if !s.Oldest.IsZero() {
			age = time.Since(s.Oldest).Seconds()
		}
		ch <- prometheus.MustNewConstMetric(depthDesc, prometheus.GaugeValue, float64(s.Batches), s.Stream)
		ch <- prometheus.MustNewConstMetric(ageDesc, prometheus.GaugeValue, age, s.Stream)
	}
}
