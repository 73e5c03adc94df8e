package db

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"
)

// Shards is how many parts the cities are divided into where several processes work on
// one database: a city is in the one that its id leaves when it is divided by this. It
// never changes, since two processes that divide differently would own a city both.
const Shards = 64

// ErrNotOurs means that another process works for the city, or is about to.
var ErrNotOurs = errors.New("another process works for the city")

// ShardOf returns the shard of a city.
func ShardOf(cityID int64) int { return int(cityID % Shards) }

// Owns tells whether this process judges, receives and sends for a city. On SQLite it
// does for all. Where it shares a server it may end at any moment: who has begun
// something names the Claim it began with, and what is stored with one that is over fails.
func (d *DB) Owns(cityID int64) bool { return d.OwnsShard(ShardOf(cityID)) }

// OwnsShard is Owns for all cities of a shard. What is done once for all cities is done
// by the owner of shard 0.
func (d *DB) OwnsShard(n int) bool {
	o := d.ownership.Load()
	return o == nil || o.owns(n)
}

// LivingProcesses returns how many processes work on the database, at least 1: limits of
// what clients may do are divided by it.
func (d *DB) LivingProcesses() int {
	if o := d.ownership.Load(); o != nil {
		return o.Living()
	}
	return 1
}

// Claim is a shard at the time of one owner. Whoever owns it next has another. The zero
// Claim is that of a process that owns all cities, and is always good.
type Claim struct {
	Shard int
	Epoch int64
}

// Claim returns that of a city, for what is begun now. Where the city is not ours it is
// one that is over.
func (d *DB) Claim(cityID int64) Claim {
	o := d.ownership.Load()
	if o == nil {
		return Claim{}
	}
	return o.claim(ShardOf(cityID))
}

// claims returns those of things that were begun before, each once; nil where all cities
// are ours.
func (d *DB) claims(n int, of func(i int) Claim) []Claim {
	if d.ownership.Load() == nil {
		return nil
	}
	var list []Claim
	for i := range n {
		if c := of(i); c != (Claim{}) && !slices.Contains(list, c) {
			list = append(list, c)
		}
	}
	return list
}

// WriteFor is WriteSoon for what is stored of the work for a city. It fails with ErrNotOurs
// where the claim to the city is over.
func (d *DB) WriteFor(ctx context.Context, c Claim, fn func(tx *gorm.DB) error) error {
	return d.do(ctx, &job{fn: fn, soon: true, rows: 1, claims: d.claims(1, func(int) Claim { return c })})
}

// ours is the end of a condition that selects the rows of the cities that are this
// process's: empty where all are. column is that of the city's id.
func (d *DB) ours(column string) string {
	o := d.ownership.Load()
	if o == nil {
		return ""
	}
	var list strings.Builder
	for n := range Shards {
		if o.owns(n) {
			fmt.Fprintf(&list, ", %d", n)
		}
	}
	return fmt.Sprintf(" AND %s %% %d IN (-1%s)", column, Shards, list.String())
}

// lostFor is how long what another process tells may be missed: then what is kept of the
// database is read again.
const lostFor = 5 * time.Second

// KeptFor is how long what was read may be kept that other processes may change without
// this one hearing of it; 0: for ever, as the others tell or there are none.
func (d *DB) KeptFor() time.Duration {
	if d.OnServer() {
		return lostFor
	}
	return 0
}
