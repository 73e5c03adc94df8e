package main

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
)

// clusterJoin measures how a process joins others at work.
type clusterJoin struct {
	Cities int           `default:"128" help:"Number of cities, each with three bots."`
	Rate   float64       `default:"20" help:"Reports a second, by mail, on Mastodon and on Telegram in turn."`
	Before time.Duration `default:"20s" help:"How long two processes work before the third joins."`
	After  time.Duration `default:"20s" help:"How long three work."`
	Rounds int           `default:"3" help:"How often one joins, and leaves again."`
}

// wantJoined is the target for a process to have its share.
const wantJoined = 15 * time.Second

func (*clusterJoin) name() string { return "cluster-join" }
func (*clusterJoin) what() string {
	return "a third process joins two under load on every network, and leaves again"
}

func (j *clusterJoin) run(ctx context.Context, b *bench, r *Result) error {
	if b.Quick {
		j.Cities, j.Before, j.After, j.Rounds = 64, 2*time.Second, 2*time.Second, 1
	}
	c, err := newCluster(ctx, b, j.name(), j.Cities, 2, nil)
	if err != nil {
		return err
	}
	defer c.close()
	if err := c.startShared(ctx, 3*j.Cities); err != nil {
		return err
	}
	load := newMixedLoad(c.world, j.Rate)
	defer load.close()
	watch := watchOverlaps(ctx, c.world)
	defer watch.stop()
	third, err := c.add()
	if err != nil {
		return err
	}
	c.others = c.others[:1] // it comes and goes
	var joined, left []time.Duration
	for range j.Rounds {
		in, out, err := j.round(ctx, b, c, load, third)
		if err != nil {
			third.kill()
			return err
		}
		joined, left = append(joined, in), append(left, out)
	}
	count, err := load.waitArrived(ctx)
	if err != nil {
		return err
	}
	watch.stop()
	return j.report(r, load, count, watch, joined, left)
}

// round lets the third process join and leave under load. It returns how long both
// took.
func (j *clusterJoin) round(ctx context.Context, b *bench, c *cluster, load *mixedLoad, third *program) (joined, left time.Duration, err error) {
	timed, stop := context.WithCancel(ctx)
	defer stop()
	group, running := errgroup.WithContext(timed)
	group.Go(func() error { return load.run(running) })
	group.Go(func() error {
		defer stop() // the load
		if rest(running, j.Before) != nil {
			return nil
		}
		began := time.Now()
		if err := third.start(running); err != nil {
			return err
		}
		if err := c.waitShared(running, 3); err != nil {
			return err
		}
		joined = time.Since(began)
		b.say("the third process has its share after %.1f s", joined.Seconds())
		if rest(running, j.After) != nil {
			return nil
		}
		began = time.Now()
		if err := third.stop(); err != nil {
			return err
		}
		err := c.waitShared(running, 2)
		left = time.Since(began)
		b.say("the others have its shards %.1f s after it was told to end", left.Seconds())
		return err
	})
	err = group.Wait()
	if err == nil {
		err = ctx.Err()
	}
	return joined, left, err
}

func (j *clusterJoin) report(r *Result, load *mixedLoad, count tally, watch *overlaps, joined, left []time.Duration) error {
	streams, polls := watch.count()
	r.add("reports", float64(load.count()), "").note("by mail, on Mastodon and on Telegram")
	r.add("until it has its share, longest", quantile(joined, 1)/float64(time.Second), "s").atMost(wantJoined.Seconds()).note("from the start of the process")
	r.add("until the others have its shards again, longest", quantile(left, 1)/float64(time.Second), "s").note("from SIGTERM")
	r.add("streams of one account by two", float64(streams), "").atMost(0)
	r.add("polls of one bot by two", float64(polls), "").atMost(0)
	r.add("mails put off by us", float64(load.putOff.Load()), "").note("answered 4xx, and sent again by their server")
	r.add("lost", float64(count.lost), "").atMost(0).note("of %d deliveries", count.expected)
	r.add("came twice", float64(count.twice), "").atMost(0)
	if count.lost > 0 {
		return fmt.Errorf("%d deliveries were lost", count.lost)
	}
	return nil
}
