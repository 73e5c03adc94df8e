package telegram

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/pace"
	"ticketfrei/bots/kit/recipients"
	"ticketfrei/bots/telegram/standin"
	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/notice"
	"ticketfrei/internal/report"
	"ticketfrei/supervisor"
)

const (
	// crowd is how many have subscribed, crowdScale how much faster than
	// Telegram's limits the test goes.
	crowd      = 5000
	crowdScale = 20
)

// crowdRate is the scaled limit of messages a second.
const crowdRate = 30 * crowdScale

// mass is a crowd of subscribers, and a real supervisor.
type mass struct {
	*world
	row        report.Bot
	order      map[int64]int // chat → place among the subscribers
	supervisor *supervisor.Supervisor
	stop       func()
}

func newMass(t *testing.T) *mass {
	w := newPacedWorld(t, standin.Options{}, pace.Limits{All: crowdRate, Chat: crowdScale, SlowFor: time.Minute})
	m := &mass{world: w, row: w.connect(), order: map[int64]int{}}
	for i := range crowd {
		u := w.server.AddUser(fmt.Sprint("Rider", i), "en")
		u.Open(w.account)
		m.order[u.ID()] = i
	}
	check(t, w.db.Write(w.ctx, func(tx *gorm.DB) error {
		for i := range crowd {
			err := w.chats.Put(tx, recipients.Recipient{BotID: m.row.ID, Address: formatID(m.first() + int64(i)), Created: w.clock.Now()})
			if err != nil {
				return err
			}
		}
		return nil
	}))
	return m
}

// first is the id of the first subscriber; those of the others follow it.
func (m *mass) first() int64 {
	first := int64(0)
	for id, place := range m.order {
		if place == 0 {
			first = id
		}
	}
	return first
}

// run starts a supervisor as the program does; stop ends it.
func (m *mass) run() {
	m.supervisor = supervisor.New(supervisor.Options{
		DB: m.db, Networks: map[string]bots.Network{name: m.network},
		Notices: &notice.Board{}, Texts: m.site.Texts, Expire: 2 * time.Hour, Log: slog.New(slog.DiscardHandler), Now: m.clock.Now,
		Metrics: prometheus.NewRegistry(),
	})
	ctx, cancel := context.WithCancel(context.WithoutCancel(m.ctx))
	done := make(chan error, 1)
	go func() { done <- m.supervisor.Run(ctx) }()
	stopped := false
	m.stop = func() {
		cancel()
		if !stopped {
			stopped = true
			check(m.t, <-done)
		}
	}
	m.t.Cleanup(func() { m.stop() })
}

// publish sends a report to all subscribers, as the relay does.
func (m *mass) publish(text string) (at time.Time) {
	m.t.Helper()
	at = time.Now()
	r := report.Report{ID: text, CityID: m.city.ID, Network: "mail", Text: text, Time: m.clock.Now(), Received: m.clock.Now()}
	all := db.Audience{BotID: m.row.ID, Recipients: must(m.network.Recipients(m.ctx, m.row, r))(m.t)}
	passed := report.Verdict{Passed: true, Reason: report.ReasonTrigger}
	m.supervisor.Send(dbtest.MustJudge(m.t, m.db, dbtest.MustHear(m.t, m.db, r), passed, dbtest.NoBrake{}, all).Fanouts)
	return at
}

// untilRunning waits until the bot has been started and checked.
func (m *mass) untilRunning() {
	m.t.Helper()
	ctx, done := context.WithTimeout(m.ctx, 30*time.Second)
	defer done()
	for {
		if b, err := m.db.Bot(ctx, m.row.ID); err == nil && b.State == report.BotRunning {
			return
		}
		select {
		case <-ctx.Done():
			m.t.Fatal("the bot does not run")
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// untilSent waits until n messages were sent in all.
func (m *mass) untilSent(n int) {
	m.t.Helper()
	ctx, done := context.WithTimeout(m.ctx, 90*time.Second)
	defer done()
	if err := m.server.Wait(ctx, func() bool { return m.account.Sent() >= n }); err != nil {
		m.t.Fatalf("%d messages were sent, want %d: %v", m.account.Sent(), n, err)
	}
}

// TestCrowd sends one report to 5,000 subscribers, restarts in the middle, and
// sends a second one while the first is still on its way. Telegram's limits
// are scaled, so that it takes seconds and not minutes.
func TestCrowd(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 20 s")
	}
	m := newMass(t)
	m.run()
	m.untilRunning()
	began := m.publish("A")
	m.untilSent(1)
	m.untilSent(crowd * 3 / 10)
	m.stop()
	atStop, stopped := m.account.Sent(), time.Now()
	m.run()
	m.untilSent(crowd / 2)
	second := m.publish("B")
	m.untilSent(2 * crowd)
	m.stop()

	sends := m.account.Sends()
	c := newCourse(sends)
	t.Logf("first message after %s; all of A after %s, all of B after %s",
		c.first["A"].Sub(began).Round(time.Millisecond), c.last["A"].Sub(began).Round(time.Millisecond), c.last["B"].Sub(second).Round(time.Millisecond))
	t.Logf("restart after %d messages, the next one %s later", atStop, sends[atStop].At.Sub(stopped).Round(time.Millisecond))
	t.Logf("most messages within a second: %d of %d allowed (Telegram's 30, times %d); %.0f a second on the whole",
		c.most(time.Second), crowdRate, crowdScale, float64(len(sends))/sends[len(sends)-1].At.Sub(sends[0].At).Seconds())
	t.Logf("while both were on their way: %.0f%% of the messages were B's, which began %s after it was written",
		100*c.share("B"), c.first["B"].Sub(second).Round(time.Millisecond))
	t.Logf("places out of order before the restart: %.1f on average", m.displacement(sends[:atStop]))

	// On a machine that is busy everything takes longer.
	if d := c.first["A"].Sub(began); d > max(time.Second, c.last["A"].Sub(began)/20) {
		t.Errorf("A began after %s", d)
	}
	if n := c.between(second, c.first["B"]); n > 2*crowdRate {
		t.Errorf("B began after %d messages of A, which take %s", n, c.first["B"].Sub(second))
	}
	// A tenth is for messages that were held up on the way and came late.
	if n := c.most(time.Second); n > crowdRate*11/10 {
		t.Errorf("%d messages within a second", n)
	}
	if s := c.share("B"); s < 0.35 || s > 0.65 {
		t.Errorf("B had %.0f%% of the messages while both were on their way", 100*s)
	}
	for _, text := range []string{"A", "B"} {
		if c.chats[text] != crowd || c.count[text] != crowd {
			t.Errorf("%s was sent %d times, to %d chats, want %d each once", text, c.count[text], c.chats[text], crowd)
		}
	}
	if refused, _ := m.account.Refused(); refused != 0 {
		t.Errorf("%d messages were refused", refused)
	}
	if counts := must(m.db.Counts(m.ctx, "A"))(t); counts.Sent != crowd {
		t.Errorf("recorded of A: %+v", counts)
	}
}

// course is what happened when.
type course struct {
	sends       []standin.Send
	first, last map[string]time.Time
	count       map[string]int
	chats       map[string]int // different ones
}

func newCourse(sends []standin.Send) course {
	c := course{sends: sends, first: map[string]time.Time{}, last: map[string]time.Time{}, count: map[string]int{}, chats: map[string]int{}}
	seen := map[string]bool{}
	for _, s := range sends {
		if c.count[s.Text]++; c.count[s.Text] == 1 {
			c.first[s.Text] = s.At
		}
		c.last[s.Text] = s.At
		key := fmt.Sprint(s.Text, s.ChatID)
		if !seen[key] {
			c.chats[s.Text]++
		}
		seen[key] = true
	}
	return c
}

// most is the largest number of messages within d.
func (c course) most(d time.Duration) int {
	most, from := 0, 0
	for i, s := range c.sends {
		for s.At.Sub(c.sends[from].At) >= d {
			from++
		}
		most = max(most, i-from+1)
	}
	return most
}

// between is how many messages were sent from one time until another.
func (c course) between(from, until time.Time) int {
	n := 0
	for _, s := range c.sends {
		if !s.At.Before(from) && s.At.Before(until) {
			n++
		}
	}
	return n
}

// share is the part of the messages that text had from its first one until the
// other report was through.
func (c course) share(text string) float64 {
	all, own := 0, 0
	for _, s := range c.sends {
		if s.At.Before(c.first[text]) || s.At.After(c.last["A"]) {
			continue
		}
		all++
		if s.Text == text {
			own++
		}
	}
	return float64(own) / float64(max(1, all))
}

// displacement is how far on average messages are from the place that their
// chat has among those that were written to.
func (m *mass) displacement(sends []standin.Send) float64 {
	places := make([]int, 0, len(sends))
	for _, s := range sends {
		places = append(places, m.order[s.ChatID])
	}
	sorted := slices.Sorted(slices.Values(places))
	total := 0
	for i, place := range places {
		at, _ := slices.BinarySearch(sorted, place)
		total += max(at-i, i-at)
	}
	return float64(total) / float64(max(1, len(sends)))
}
