// Package relay is the way of a report: what a bot hears is stored (hear.go), taken up
// city by city (lane.go, lanes.go), also what another process has heard (find.go), judged
// by its city's rules (judge.go) and by what came before (brake.go), and sent on to
// everybody (fanout.go). Where a city has outside programs look at its reports, they wait
// for those first (task.go, aside.go). Whoever wrote it is told what became of it
// (outcome.go, answer.go, lines.go), or the last reports where it was a question
// (question.go, where.go), and what they make of it later is followed (edit.go). A
// moderator decides about what is held (decide.go), can take a report back (takeback.go),
// and can stop a city (pause.go). What other processes do with reports that were heard
// here is followed in elsewhere.go and told.go.
package relay

import (
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/bus"
	"ticketfrei/internal/config"
	"ticketfrei/internal/i18n"
	"ticketfrei/internal/notice"
	"ticketfrei/internal/report"
)

// Options is what a Relay needs.
type Options struct {
	DB *db.DB
	// Notices are listened to for changes of cities, and told what passed.
	Notices  *notice.Board
	Networks map[string]bots.Network // by name
	Outgoing Outgoing
	Answers  *Answers        // tells who wrote what became of it; nil: nobody is told
	Texts    *i18n.Catalogue // has what they are told
	Places   *Places         // what a report is about; nil: nothing is read
	Bus      *bus.Bus        // is told what passes and what does not; nil: nobody is
	Tasks    *Tasks          // have outside programs look at reports; nil: none does
	// Calm breaks the mentions and commands in what somebody else has written.
	Calm    func(text string) string
	Brakes  config.Brakes // to begin with: see SetBrakes
	Expire  time.Duration // reports.expire
	Undo    time.Duration // how long a take-back can be undone; 0: it cannot
	Log     *slog.Logger
	Now     func() time.Time
	Metrics prometheus.Registerer
}

// Outgoing sends what passed.
type Outgoing interface {
	// Send is told of new fanouts, which are committed. It does not wait for
	// bots; what it has no room for it finds in the database.
	Send(list []db.Fanout)
	// TakenBack is told that a report of the city was taken back: nothing of it is
	// sent any more, and what was is taken back.
	TakenBack(cityID, seq int64)
	// Wiped is told that the reports of a city up to seq are gone: nothing of them
	// is sent any more.
	Wiped(cityID, seq int64)
}

// Relay judges the reports that were heard and stores what is to be sent of those
// that pass.
type Relay struct {
	Options
	cities     *cityCache
	aside      *aside
	elsewhere  *elsewhere
	won        chan int // shards that this process works for since
	verdicts   *prometheus.CounterVec
	brakes     atomic.Pointer[config.Brakes]
	firstRetry time.Duration // the first wait before something that failed is tried again
	outageTold atomic.Int64  // when the log was told last that the database is away
}

// New returns a Relay; Run starts it.
func New(o Options) *Relay {
	rl := &Relay{Options: o, cities: newCityCache(o.DB, o.Networks), firstRetry: firstRetry, won: make(chan int)}
	rl.SetBrakes(o.Brakes)
	rl.aside = &aside{relay: rl, lanes: make(map[int64]*lane)}
	rl.elsewhere = newElsewhere(rl)
	rl.verdicts = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "ticketfrei_reports_total",
		Help: "Reports judged, by the network they came from and the reason of the verdict.",
	}, []string{"network", "reason"})
	for name := range o.Networks {
		for _, reason := range report.Reasons() {
			rl.verdicts.WithLabelValues(name, string(reason))
		}
	}
	o.Metrics.MustRegister(rl.verdicts)
	o.DB.FollowChanges(rl.changed)
	return rl
}

// SetBrakes has what is judged from now on be held by other brakes.
func (rl *Relay) SetBrakes(b config.Brakes) { rl.brakes.Store(&b) }
