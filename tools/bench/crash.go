package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// crash kills the program and looks whether something was lost.
type crash struct {
	Kills int `default:"50" help:"How often the program is killed."`
	Mails int `default:"500" help:"Mails sent, at most, before each kill."`
}

func (*crash) name() string { return "crash" }
func (*crash) what() string {
	return "kill -9 at random moments of taking in and sending, and start again"
}

func (c *crash) defaults() { *c = crash{Kills: 50, Mails: 500} }

const (
	crashCities      = 4
	crashSubscribers = 5
	crashSenders     = 10
	// sendsAtOnce is how many mails one city's bot sends at the same time
	// (concurrency in bots/mail): so many can be in flight at a kill. A post on
	// Mastodon is never made twice, since it has a key of its own.
	sendsAtOnce = 8
)

func (c *crash) run(ctx context.Context, b *bench, r *Result) error {
	if b.Quick {
		c.Kills, c.Mails = 4, 100
	}
	w, err := newWorld(ctx, b, "crash", b.binary, crashCities, func(w *world) {
		for i := range w.towns {
			t := &w.towns[i]
			// A Telegram chat takes one message a second: it would hold up all.
			t.telegram, t.chats, t.subscribers = nil, nil, nil
			for s := range crashSubscribers {
				t.subscribers = append(t.subscribers, fmt.Sprintf("s%d@%s.example", s, t.slug))
			}
		}
	})
	if err != nil {
		return err
	}
	defer w.close()
	var acknowledged []sent
	var starts []time.Duration
	r.Axes = Axes{Title: "Killed again and again", X: "kills", Y: "mails acknowledged, and still on their way at the restart"}
	progress := Series{Name: "acknowledged", Points: []Point{{}}}
	for kill := range c.Kills {
		began := time.Now()
		if err := w.program.start(ctx); err != nil {
			return fmt.Errorf("start after kill %d: %w", kill, err)
		}
		starts = append(starts, time.Since(began))
		killer := time.AfterFunc(time.Duration(50+rand.IntN(700))*time.Millisecond, w.program.kill)
		acknowledged = append(acknowledged, c.burst(ctx, w)...)
		killer.Stop()
		w.program.kill()
		progress.Points = append(progress.Points, Point{float64(kill + 1), float64(len(acknowledged))})
	}
	r.Series = []Series{progress}
	if err := w.program.start(ctx); err != nil {
		return err
	}
	if len(acknowledged) == 0 {
		return fmt.Errorf("no mail was taken: the kills came too early to mean anything")
	}
	return c.settle(ctx, w, r, acknowledged, starts)
}

// burst mails reports over several connections, as fast as they are taken,
// until they are all sent or the program is dead. It returns those that were
// acknowledged.
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

// settleTimeout bounds how long what was acknowledged may take to arrive after
// the last start.
const settleTimeout = 10 * time.Minute

// settle waits until everything has arrived and counts.
func (c *crash) settle(ctx context.Context, w *world, r *Result, acknowledged []sent, starts []time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	if err := w.program.waitIdle(ctx); err != nil {
		return err
	}
	var lost, twice, expected int
	mails, posts := w.mailed(), w.posted()
	for _, s := range acknowledged {
		for _, to := range w.towns[s.city].subscribers {
			expected++
			if mails[seenKey{s.report, to}] == 0 {
				lost++
			}
		}
		expected++
		if posts[seenKey{s.report, w.slugs[s.city]}] == 0 {
			lost++
		}
	}
	for _, n := range mails {
		twice += n - 1
	}
	postedTwice := 0
	for _, n := range posts {
		postedTwice += n - 1
	}
	inFlight := float64(c.Kills * crashCities * sendsAtOnce)
	r.add("mails answered with 250", float64(len(acknowledged)), "")
	r.add("deliveries of them", float64(expected), "")
	r.add("lost", float64(lost), "").Target = atMost(0)
	r.add("mailed twice", float64(twice), "").Target = atMost(inFlight)
	r.Figures[len(r.Figures)-1].Note = fmt.Sprintf("%d in flight at each of %d kills", crashCities*sendsAtOnce, c.Kills)
	r.add("posted twice on Mastodon", float64(postedTwice), "").Target = atMost(0)
	r.add("median start after a kill", milliseconds(quantile(starts, 0.5)), "ms")
	r.add("longest start after a kill", milliseconds(quantile(starts, 1)), "ms")
	if lost > 0 {
		return fmt.Errorf("%d deliveries of acknowledged mails were lost", lost)
	}
	return w.program.stop()
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
