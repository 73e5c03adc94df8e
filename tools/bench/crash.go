package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// crash kills the program again and again and looks whether anything was lost.
type crash struct {
	Kills int `default:"50" help:"How often the program is killed."`
	Mails int `default:"500" help:"Mails sent, at most, before each kill."`
}

func (*crash) name() string { return "crash" }
func (*crash) what() string {
	return "kill -9 at random moments of taking in and sending, and start again"
}

const (
	crashCities      = 4
	crashSubscribers = 5
	crashSenders     = 10
	// sendsAtOnce is how many mails one city's bot sends at the same time
	// (concurrency in bots/mail): at most that many are in flight at a kill. A
	// post on Mastodon is never made twice, since it carries an idempotency
	// key.
	sendsAtOnce = 8
)

func (c *crash) run(ctx context.Context, b *bench, r *Result) error {
	if b.Quick {
		c.Kills, c.Mails = 4, 100
	}
	w, err := newWorld(ctx, b, "crash", b.binary, crashCities, crashTowns)
	if err != nil {
		return err
	}
	defer w.close()
	acknowledged, starts, err := c.killAgainAndAgain(ctx, w, r)
	if err != nil {
		return err
	}
	if len(acknowledged) == 0 {
		return errors.New("no mail was taken: the kills came too early to mean anything")
	}
	if err := w.program.start(ctx); err != nil {
		return err
	}
	if err := w.program.waitIdle(ctx); err != nil {
		return err
	}
	if err := c.report(w, r, acknowledged, starts); err != nil {
		return err
	}
	return w.program.stop()
}

// crashTowns makes all towns ones with mail and Mastodon. A Telegram chat takes
// one message a second, and would hold up everything.
func crashTowns(w *world) {
	for i := range w.towns {
		t := &w.towns[i]
		t.telegram, t.chats, t.subscribers = nil, nil, nil
		for s := range crashSubscribers {
			t.subscribers = append(t.subscribers, fmt.Sprintf("s%d@%s.example", s, t.slug))
		}
	}
}

// killAgainAndAgain returns the mails that were acknowledged, and how long each
// start took.
func (c *crash) killAgainAndAgain(ctx context.Context, w *world, r *Result) (acknowledged []sent, starts []time.Duration, err error) {
	progress := Series{Name: "acknowledged", Points: []Point{{}}}
	for kill := range c.Kills {
		began := time.Now()
		if err := w.program.start(ctx); err != nil {
			return nil, nil, fmt.Errorf("start after kill %d: %w", kill, err)
		}
		starts = append(starts, time.Since(began))
		acknowledged = append(acknowledged, c.burstAndKill(ctx, w)...)
		progress.Points = append(progress.Points, Point{float64(kill + 1), float64(len(acknowledged))})
	}
	r.Axes = Axes{Title: "Killed again and again", X: "kills", Y: "mails acknowledged"}
	r.Series = []Series{progress}
	return acknowledged, starts, nil
}

// burstAndKill kills the program at a random moment of a burst, or after it.
func (c *crash) burstAndKill(ctx context.Context, w *world) []sent {
	killed := make(chan struct{})
	killer := time.AfterFunc(time.Duration(50+rand.IntN(700))*time.Millisecond, func() {
		defer close(killed)
		w.program.kill()
	})
	acknowledged := c.burst(ctx, w)
	if !killer.Stop() {
		<-killed // or it would kill the next process
	}
	w.program.kill()
	return acknowledged
}

// burst mails reports over several connections as fast as they are taken, until
// all are sent or the program is dead. It returns those that were acknowledged.
func (c *crash) burst(ctx context.Context, w *world) []sent {
	riders := newRiders(w.program.smtp, crashSenders)
	defer riders.close()
	var mu sync.Mutex
	var done []sent
	var group sync.WaitGroup
	for s := range crashSenders {
		group.Go(func() {
			for i := s; i < c.Mails && w.program.alive(); i += crashSenders {
				city := i % len(w.slugs)
				sent, err := riders.send(ctx, w.next+i, city, w.slugs[city])
				if err != nil {
					continue // not acknowledged: nothing was promised
				}
				mu.Lock()
				done = append(done, sent)
				mu.Unlock()
			}
		})
	}
	group.Wait()
	w.next += c.Mails
	return done
}

// report counts what has arrived.
func (c *crash) report(w *world, r *Result, acknowledged []sent, starts []time.Duration) error {
	mails, posts := w.mailed(), w.posted()
	lost, expected := 0, 0
	expect := func(times int) {
		expected++
		if times == 0 {
			lost++
		}
	}
	for _, s := range acknowledged {
		for _, to := range w.towns[s.city].subscribers {
			expect(mails[seenKey{s.report, to}])
		}
		expect(posts[seenKey{s.report, w.slugs[s.city]}])
	}
	inFlight := crashCities * sendsAtOnce
	r.add("mails answered with 250", float64(len(acknowledged)), "")
	r.add("deliveries of them", float64(expected), "")
	r.add("lost", float64(lost), "").atMost(0).note("of %d deliveries", expected)
	r.add("mailed twice", float64(again(mails)), "").atMost(float64(c.Kills*inFlight)).note("%d in flight at each of %d kills", inFlight, c.Kills)
	r.add("posted twice on Mastodon", float64(again(posts)), "").atMost(0)
	r.add("median start after a kill", milliseconds(quantile(starts, 0.5)), "ms")
	r.add("longest start after a kill", milliseconds(quantile(starts, 1)), "ms")
	if lost > 0 {
		return fmt.Errorf("%d deliveries of acknowledged mails were lost", lost)
	}
	return nil
}

// again is how often something came after it had come once.
func again(seen map[seenKey]int) int {
	n := 0
	for _, times := range seen {
		n += times - 1
	}
	return n
}

// mailed is how often each report was mailed to whom.
func (w *world) mailed() map[seenKey]int {
	n := map[seenKey]int{}
	for _, a := range w.relay.list() {
		n[seenKey{a.report, a.to}]++
	}
	return n
}

// posted is how often each report was posted in which city.
func (w *world) posted() map[seenKey]int {
	n := map[seenKey]int{}
	for i := range w.towns {
		for _, p := range w.towns[i].mastodon.Statuses() {
			n[seenKey{findToken(p.Text), w.towns[i].slug}]++
		}
	}
	return n
}
