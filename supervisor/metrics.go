package supervisor

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// What becomes of account mails, as the metrics call it.
const (
	mailSent    = "sent"
	mailGivenUp = "given_up"
)

// resultRetry is what the metrics call a delivery that is tried again.
const resultRetry = "retry"

type metrics struct {
	deliveries *prometheus.CounterVec
	restarts   *prometheus.CounterVec
	latency    *prometheus.HistogramVec
}

func newMetrics(reg prometheus.Registerer, s *Supervisor) *metrics {
	m := &metrics{
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ticketfrei_deliveries_total",
			Help: "Deliveries by network and result: sent, failed, expired, retracted, kept (could not be taken back), retry (tried again later).",
		}, []string{"network", "result"}),
		restarts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ticketfrei_restarts_total",
			Help: "Bots and servers of networks restarted after an error, by network.",
		}, []string{"network"}),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "ticketfrei_latency_seconds",
			Help:    "Time from taking a report in to the network having taken over its delivery, by network.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 20),
		}, []string{"network"}),
	}
	for name := range s.Networks { // from the start, so that a first failure is a change
		for _, result := range db.Results() {
			m.deliveries.WithLabelValues(name, string(result))
		}
		m.deliveries.WithLabelValues(name, resultRetry)
		m.restarts.WithLabelValues(name)
		m.latency.WithLabelValues(name)
	}
	reg.MustRegister(m.deliveries, m.restarts, m.latency, botStates{s})
	return m
}

// botStates counts the bots of this process by state when it is asked.
type botStates struct{ sup *Supervisor }

var botsDesc = prometheus.NewDesc("ticketfrei_bots", "Bots that are switched on, by state.", []string{"state"}, nil)

func (b botStates) Describe(ch chan<- *prometheus.Desc) { ch <- botsDesc }

func (b botStates) Collect(ch chan<- prometheus.Metric) {
	counts := b.sup.countStates()
	for _, state := range []report.BotState{report.BotStarting, report.BotRunning, report.BotTrouble, report.BotAttention} {
		ch <- prometheus.MustNewConstMetric(botsDesc, prometheus.GaugeValue, float64(counts[state]), string(state))
	}
}

func (s *Supervisor) countStates() map[report.BotState]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	counts := make(map[report.BotState]int)
	for _, r := range s.runners {
		counts[r.currentState()]++
	}
	return counts
}

func newMailResults() *prometheus.CounterVec {
	results := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "ticketfrei_account_mails_total",
		Help: "Account mails by what became of them: sent, given_up (the mailbox is gone, no such mail is taken, or it was too late).",
	}, []string{"result"})
	for _, result := range []string{mailSent, mailGivenUp} {
		results.WithLabelValues(result)
	}
	return results
}

var accountMailsDesc = prometheus.NewDesc("ticketfrei_account_mails", "Account mails (confirmations, passwords, invitations, notices) by state: waiting to be sent.", []string{"state"}, nil)

// Describe implements prometheus.Collector.
func (a *AccountMails) Describe(ch chan<- *prometheus.Desc) {
	ch <- accountMailsDesc
	a.results.Describe(ch)
}

// Collect implements prometheus.Collector.
func (a *AccountMails) Collect(ch chan<- prometheus.Metric) {
	a.results.Collect(ch)
	if !a.db.OwnsShard(mailShard) { // else those that share the database would count them all
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	n, err := a.db.CountMails(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(accountMailsDesc, err)
		return
	}
	ch <- prometheus.MustNewConstMetric(accountMailsDesc, prometheus.GaugeValue, float64(n), "waiting")
}
