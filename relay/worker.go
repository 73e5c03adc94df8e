package relay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ticketfrei/censor"
	"ticketfrei/db"
	"ticketfrei/internal/backoff"
	"ticketfrei/internal/queue"
	"ticketfrei/internal/report"
)

// The reports of one city are judged in the order they came in: each city has
// its lane, and a lane takes what is waiting, up to a batch, at once, so that
// under load many reports share a transaction.
const (
	lanes = 16
	batch = 64
)

// Where several reports were waiting on a lane, and the next comes within busy,
// the lane lingers before the next batch: a flood is judged in large batches,
// which leaves the disk and the processors to those who take it in. Reports that
// come one at a time never wait, however fast.
const (
	busy   = 2 * time.Millisecond
	linger = 25 * time.Millisecond
)

// brake is what one author may say: the same text once in 10 minutes, and 5
// reports.
var brake = db.Brake{Window: 10 * time.Minute, Flood: 5}

// publishAtOnce is how many deliveries are made before they are published: a
// report to many thousands is on its way before the last of them is made, and
// takes no more memory than one to so many.
const publishAtOnce = 1024

// Options is what a Worker needs.
type Options struct {
	DB    *db.DB
	Queue *queue.Queue
	// Recipients returns whom a bot sends a report to: one empty recipient
	// where it posts publicly.
	Recipients func(context.Context, report.Bot, report.Report) ([]string, error)
	Expire     time.Duration // reports.expire
	Log        *slog.Logger
	Now        func() time.Time
	Metrics    prometheus.Registerer
}

// Worker takes reports from the queue, judges each by its city's rules, stores
// it with its verdict, and puts a delivery for every recipient into the queue.
type Worker struct {
	Options
	cities  *cityCache
	verdict *prometheus.CounterVec
}

// NewWorker returns a Worker; Run starts it.
func NewWorker(o Options) *Worker {
	w := &Worker{Options: o, cities: newCityCache(o.DB)}
	w.verdict = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "ticketfrei_reports_total",
		Help: "Reports judged, by the network they came from and the reason of the verdict.",
	}, []string{"network", "reason"})
	o.Metrics.MustRegister(w.verdict)
	return w
}

// Changed makes the next report of the city be judged by the rules as they are
// in the database now.
func (w *Worker) Changed(cityID int64) { w.cities.forget(cityID) }

type message = *queue.Message[report.Report]

// Run judges reports until ctx ends, then finishes those it has begun.
func (w *Worker) Run(ctx context.Context) error {
	var group sync.WaitGroup
	waiting := make([]chan message, lanes)
	for i := range waiting {
		waiting[i] = make(chan message, batch)
		group.Go(func() { w.runLane(ctx, waiting[i]) })
	}
	err := w.Queue.ConsumeReports(ctx, func(m message) {
		waiting[uint64(m.Body.CityID)%lanes] <- m
	})
	for _, lane := range waiting {
		close(lane)
	}
	group.Wait()
	return err
}

// runLane judges what comes on a lane, in batches of what is waiting.
func (w *Worker) runLane(ctx context.Context, lane <-chan message) {
	var before int     // reports in the batch before
	var last time.Time // its end
	for first := range lane {
		if before > 1 && time.Since(last) < busy {
			time.Sleep(linger)
		}
		list := []message{first}
		for len(list) < batch && len(lane) > 0 {
			list = append(list, <-lane)
		}
		w.handle(ctx, list)
		before, last = len(list), time.Now()
	}
}

// handle judges reports; where that fails they come again later.
func (w *Worker) handle(ctx context.Context, list []message) {
	if ctx.Err() != nil {
		for _, m := range list {
			m.Later(0)
		}
		return
	}
	// What was begun is finished, also while the program stops.
	ctx = context.WithoutCancel(ctx)
	var good []message
	var judged []db.Judged
	var cities []*judgedCity
	for _, m := range list {
		c, v, err := w.judge(ctx, m.Body)
		switch {
		case errors.Is(err, db.ErrNotFound):
			m.Done() // the city was deleted
		case err != nil:
			w.later(m, err)
		default:
			good, judged, cities = append(good, m), append(judged, db.Judged{Report: m.Body, Verdict: v}), append(cities, c)
		}
	}
	if err := w.settle(ctx, judged, cities); err != nil {
		for _, m := range good {
			w.later(m, err)
		}
		return
	}
	// They leave the queue when what was stored is on disk; the lane goes on.
	w.DB.AfterSync(func(err error) {
		for _, m := range good {
			if err != nil {
				w.later(m, err)
			} else {
				m.Done()
			}
		}
	})
}

// later puts back a report that could not be judged.
func (w *Worker) later(m message, err error) {
	d := backoff.Wait(200*time.Millisecond, m.Attempt-1, 30*time.Second)
	w.Log.Error("a report could not be judged, trying again", "report", m.Body.ID, "in", d, "err", err)
	m.Later(d)
}

// judge judges a report by the rules of its city alone.
func (w *Worker) judge(ctx context.Context, r report.Report) (*judgedCity, report.Verdict, error) {
	c, err := w.cities.get(ctx, r.CityID)
	if err != nil {
		return nil, report.Verdict{}, err
	}
	if w.Now().Sub(r.Time) > w.Expire {
		return c, report.Verdict{Reason: report.ReasonExpired}, nil
	}
	return c, c.rules.Judge(r.Text), nil
}

// settle stores reports with their verdicts and puts the deliveries of those
// that passed into the queue. It may run twice for the same report, also after
// it was killed in the middle, and has the effect of once: a report is stored
// under its id, and each delivery has an id of its own.
func (w *Worker) settle(ctx context.Context, judged []db.Judged, cities []*judgedCity) error {
	if len(judged) == 0 {
		return nil
	}
	saved, err := w.DB.SaveReports(ctx, judged, censor.Normalize, brake)
	if err != nil {
		return err
	}
	var passed []string
	var deliveries []report.Delivery
	changed := make(map[int64]bool)
	seen := make(map[string]bool)
	for i, s := range saved {
		r := judged[i].Report
		if seen[r.ID] {
			continue // the same came twice at the same time
		}
		seen[r.ID] = true
		w.count(r, s.Verdict)
		if s.FannedOut || !s.Verdict.Passed {
			continue
		}
		if deliveries, err = w.fanOut(ctx, deliveries, r, cities[i].bots); err != nil {
			return err
		}
		passed = append(passed, r.ID)
		changed[r.CityID] = true
	}
	if len(passed) == 0 {
		return nil
	}
	if err := w.Queue.PublishDeliveries(ctx, deliveries); err != nil {
		return err
	}
	if err := w.DB.SetFannedOut(ctx, passed); err != nil {
		return err
	}
	for cityID := range changed {
		if err := w.Queue.NotifyPassed(cityID); err != nil {
			return err
		}
	}
	return nil
}

func (w *Worker) count(r report.Report, v report.Verdict) {
	w.verdict.WithLabelValues(r.Network, string(v.Reason)).Inc()
	w.Log.Debug("report judged", "report", r.ID, "city", r.CityID, "passed", v.Passed, "reason", v.Reason)
}

// fanOut adds one delivery for every recipient of every bot to list, those of
// bots with few recipients first. A full list is published and begun anew.
func (w *Worker) fanOut(ctx context.Context, list []report.Delivery, r report.Report, cityBots []report.Bot) ([]report.Delivery, error) {
	type audience struct {
		bot        report.Bot
		recipients []string
	}
	audiences := make([]audience, 0, len(cityBots))
	for _, b := range cityBots {
		recipients, err := w.Recipients(ctx, b, r)
		if err != nil {
			return nil, fmt.Errorf("list recipients of bot %d: %w", b.ID, err)
		}
		audiences = append(audiences, audience{b, recipients})
	}
	slices.SortStableFunc(audiences, func(a, b audience) int { return len(a.recipients) - len(b.recipients) })
	for _, a := range audiences {
		for _, recipient := range a.recipients {
			if len(list) >= publishAtOnce {
				if err := w.Queue.PublishDeliveries(ctx, list); err != nil {
					return nil, err
				}
				list = list[:0]
			}
			list = append(list, report.NewDelivery(r, a.bot, recipient))
		}
	}
	return list, nil
}

// TakeBack hides a passed report of the city and takes back what can be seen
// of it on the networks. The error is db.ErrNotFound where there is none.
func (w *Worker) TakeBack(ctx context.Context, cityID int64, reportID string) error {
	judged, err := w.DB.Report(ctx, cityID, reportID)
	if err != nil {
		return err
	}
	if err := w.DB.TakeBack(ctx, cityID, reportID); err != nil {
		return err
	}
	receipts, err := w.DB.Receipts(ctx, reportID)
	if err != nil {
		return err
	}
	bots, err := w.DB.CityBots(ctx, cityID)
	if err != nil {
		return err
	}
	byID := make(map[int64]report.Bot, len(bots))
	for _, b := range bots {
		byID[b.ID] = b
	}
	var deliveries []report.Delivery
	for _, s := range receipts {
		b, ok := byID[s.BotID]
		if !ok || s.Receipt.URL == "" {
			continue // sent to somebody in private: it cannot be called back
		}
		d := report.NewDelivery(judged.Report, b, "")
		d.ID, d.Retract = s.DeliveryID, &s.Receipt
		deliveries = append(deliveries, d)
	}
	if err := w.Queue.PublishDeliveries(ctx, deliveries); err != nil {
		return err
	}
	return w.Queue.NotifyPassed(cityID)
}
