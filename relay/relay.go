// Package relay is the way of a report: what a bot hears is stored (hear.go),
// taken from the queue city by city (lanes.go), judged by its city's rules
// (judge.go) and by what its author said before (brake.go), and sent on to
// everybody (fanout.go). A moderator can take it back (takeback.go).
package relay

import (
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/notice"
	"ticketfrei/internal/queue"
)

// Options is what a Relay needs.
type Options struct {
	DB    *db.DB
	Queue *queue.Queue
	// Notices are listened to for changes of cities, and told what passed.
	Notices  *notice.Board
	Networks map[string]bots.Network // by name
	Expire   time.Duration           // reports.expire
	Log      *slog.Logger
	Now      func() time.Time
	Metrics  prometheus.Registerer
}

// Relay takes reports from the queue, judges and stores each, and puts a
// delivery for every recipient of those that passed into the queue. What a
// Hearing puts into the queue is its work.
type Relay struct {
	Options
	cities   *cityCache
	verdicts *prometheus.CounterVec
}

// New returns a Relay; Run starts it.
func New(o Options) *Relay {
	rl := &Relay{Options: o, cities: newCityCache(o.DB)}
	rl.verdicts = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "ticketfrei_reports_total",
		Help: "Reports judged, by the network they came from and the reason of the verdict.",
	}, []string{"network", "reason"})
	o.Metrics.MustRegister(rl.verdicts)
	return rl
}
