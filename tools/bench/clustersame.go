package main

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"
)

// clusterSame looks whether the brake for repeated texts holds for all processes
// together.
type clusterSame struct {
	Times  int `default:"200" help:"How often the same text is mailed by the same author."`
	Cities int `default:"32" help:"In how many cities, one after the other."`
}

func (*clusterSame) name() string { return "cluster-same" }
func (*clusterSame) what() string {
	return "the same text by one author, mailed again and again to two processes at once: one passes"
}

// sameSenders is how many mails are on their way at the same time.
const sameSenders = 16

func (s *clusterSame) run(ctx context.Context, b *bench, r *Result) error {
	if b.Quick {
		s.Cities = 6
	}
	c, err := newCluster(ctx, b, s.name(), s.Cities, 2, nil)
	if err != nil {
		return err
	}
	defer c.close()
	if err := c.startShared(ctx, 3*s.Cities); err != nil {
		return err
	}
	riders := newRiders(sameSenders, c.doors()...)
	defer riders.close()
	for city := range s.Cities {
		if err := s.mail(ctx, c, riders, city); err != nil {
			return err
		}
	}
	if err := c.waitIdle(ctx); err != nil {
		return err
	}
	return s.report(c, r)
}

// mail mails a text to a city as often as it is to. All are taken.
func (s *clusterSame) mail(ctx context.Context, c *cluster, riders *riders, city int) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(sameSenders)
	for i := range s.Times {
		n := city*s.Times + i // each mail is one of its own
		group.Go(func() error {
			_, err := riders.sendText(ctx, n, city, c.slugs[city], riderOf(city), reportText(city))
			return err
		})
	}
	return group.Wait()
}

func (s *clusterSame) report(c *cluster, r *Result) error {
	at := c.arrivals()
	once, least, most := 0, s.Times, 0
	for city := range s.Cities {
		passed := len(at[landing{city, "mail", c.slugs[city]}])
		for _, network := range networks() {
			if n := len(at[landing{city, network, c.slugs[city]}]); n != passed {
				return fmt.Errorf("%d came by mail and %d on %s of %s", passed, n, network, c.slugs[city])
			}
		}
		least, most = min(least, passed), max(most, passed)
		once += int(one(passed == 1))
	}
	r.add("mails with the same text", float64(s.Times), "").note("in each city, all answered with 250")
	r.add("cities", float64(s.Cities), "")
	r.add("cities in which exactly one passed", float64(once), "").atLeast(float64(s.Cities))
	r.add("passed in one city, fewest", float64(least), "").atLeast(1)
	r.add("passed in one city, most", float64(most), "").atMost(1)
	return nil
}
