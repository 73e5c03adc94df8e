package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// clusterKills kills one of three processes again and again and looks whether
// anything was lost.
type clusterKills struct {
	Kills int           `default:"50" help:"How often a process is killed."`
	Mails int           `default:"300" help:"Mails sent, at most, around each kill."`
	Calm  time.Duration `placeholder:"TIME" help:"How long after a kill the next one comes, whether or not everything has arrived. Default: when it has."`
}

func (*clusterKills) name() string { return "cluster-kills" }
func (*clusterKills) what() string {
	return "kill -9 of one of three processes at random moments of taking in and sending, and start again"
}

const (
	killCities = shards // one of each
	// Every killLarge-th city is large, so that kills come in the middle of large
	// fan-outs wherever they come.
	killLarge = 13
	// wantTakenOver is the target for everything to have arrived after a kill.
	wantTakenOver = 20 * time.Second
)

func largeTown(i int) bool { return i%killLarge == killLarge-1 }

// killTowns makes all towns ones with mail and Mastodon, as crashTowns does.
func killTowns(w *world) {
	for i := range w.towns {
		t := &w.towns[i]
		t.telegram, t.chats, t.subscribers = nil, nil, nil
		n := crashSubscribers
		if largeTown(i) {
			n = largeSubscribers
		}
		for s := range n {
			t.subscribers = append(t.subscribers, fmt.Sprintf("s%d@%s.example", s, t.slug))
		}
	}
}

func (k *clusterKills) run(ctx context.Context, b *bench, r *Result) error {
	if b.Quick {
		k.Kills, k.Mails, k.Calm = 3, 120, time.Second
	}
	c, err := newCluster(ctx, b, k.name(), killCities, 3, killTowns)
	if err != nil {
		return err
	}
	defer c.close()
	if err := c.startShared(ctx, 2*killCities); err != nil {
		return err
	}
	seen, err := k.killAgainAndAgain(ctx, b, c)
	if err != nil {
		return err
	}
	if len(seen.acknowledged) == 0 {
		return errors.New("no mail was taken: the kills came too early to mean anything")
	}
	if err := c.waitIdle(ctx); err != nil {
		return err
	}
	if err := k.report(c, r, seen); err != nil {
		return err
	}
	return c.stop()
}

// killsSeen is what is known of the kills.
type killsSeen struct {
	acknowledged []sent          // mails answered with 250
	at           []time.Time     // of each kill
	over         []time.Duration // until all that had been answered had arrived, where that was waited for
}

// killAgainAndAgain sends and kills as often as it is to. The victim is started again
// at once, as a system does: it is another process then.
func (k *clusterKills) killAgainAndAgain(ctx context.Context, b *bench, c *cluster) (seen killsSeen, err error) {
	for kill := range k.Kills {
		victim := c.programs()[rand.IntN(len(c.programs()))]
		killed := make(chan time.Time, 1)
		time.AfterFunc(time.Duration(50+rand.IntN(700))*time.Millisecond, func() {
			victim.kill()
			killed <- time.Now()
		})
		acknowledged := k.burst(ctx, c)
		at := <-killed
		seen.acknowledged, seen.at = append(seen.acknowledged, acknowledged...), append(seen.at, at)
		if err := victim.start(ctx); err != nil {
			return seen, fmt.Errorf("start after kill %d: %w", kill+1, err)
		}
		if k.Calm > 0 {
			err = rest(ctx, k.Calm)
		} else {
			err = k.waitMailed(ctx, c, acknowledged)
			seen.over = append(seen.over, time.Since(at))
			b.say("kill %d: %d mails taken, all at their subscribers %.1f s after it", kill+1, len(acknowledged), time.Since(at).Seconds())
		}
		if err != nil {
			return seen, fmt.Errorf("after kill %d: %w", kill+1, err)
		}
	}
	return seen, k.waitMailed(ctx, c, seen.acknowledged)
}

// burst mails reports to all processes as fast as they are taken. It returns those
// that were acknowledged.
func (k *clusterKills) burst(ctx context.Context, c *cluster) []sent {
	riders := newRiders(crashSenders, c.doors()...)
	defer riders.close()
	var small, large []int
	for i := range c.towns {
		if largeTown(i) {
			large = append(large, i)
		} else {
			small = append(small, i)
		}
	}
	first := c.next
	c.next += k.Mails
	return riders.sendAll(ctx, k.Mails, crashSenders, func(i int) (n, city int, slug string) {
		city = small[(first+i)%len(small)]
		if i%largeEvery == 0 {
			city = large[rand.IntN(len(large))]
		}
		return first + i, city, c.slugs[city]
	})
}

// waitMailed waits until the mails have got to all subscribers of their cities.
func (k *clusterKills) waitMailed(ctx context.Context, c *cluster, list []sent) error {
	var open []seenKey
	for _, s := range list {
		for _, to := range c.towns[s.city].subscribers {
			open = append(open, seenKey{s.report, to})
		}
	}
	ctx, cancel := context.WithTimeout(ctx, arriveTimeout)
	defer cancel()
	err := until(ctx, 50*time.Millisecond, func() (bool, error) {
		open = c.relay.missing(open)
		return len(open) == 0, nil
	})
	if err != nil {
		err = fmt.Errorf("%d mails are missing, such as report %d to %s: %w", len(open), open[0].report, open[0].to, err)
	}
	return err
}

// report counts what has arrived.
func (k *clusterKills) report(c *cluster, r *Result, seen killsSeen) error {
	mails, posts := c.mailed(), c.posted()
	lost, expected := 0, 0
	expect := func(times int) {
		expected++
		lost += int(one(times == 0))
	}
	for _, s := range seen.acknowledged {
		for _, to := range c.towns[s.city].subscribers {
			expect(mails[seenKey{s.report, to}])
		}
		expect(posts[seenKey{s.report, c.slugs[s.city]}])
	}
	after := twiceAfter(c.relay.list(), seen.at)
	r.add("kills", float64(len(seen.at)), "")
	r.add("mails answered with 250", float64(len(seen.acknowledged)), "")
	r.add("lost", float64(lost), "").atMost(0).note("of %d deliveries", expected)
	r.add("mailed twice", float64(again(mails)), "").note("after %d kills", len(seen.at))
	r.add("mailed twice for one kill", quantile(slices.Clone(after), 1), "").atMost(wantUnrecorded+onTheWire).
		note("at most; %d not yet stored, and %d that may be on the wire", wantUnrecorded, onTheWire)
	r.add("posted twice on Mastodon", float64(again(posts)), "").atMost(0)
	if len(seen.over) > 0 {
		r.add("all arrived after a kill, median", quantile(seen.over, 0.5)/float64(time.Second), "s")
		r.add("all arrived after a kill, longest", quantile(seen.over, 1)/float64(time.Second), "s").atMost(wantTakenOver.Seconds())
	}
	r.Axes = Axes{Title: "One of three processes killed again and again", X: "kills", Y: "mails that came twice"}
	r.Series = []Series{running("mailed twice", after)}
	if lost > 0 {
		return fmt.Errorf("%d deliveries of acknowledged mails were lost", lost)
	}
	return nil
}

// twiceAfter is how many mails came again because of each kill: the first kill after
// they had come the first time.
func twiceAfter(list []arrival, kills []time.Time) []float64 {
	n := make([]float64, len(kills))
	first := map[seenKey]time.Time{}
	for _, a := range list {
		key := seenKey{a.report, a.to}
		at, came := first[key]
		if !came {
			first[key] = a.at
			continue
		}
		kill, _ := slices.BinarySearchFunc(kills, at, time.Time.Compare)
		if kill < len(n) {
			n[kill]++
		}
	}
	return n
}

// running is the sum of the values up to each.
func running(name string, values []float64) Series {
	s := Series{Name: name, Points: []Point{{}}}
	sum := 0.0
	for i, v := range values {
		sum += v
		s.Points = append(s.Points, Point{float64(i + 1), sum})
	}
	return s
}
