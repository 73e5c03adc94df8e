package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// clusters are the experiments with PostgreSQL.
type clusters struct {
	All     allClusters    `cmd:"" default:"1" help:"All of them, one after the other."`
	Latency clusterLatency `cmd:"" help:"Time through one process on PostgreSQL, in turn with SQLite."`
	MailIn  clusterMailIn  `cmd:"" help:"Mails a second that one process takes in on PostgreSQL, beside Postfix."`
	Spread  clusterSpread  `cmd:"" help:"One large report through a slow relay by one, two and three processes."`
	Join    clusterJoin    `cmd:"" help:"A third process joins two under load."`
	Kills   clusterKills   `cmd:"" help:"kill -9 of one of three processes, again and again."`
	Same    clusterSame    `cmd:"" help:"The same text by one author at two processes at once."`
	Bots    clusterBots    `cmd:"" help:"Memory and idle CPU of three processes with many bots."`
	Soak    clusterSoak    `cmd:"" help:"Mixed load on three processes for a long time, with faults."`
}

// allClusters runs all with their default settings.
type allClusters struct{}

func (c *clusters) every() []experiment {
	return []experiment{&c.Latency, &c.MailIn, &c.Spread, &c.Join, &c.Kills, &c.Same, &c.Bots, &c.Soak}
}

// cluster is a world whose programs share a database of a PostgreSQL.
type cluster struct {
	*world
	server *postgres
	wires  []*wire // of each program's own way to the server, where they have one
}

// newCluster sets up a world of n cities with this many programs on a PostgreSQL of
// its own. They are not started. shape may be nil.
func newCluster(ctx context.Context, b *bench, name string, n, programs int, shape func(w *world)) (*cluster, error) {
	c := &cluster{}
	if err := c.open(ctx, b, name, n, programs, shape); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func (c *cluster) open(ctx context.Context, b *bench, name string, n, programs int, shape func(w *world)) (err error) {
	if c.server, err = startPostgres(ctx, b); err != nil {
		return err
	}
	database, err := c.server.newDatabase(ctx)
	if err != nil {
		return err
	}
	c.world, err = newWorld(ctx, b, name, b.binary, n, func(w *world) {
		w.program.use(database, newKey())
		if shape != nil {
			shape(w)
		}
	})
	if err != nil {
		return err
	}
	for range programs - 1 {
		if _, err := c.add(); err != nil {
			return err
		}
	}
	return nil
}

// newKey is a secret key as the settings take it.
func newKey() string {
	var key [32]byte
	_, _ = rand.Read(key[:]) // never fails
	return hex.EncodeToString(key[:])
}

// add sets up one more program.
func (c *cluster) add() (*program, error) {
	p, err := c.program.twin(fmt.Sprintf("%s-%d", c.program.data, len(c.others)+2))
	if err == nil {
		c.others = append(c.others, p)
	}
	return p, err
}

// wire gives every program a way of its own to the server, which can be cut.
func (c *cluster) wire() error {
	for _, p := range c.programs() {
		w, err := startWire(c.server.addr)
		if err != nil {
			return err
		}
		c.wires = append(c.wires, w)
		u, err := url.Parse(p.url)
		if err != nil {
			return err
		}
		p.use(databaseURL(w.addr, strings.TrimPrefix(u.Path, "/")), p.key)
	}
	return nil
}

func (c *cluster) close() {
	if c.world != nil {
		c.world.close()
	}
	for _, w := range c.wires {
		w.close()
	}
	_ = c.server.end(syscall.SIGQUIT) // its directory is removed
}

// shards is how many the cities are divided into.
const shards = 64

// shares is how many shards each process has.
func (c *cluster) shares(ctx context.Context) (map[string]int, error) {
	conn, err := pgx.Connect(ctx, c.program.url)
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, "SELECT coalesce(owner::text, ''), count(*) FROM shards GROUP BY 1")
	if err != nil {
		return nil, fmt.Errorf("shares: %w", err)
	}
	owned := map[string]int{}
	var owner string
	var n int
	_, err = pgx.ForEachRow(rows, []any{&owner, &n}, func() error {
		if owner != "" && owner != "0" {
			owned[owner] = n
		}
		return nil
	})
	return owned, err
}

// shareTimeout bounds the wait for fair shares.
const shareTimeout = time.Minute

// waitShared waits until all shards are had by this many processes, none more than its
// share.
func (c *cluster) waitShared(ctx context.Context, processes int) error {
	ctx, cancel := context.WithTimeout(ctx, shareTimeout)
	defer cancel()
	var owned map[string]int
	err := until(ctx, 100*time.Millisecond, func() (bool, error) {
		now, err := c.shares(ctx)
		if err != nil {
			return false, err
		}
		owned = now
		all := 0
		for _, n := range owned {
			if n > (shards+processes-1)/processes {
				return false, nil
			}
			all += n
		}
		return all == shards && len(owned) == processes, c.ended()
	})
	if err != nil {
		return fmt.Errorf("%d processes do not share the shards, but %v: %w", processes, owned, err)
	}
	return nil
}

// startShared starts the programs and waits until each has its share and that many
// bots run.
func (c *cluster) startShared(ctx context.Context, bots int) error {
	if _, err := c.start(ctx, bots); err != nil {
		return err
	}
	if len(c.others) == 0 {
		return nil // all is its own
	}
	if err := c.waitShared(ctx, len(c.programs())); err != nil {
		return err
	}
	return c.waitUp(ctx, bots)
}

// stop ends all programs as an operator does.
func (c *cluster) stop() error {
	for _, p := range c.programs() {
		if err := p.stop(); err != nil {
			return err
		}
	}
	return nil
}
