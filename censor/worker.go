package censor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/prometheus/client_golang/prometheus"

	"ticketfrei/db"
	"ticketfrei/queue"
	"ticketfrei/report"
)

// workers is how many reports are judged at the same time; those of one city
// are judged one after the other, in the order they came in.
const workers = 16

// brake is what one author may say: the same text once in 10 minutes, and 5
// reports.
var brake = db.Brake{Window: 10 * time.Minute, Flood: 5}

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

// Run judges reports until ctx ends, then finishes those it has begun.
func (w *Worker) Run(ctx context.Context) error {
	var group sync.WaitGroup
	lanes := make([]chan *queue.Message[report.Report], workers)
	for i := range lanes {
		lanes[i] = make(chan *queue.Message[report.Report], 16)
		group.Go(func() {
			for m := range lanes[i] {
				w.handle(ctx, m)
			}
		})
	}
	err := w.Queue.ConsumeReports(ctx, func(m *queue.Message[report.Report]) {
		lanes[uint64(m.Body.CityID)%workers] <- m
	})
	for _, lane := range lanes {
		close(lane)
	}
	group.Wait()
	return err
}

// handle judges one report; where that fails it comes again later.
func (w *Worker) handle(ctx context.Context, m *queue.Message[report.Report]) {
	if ctx.Err() != nil {
		m.Later(0)
		return
	}
	// What was begun is finished, also while the program stops.
	err := w.judge(context.WithoutCancel(ctx), m.Body)
	if err == nil {
		m.Done()
		return
	}
	wait := backoff.ExponentialBackOff{InitialInterval: 200 * time.Millisecond, Multiplier: 2, RandomizationFactor: 0.5, MaxInterval: 30 * time.Second}
	wait.Reset()
	d := wait.NextBackOff()
	for range min(m.Attempt-1, 16) {
		d = wait.NextBackOff()
	}
	w.Log.Error("a report could not be judged, trying again", "report", m.Body.ID, "in", d, "err", err)
	m.Later(d)
}

// judge may run twice for the same report, also after it was killed in the
// middle, and has the effect of once: the report is stored under its id, and
// each delivery has an id of its own.
func (w *Worker) judge(ctx context.Context, r report.Report) error {
	c, err := w.cities.get(ctx, r.CityID)
	if errors.Is(err, db.ErrNotFound) {
		return nil // the city was deleted
	}
	if err != nil {
		return err
	}
	v := c.rules.Judge(r.Text)
	if w.Now().Sub(r.Time) > w.Expire {
		v = report.Verdict{Reason: report.ReasonExpired}
	}
	v, fannedOut, err := w.DB.SaveReport(ctx, r, v, Normalize(r.Text), brake)
	if err != nil {
		return err
	}
	if fannedOut || !v.Passed {
		w.count(r, v)
		return nil
	}
	if err := w.fanOut(ctx, r, c.bots); err != nil {
		return err
	}
	w.count(r, v)
	return nil
}

func (w *Worker) count(r report.Report, v report.Verdict) {
	w.verdict.WithLabelValues(r.Network, string(v.Reason)).Inc()
	w.Log.Debug("report judged", "report", r.ID, "city", r.CityID, "passed", v.Passed, "reason", v.Reason)
}

// fanOut puts one delivery for every recipient of every bot into the queue.
func (w *Worker) fanOut(ctx context.Context, r report.Report, cityBots []report.Bot) error {
	var deliveries []report.Delivery
	for _, b := range cityBots {
		recipients, err := w.Recipients(ctx, b, r)
		if err != nil {
			return fmt.Errorf("list recipients of bot %d: %w", b.ID, err)
		}
		for _, recipient := range recipients {
			deliveries = append(deliveries, report.NewDelivery(r, b, recipient))
		}
	}
	if err := w.Queue.PublishDeliveries(ctx, deliveries); err != nil {
		return err
	}
	if err := w.DB.SetFannedOut(ctx, r.ID); err != nil {
		return err
	}
	return w.Queue.NotifyPassed(r.CityID)
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
