package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// powerCut takes the power away while mails come in, and looks whether anything
// was lost.
type powerCut struct {
	Cuts int `default:"24" help:"How many power cuts."`
}

func (*powerCut) name() string { return "powercut" }
func (*powerCut) what() string {
	return "power cuts at random moments while mails come in as fast as they are taken, and a start from what each leaves"
}

const (
	cutCities      = 6
	cutSubscribers = 3
	cutSenders     = 10
	// The last city is large, so that the power goes in the middle of fan-outs. A
	// report in so many goes to it, the rest to the others.
	cutLarge      = 200
	cutLargeEvery = 40
	// firstCut and betweenCuts are how long it is to the next cut, at most; at
	// least it is a tenth of that.
	firstCut    = 2 * time.Second
	betweenCuts = 500 * time.Millisecond
)

// cut is what was known when the power went.
type cut struct {
	file         string // what the disk held
	acknowledged int    // how many mails had been answered with 250
	arrived      int    // how many mails had arrived at the relay
}

// cutting is the experiment at work.
type cutting struct {
	*powerCut
	bench *bench
	disk  *pluggedDisk
	world *world
	cuts  []cut

	mu           sync.Mutex
	acknowledged []sent

	before []arrival // at the relay, until the program that was cut off was killed
}

func (p *powerCut) run(ctx context.Context, b *bench, r *Result) (err error) {
	if b.Quick {
		p.Cuts = 2
	}
	dir, err := b.newDir("powercut")
	if err != nil {
		return err
	}
	disk, err := openPluggedDisk(dir)
	if r.skips(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, disk.close()) }()
	onDisk := *b
	onDisk.dir = disk.disk()
	w, err := newWorld(ctx, &onDisk, "powercut", b.binary, cutCities, cutTowns)
	if err != nil {
		return err
	}
	defer w.close()
	c := &cutting{powerCut: p, bench: b, disk: disk, world: w}
	if err := c.cutAgainAndAgain(ctx); err != nil {
		return err
	}
	return c.lookAtAll(ctx, r)
}

// cutTowns makes all towns ones with mail alone: the relay can be held still
// while the power is cut, and so it is known what had arrived.
func cutTowns(w *world) {
	for i := range w.towns {
		t := &w.towns[i]
		t.mastodon, t.telegram, t.chats, t.subscribers = nil, nil, nil, nil
		n := cutSubscribers
		if i == cutCities-1 {
			n = cutLarge
		}
		for s := range n {
			t.subscribers = append(t.subscribers, fmt.Sprintf("s%d@%s.example", s, t.slug))
		}
	}
}

// cutAgainAndAgain starts the program, mails reports and keeps what the cuts
// leave. Then it kills the program: its disk has been looked at often enough.
func (c *cutting) cutAgainAndAgain(ctx context.Context) error {
	w := c.world
	if _, err := w.start(ctx, cutCities); err != nil {
		return err
	}
	sending, stop := context.WithCancel(ctx)
	defer stop()
	var senders sync.WaitGroup
	senders.Go(func() { c.sendAll(sending) })
	err := c.cutAll(ctx)
	stop()
	senders.Wait()
	if !w.program.alive() {
		err = errors.Join(err, fmt.Errorf("the program has ended:\n%s", w.program.lastLines()))
	}
	w.program.kill()
	if err != nil {
		return err
	}
	if len(c.acknowledged) == 0 {
		return errors.New("no mail was taken: the cuts came too early to mean anything")
	}
	if err := w.relay.waitLeft(ctx); err != nil {
		return err
	}
	c.before = w.relay.list()
	return nil
}

// sendAll mails reports over several connections as fast as they are taken,
// until ctx ends.
func (c *cutting) sendAll(ctx context.Context) {
	w := c.world
	riders := newRiders(cutSenders, w.program.smtp)
	defer riders.close()
	var next atomic.Int64
	var group sync.WaitGroup
	for range cutSenders {
		group.Go(func() {
			for ctx.Err() == nil && w.program.alive() {
				n := int(next.Add(1))
				city := n % (cutCities - 1)
				if n%cutLargeEvery == 0 {
					city = cutCities - 1
				}
				s, err := riders.send(ctx, n, city, w.slugs[city])
				if err != nil {
					continue // not acknowledged: nothing was promised
				}
				c.mu.Lock()
				c.acknowledged = append(c.acknowledged, s)
				c.mu.Unlock()
			}
		})
	}
	group.Wait()
}

// cutAll takes the snapshots at random moments.
func (c *cutting) cutAll(ctx context.Context) error {
	pause := firstCut
	for range c.Cuts {
		if err := rest(ctx, pause/10+rand.N(pause*9/10)); err != nil {
			return err
		}
		pause = betweenCuts
		if err := c.cutOnce(); err != nil {
			return err
		}
	}
	return nil
}

// cutOnce takes one. What is acknowledged while it is taken does not count, since
// it may have come too late; and no mail arrives meanwhile.
func (c *cutting) cutOnce() error {
	c.mu.Lock()
	acknowledged := len(c.acknowledged)
	c.mu.Unlock()
	return c.world.relay.still(func(arrived int) error {
		file, err := c.disk.snapshot()
		c.cuts = append(c.cuts, cut{file, acknowledged, arrived})
		return err
	})
}
