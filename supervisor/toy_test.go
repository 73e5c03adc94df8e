package supervisor_test

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/bus"
	"ticketfrei/internal/i18n"
	"ticketfrei/internal/notice"
	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"
	"ticketfrei/relay"
	"ticketfrei/supervisor"
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// toy is a network whose bots do what the test says.
type toy struct {
	mu      sync.Mutex
	made    map[int64]int // how often each bot was made
	receive func(ctx context.Context, b report.Bot, emit func(context.Context, bots.Incoming) error) error
	send    func(ctx context.Context, d report.Delivery) (report.Receipt, error)
	check   func(b report.Bot) error
	removed chan int64
	workers int
}

var (
	_ bots.Network    = (*toy)(nil)
	_ bots.Recipients = (*toy)(nil)
	_ bots.Checker    = (*toyBot)(nil)
	_ bots.Concurrent = (*toyBot)(nil)
	_ bots.Retracter  = (*toyBot)(nil)
)

type toyBot struct {
	toy *toy
	bot report.Bot
}

func (t *toy) Bot(_ context.Context, b report.Bot, _ *slog.Logger) (bots.Bot, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.made == nil {
		t.made = make(map[int64]int)
	}
	t.made[b.ID]++
	return &toyBot{t, b}, nil
}

func (t *toy) Settings(context.Context, report.City, []report.Bot) (any, error) { return nil, nil }
func (t *toy) SettingsRoutes(chi.Router, bots.Site)                             {}
func (t *toy) PublicRoutes(chi.Router, bots.Site)                               {}
func (t *toy) Forget(context.Context, report.Bot) error                         { return nil }

func (t *toy) Recipients(context.Context, report.Bot, report.Report) ([]int64, error) {
	return nil, nil
}

func (t *toy) RemoveRecipient(_ context.Context, _ report.Bot, recipient int64) error {
	t.removed <- recipient
	return nil
}

func (t *toy) CountRecipients(context.Context, report.Bot) (int, error) { return 0, nil }

func (b *toyBot) Check(context.Context) error {
	if b.toy.check == nil {
		return nil
	}
	return b.toy.check(b.bot)
}

func (b *toyBot) Concurrency() int { return max(1, b.toy.workers) }

func (b *toyBot) Receive(ctx context.Context, emit func(context.Context, bots.Incoming) error) error {
	if b.toy.receive == nil {
		return nil
	}
	return b.toy.receive(ctx, b.bot, emit)
}

func (b *toyBot) Send(ctx context.Context, d report.Delivery) (report.Receipt, error) {
	return b.toy.send(ctx, d)
}

func (b *toyBot) Retract(ctx context.Context, d report.Delivery) error {
	_, err := b.toy.send(ctx, d)
	return err
}

// toyTexts are what the toy says to moderators.
var toyTexts = fstest.MapFS{
	"en.toml": {Data: []byte("[toy]\ntitle = \"Toy\"\ntoo_long = \"too long\"\nblocked = \"blocked us\"\ninvalid = \"The {{.Token}} token is invalid\"\n")},
	"de.toml": {Data: []byte("[toy]\ntitle = \"Toy\"\ntoo_long = \"zu lang\"\nblocked = \"hat uns gesperrt\"\ninvalid = \"Das {{.Token}}-Token gilt nicht\"\n")},
}

// rig is a supervisor with a real database.
type rig struct {
	*testing.T
	home    string // of the database
	db      *db.DB
	secrets *secret.Box
	hearing *relay.Hearing
	notices notice.Board
	bus     bus.Bus
	metrics *prometheus.Registry // of the run that was started last
	texts   *i18n.Catalogue
	log     slog.Handler // of the operator
	told    chan string  // reasons the moderators were told
	over    chan int64   // bots that they were told work again
	// refusals makes three refusals enough, where a test says nothing else.
	refusals supervisor.Refusals
	sup      *supervisor.Supervisor

	mu  sync.Mutex
	now time.Time
	// stop ends the supervisor and returns how long that took.
	stop func() time.Duration
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{T: t, log: slog.DiscardHandler, told: make(chan string, 16), over: make(chan int64, 16), now: time.Now(),
		refusals: supervisor.Refusals{For: -1, Looks: []time.Duration{20 * time.Millisecond}}}
	r.home = dbtest.MustMakeHome(t)
	r.db = dbtest.MustOpenAt(t, r.home, r.clock, nil)
	var err error
	if r.texts, err = i18n.New(supervisor.Texts, toyTexts); err != nil {
		t.Fatal(err)
	}
	if r.secrets, err = secret.New(make([]byte, 32)); err != nil {
		t.Fatal(err)
	}
	r.hearing = &relay.Hearing{DB: r.db, Secrets: r.secrets, Backlog: 100, Now: r.clock}
	return r
}

// Tell takes what the moderators are told.
func (r *rig) Tell(_ context.Context, _ report.Bot, reason string) error {
	r.told <- reason
	return nil
}

// Over takes that they are told that it is over.
func (r *rig) Over(_ context.Context, b report.Bot) error {
	r.over <- b.ID
	return nil
}

func (r *rig) clock() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now
}

func (r *rig) advance(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = r.now.Add(d)
}

// start runs a supervisor with the toy until the test or the returned stop
// ends it.
func (r *rig) start(network *toy) {
	r.Helper()
	r.metrics = prometheus.NewRegistry()
	r.sup = supervisor.New(supervisor.Options{
		DB: r.db, Networks: map[string]bots.Network{"toy": network},
		Attention: r,
		Notices:   &r.notices,
		Bus:       &r.bus,
		Hearer:    r.hearing,
		Texts:     r.texts,
		Expire:    2 * time.Hour,
		Log:       slog.New(r.log),
		Now:       r.clock,
		Metrics:   r.metrics,
		Backoff:   time.Millisecond,
		Refusals:  r.refusals,
	})
	ctx, cancel := context.WithCancel(r.Context())
	done := make(chan error, 1)
	go func() { done <- r.sup.Run(ctx) }()
	r.stop = sync.OnceValue(func() time.Duration {
		began := time.Now()
		cancel()
		if err := <-done; err != nil {
			r.Error(err)
		}
		return time.Since(began)
	})
	r.Cleanup(func() { r.stop() })
}

func (r *rig) city(slug string) report.Bot {
	r.Helper()
	return r.cityIn(r.db, slug)
}

// otherProcess is what another process has of the database, the clock of which is an hour
// slow.
func (r *rig) otherProcess() *db.DB {
	r.Helper()
	return dbtest.MustOpenAt(r, r.home, func() time.Time { return r.clock().Add(-time.Hour) }, nil)
}

func (r *rig) cityIn(d *db.DB, slug string) report.Bot {
	r.Helper()
	c := dbtest.MustCreateCity(r, d, slug, "toy")
	list, err := d.CityBots(r.Context(), c.ID)
	if err != nil {
		r.Fatal(err)
	}
	return list[0]
}

// people are the recipients of the tests by name: the id of each is its place.
// The first is everybody.
var people = []string{"", "fine", "permanent", "gone", "later", "panics", "first", "second", "anna", "x", "y", "a", "b", "c", "d", "e"}

// who is the name of a delivery's recipient.
func who(d report.Delivery) string { return people[d.Recipient] }

// publish has a bot send a report to each of people that is named.
func (r *rig) publish(b report.Bot, id string, names ...string) {
	r.Helper()
	var recipients []int64
	for _, name := range names {
		place := slices.Index(people, name)
		if place < 0 {
			r.Fatalf("%q is none of people", name)
		}
		recipients = append(recipients, int64(place))
	}
	r.publishTo(b, id, recipients...)
}

// publishTo stores a report that passed and is for those recipients, and hands it
// to the supervisor where one runs.
func (r *rig) publishTo(b report.Bot, id string, recipients ...int64) {
	r.Helper()
	list := r.store(b, id, recipients...)
	if r.sup != nil {
		r.sup.Send(list)
	}
}

// publishOf is publishTo of a report by an author.
func (r *rig) publishOf(author string, b report.Bot, id string, recipients ...int64) {
	r.Helper()
	r.sup.Send(r.storeOf(author, b, id, recipients...))
}

func (r *rig) store(b report.Bot, id string, recipients ...int64) []db.Fanout {
	r.Helper()
	return r.storeOf("", b, id, recipients...)
}

func (r *rig) storeOf(author string, b report.Bot, id string, recipients ...int64) []db.Fanout {
	r.Helper()
	rep := report.Report{ID: id, CityID: b.CityID, BotID: b.ID, Network: "toy", Author: author, Text: "text of " + id, Time: r.clock(), Received: r.clock()}
	passed := report.Verdict{Passed: true, Reason: report.ReasonTrigger}
	return dbtest.MustJudge(r, r.db, dbtest.MustHear(r, r.db, rep), passed, dbtest.NoBrake{}, db.Audience{BotID: b.ID, Recipients: recipients}).Fanouts
}

// waitFor waits until ok, which looks at the database or the test's own state.
func (r *rig) waitFor(what string, ok func() bool) {
	r.Helper()
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			r.Fatalf("waited in vain for: %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// open is how many fanouts are open.
func (r *rig) open() int {
	r.Helper()
	list, err := r.db.Waiting(r.Context())
	if err != nil {
		r.Fatal(err)
	}
	return list[1].Count
}

// deliveries is how many ended so by the metrics.
func (r *rig) deliveries(result db.Result) (n float64) {
	r.Helper()
	families, err := r.metrics.Gather()
	if err != nil {
		r.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if f.GetName() == "ticketfrei_deliveries_total" && l.GetName() == "result" && l.GetValue() == string(result) {
					n += m.GetCounter().GetValue()
				}
			}
		}
	}
	return n
}

// waitForEmptyQueue waits until nothing is left to be sent.
func (r *rig) waitForEmptyQueue() {
	r.Helper()
	r.waitFor("empty queue", func() bool { return r.open() == 0 })
}

func (r *rig) waitForState(b report.Bot, states ...report.BotState) report.Bot {
	r.Helper()
	var got report.Bot
	r.waitFor("bot state", func() bool {
		var err error
		got, err = r.db.Bot(r.Context(), b.ID)
		return err == nil && slices.Contains(states, got.State)
	})
	return got
}

// counts is what became of the deliveries of a report.
func (r *rig) counts(id string) db.Counts {
	r.Helper()
	c, err := r.db.Counts(r.Context(), id)
	if err != nil {
		r.Fatal(err)
	}
	return c
}

// waitForCounts waits until that has become of the deliveries of a report.
func (r *rig) waitForCounts(id string, want db.Counts) {
	r.Helper()
	var got db.Counts
	deadline := time.Now().Add(patience)
	for got = r.counts(id); got != want; got = r.counts(id) {
		if time.Now().After(deadline) {
			r.Fatalf("of report %s: %+v, want %+v", id, got, want)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func receive[T any](tb testing.TB, what string, ch <-chan T) T {
	tb.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		tb.Fatalf("waited in vain for: %s", what)
		panic("unreachable")
	}
}
