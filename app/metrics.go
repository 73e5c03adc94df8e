package app

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"ticketfrei/db"
	"ticketfrei/internal/clients"
	"ticketfrei/internal/mailer"
)

// newRegistry returns the registry behind /metrics, with figures about the
// process and about what waits.
func newRegistry(d *db.DB) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		once{queueDepth{d}, d},
	)
	return r
}

// metricsConnections is how many connections the port of the metrics takes.
const metricsConnections = 8

// listenMetrics opens the port of the metrics. Without them the server works all
// the same, so a port in use is a warning.
func (s *server) listenMetrics(ctx context.Context) {
	if s.cfg.Metrics.Listen == "" {
		return
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", s.cfg.Metrics.Listen)
	if err != nil {
		s.log.Warn(`there is no /metrics: set metrics.listen to a free address, or to "" for none`, "err", err)
		return
	}
	s.metrics = &door{Listener: l, room: clients.NewRoom(metricsConnections, metricsConnections),
		anybody: func(netip.Addr) bool { return true }}
	s.onClose(func() { l.Close() })
	s.log.Info("metrics", "url", "http://"+l.Addr().String()+"/metrics")
}

// serveMetrics serves the metrics until ctx ends.
func (s *server) serveMetrics(ctx context.Context) error {
	routes := http.NewServeMux()
	// While the database is away what is counted there is missing, and the rest says so.
	routes.Handle("GET /metrics", promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError}))
	srv := &http.Server{
		Handler:      routes,
		ReadTimeout:  10 * time.Second,
		WriteTimeout: 30 * time.Second,
		IdleTimeout:  2 * time.Minute,
		ErrorLog:     slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	defer context.AfterFunc(ctx, func() { srv.Close() })()
	if err := srv.Serve(s.metrics); ctx.Err() == nil {
		s.log.Error("there is no /metrics any more", "err", err)
	}
	return nil
}

// queueDepth asks the database how much is waiting when the metrics are read.
type queueDepth struct{ db *db.DB }

var (
	depthDesc = prometheus.NewDesc("ticketfrei_queue_messages", "What waits: reports to be judged, deliveries (one for up to 64 recipients of a bot), account mails.", []string{"kind"}, nil)
	ageDesc   = prometheus.NewDesc("ticketfrei_queue_oldest_seconds", "Age of the oldest of what waits; 0 where nothing does.", []string{"kind"}, nil)
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

// mailOutages asks the mailer for what is away when the metrics are read.
type mailOutages struct{ mailer *mailer.Mailer }

var awayDesc = prometheus.NewDesc("ticketfrei_mail_away", "Ways out for mail that take none at the moment: the relay, or domains of recipients where there is none.", nil, nil)

// Describe implements prometheus.Collector.
func (o mailOutages) Describe(ch chan<- *prometheus.Desc) { ch <- awayDesc }

// Collect implements prometheus.Collector.
func (o mailOutages) Collect(ch chan<- prometheus.Metric) {
	ch <- prometheus.MustNewConstMetric(awayDesc, prometheus.GaugeValue, float64(len(o.mailer.Outages())))
}
