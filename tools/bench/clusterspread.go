package main

import (
	"context"
	"fmt"
	"time"
)

// clusterSpread measures how much sooner a large report has got to everybody with
// more processes.
type clusterSpread struct {
	Subscribers int           `default:"10000" help:"Subscribers of the city."`
	Takes       time.Duration `default:"50ms" help:"How long the relay takes for a mail."`
	Connections int           `default:"8" help:"Mails that each process sends at the same time (mail.connections): few enough that the relay is what they wait for, not the processor that signs."`
	Rounds      int           `default:"2" help:"Reports with each number of processes."`
}

// wantSpread are the targets: how many times as fast two and three processes are.
var wantSpread = map[int]float64{2: 1.8, 3: 2.6}

func (*clusterSpread) name() string { return "cluster-spread" }
func (*clusterSpread) what() string {
	return "one report to all mail subscribers of a city through a slow relay, by one, two and three processes"
}

func (s *clusterSpread) run(ctx context.Context, b *bench, r *Result) error {
	if b.Quick {
		s.Subscribers, s.Rounds = 640, 1
	}
	c, err := newCluster(ctx, b, s.name(), 1, 1, func(w *world) {
		t := &w.towns[0]
		t.mastodon, t.telegram, t.subscribers = nil, nil, nil
		for i := range s.Subscribers {
			t.subscribers = append(t.subscribers, fmt.Sprintf("s%05d@subscribers.example", i))
		}
		w.relay.pace = s.Takes
		w.program.env = append(w.program.env, fmt.Sprintf("TICKETFREI_MAIL_CONNECTIONS=%d", s.Connections))
	})
	if err != nil {
		return err
	}
	defer c.close()
	if err := c.startShared(ctx, 1); err != nil {
		return err
	}
	if err := s.grow(ctx, b, c, r); err != nil {
		return err
	}
	return c.stop()
}

// grow measures one process, then two, then three.
func (s *clusterSpread) grow(ctx context.Context, b *bench, c *cluster, r *Result) error {
	r.Axes = Axes{Title: fmt.Sprintf("One report through a relay that takes %s a mail", s.Takes), X: "seconds", Y: "mails at the relay"}
	alone := 0.0
	for n := 1; n <= 3; n++ {
		if n > 1 {
			p, err := c.add()
			if err == nil {
				err = p.start(ctx)
			}
			if err == nil {
				err = c.waitShared(ctx, n)
			}
			if err != nil {
				return err
			}
		}
		b.say("%d of 3 processes", n)
		var rounds []fannedOut
		for range s.Rounds {
			o, err := s.send(ctx, c)
			if err != nil {
				return fmt.Errorf("%d processes: %w", n, err)
			}
			rounds = append(rounds, o)
		}
		rate := medianRate(rounds)
		label := fmt.Sprintf("%d processes", n)
		r.add(label, rate, "mails/s").note("each of %d subscribers got it once", s.Subscribers)
		if n == 1 {
			alone = rate
		} else {
			r.add(label+", ratio", rate/alone, "×").atLeast(wantSpread[n]).note("%.0f to %.0f mails/s", rate, alone)
		}
		r.Series = append(r.Series, progress(label, rounds[0]))
	}
	return nil
}

// send sends one report and waits until every subscriber has got it once.
func (s *clusterSpread) send(ctx context.Context, c *cluster) (fannedOut, error) {
	c.relay.forget()
	riders := newRiders(1, c.doors()...)
	defer riders.close()
	sent, err := riders.send(ctx, c.next, 0, c.slugs[0])
	c.next++
	if err != nil {
		return fannedOut{}, err
	}
	if err := c.waitFannedOut(ctx, s.Subscribers); err != nil {
		return fannedOut{}, err
	}
	list := c.relay.list()
	if err := c.waitIdle(ctx); err != nil {
		return fannedOut{}, err
	}
	if mails, _ := c.relay.count(); mails != s.Subscribers {
		return fannedOut{}, fmt.Errorf("%d mails for %d subscribers", mails, s.Subscribers)
	}
	return fannedOut{began: sent.at, list: list}, nil
}
