package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
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
	crashCities      = 6
	crashSubscribers = 5
	crashSenders     = 10
	// The last of the cities are large, so that kills come in the middle of large
	// fan-outs. A report in so many goes to one of them, the rest to the others.
	largeCities      = 2
	largeSubscribers = 400
	largeEvery       = 40
	// onTheWire is how many mails are on their way to the relay at the same time
	// (mail.connections): what of them had arrived and was not yet answered comes
	// again. A post on Mastodon is never made twice, since it carries an
	// idempotency key.
	onTheWire = 32
	// wantUnrecorded is how many mails may have been sent of which that was not
	// stored yet.
	wantUnrecorded = 32
)

// killed is what is known of the kills.
type killed struct {
	acknowledged []sent          // mails answered with 250 before one of them
	at           []time.Time     // when each had happened
	starts       []time.Duration // how long each start took
}

func (c *crash) run(ctx context.Context, b *bench, r *Result) error {
	if b.Quick {
		c.Kills, c.Mails = 4, 120
	}
	w, err := newWorld(ctx, b, "crash", b.binary, crashCities, crashTowns)
	if err != nil {
		return err
	}
	defer w.close()
	k, err := c.killAgainAndAgain(ctx, w, r)
	if err != nil {
		return err
	}
	if len(k.acknowledged) == 0 {
		return errors.New("no mail was taken: the kills came too early to mean anything")
	}
	if err := w.program.start(ctx); err != nil {
		return err
	}
	if err := w.program.waitIdle(ctx); err != nil {
		return err
	}
	if err := c.report(w, r, k); err != nil {
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
		n := crashSubscribers
		if i >= crashCities-largeCities {
			n = largeSubscribers
		}
		for s := range n {
			t.subscribers = append(t.subscribers, fmt.Sprintf("s%d@%s.example", s, t.slug))
		}
	}
}

// killAgainAndAgain sends and kills as often as it is to.
func (c *crash) killAgainAndAgain(ctx context.Context, w *world, r *Result) (killed, error) {
	var k killed
	progress := Series{Name: "acknowledged", Points: []Point{{}}}
	for kill := range c.Kills {
		began := time.Now()
		if err := w.program.start(ctx); err != nil {
			return k, fmt.Errorf("start after kill %d: %w", kill, err)
		}
		k.starts = append(k.starts, time.Since(began))
		k.acknowledged = append(k.acknowledged, c.burstAndKill(ctx, w)...)
		// What was on the wire may still be arriving.
		if err := w.relay.waitLeft(ctx); err != nil {
			return k, err
		}
		k.at = append(k.at, time.Now())
		progress.Points = append(progress.Points, Point{float64(kill + 1), float64(len(k.acknowledged))})
	}
	r.Axes = Axes{Title: "Killed again and again", X: "kills", Y: "mails acknowledged"}
	r.Series = []Series{progress}
	return k, nil
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
	riders := newRiders(crashSenders, w.program.smtp)
	defer riders.close()
	var mu sync.Mutex
	var done []sent
	var group sync.WaitGroup
	for s := range crashSenders {
		group.Go(func() {
			for i := s; i < c.Mails && w.program.alive(); i += crashSenders {
				city := crashCity(i)
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

// crashCity is the city that mail i of a burst goes to.
func crashCity(i int) int {
	small := crashCities - largeCities
	if i%largeEvery == 0 {
		return small + i/largeEvery%largeCities
	}
	return i % small
}

// report counts what has arrived.
func (c *crash) report(w *world, r *Result, k killed) error {
	mails, posts := w.mailed(), w.posted()
	lost, expected := 0, 0
	expect := func(times int) {
		expected++
		if times == 0 {
			lost++
		}
	}
	for _, s := range k.acknowledged {
		for _, to := range w.towns[s.city].subscribers {
			expect(mails[seenKey{s.report, to}])
		}
		expect(posts[seenKey{s.report, w.slugs[s.city]}])
	}
	after, amid := k.lookBack(w.relay.list(), w.slugs[crashCities-largeCities:])
	r.add("mails answered with 250", float64(len(k.acknowledged)), "")
	r.add("deliveries of them", float64(expected), "")
	r.add("kills in the middle of a large fan-out", float64(amid), "").note("to %d subscribers, of %d kills", largeSubscribers, c.Kills)
	r.add("lost", float64(lost), "").atMost(0).note("of %d deliveries", expected)
	r.add("mailed twice", float64(again(mails)), "").note("after %d kills", c.Kills)
	r.add("mailed twice after one kill", quantile(after, 1), "").atMost(wantUnrecorded+onTheWire).
		note("at most; %d not yet stored, and %d that may be on the wire", wantUnrecorded, onTheWire)
	r.add("posted twice on Mastodon", float64(again(posts)), "").atMost(0)
	r.add("median start after a kill", milliseconds(quantile(k.starts, 0.5)), "ms")
	r.add("longest start after a kill", milliseconds(quantile(k.starts, 1)), "ms")
	if lost > 0 {
		return fmt.Errorf("%d deliveries of acknowledged mails were lost", lost)
	}
	return nil
}

// lookBack goes through what arrived at the relay, in order: how many mails came
// after each kill that had come before, and how many kills came when a report had
// got to some of the subscribers of a large city and not to others.
func (k killed) lookBack(list []arrival, large []string) (again []float64, amid int) {
	again = make([]float64, len(k.at))
	seen, reached := map[seenKey]bool{}, map[int]int{}
	kill := 0
	for _, a := range list {
		for kill < len(k.at) && a.at.After(k.at[kill]) {
			kill++
			amid += int(one(underWay(reached)))
		}
		key := seenKey{a.report, a.to}
		if seen[key] && kill > 0 {
			again[kill-1]++
		}
		if !seen[key] && isIn(a.to, large) {
			reached[a.report]++
		}
		seen[key] = true
	}
	return again, amid
}

// underWay tells whether a report has not got to all of the subscribers of its
// large city.
func underWay(reached map[int]int) bool {
	for _, n := range reached {
		if n < largeSubscribers {
			return true
		}
	}
	return false
}

// isIn tells whether an address is that of a subscriber of one of the cities.
func isIn(address string, slugs []string) bool {
	for _, slug := range slugs {
		if strings.HasSuffix(address, "@"+slug+".example") {
			return true
		}
	}
	return false
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
