package relay

import (
	"context"
	"slices"
	"time"

	"ticketfrei/db"
)

// findEvery is how often reports are looked for that other processes have heard. Mostly
// they have told of them before, and what was heard here is judged long before it was seen
// twice.
const findEvery = time.Second

// find finds reports that other processes have heard, and those of cities that this one has
// just won, until ctx ends.
func (rl *Relay) find(ctx context.Context, all []*lane) {
	tick := time.NewTicker(findEvery)
	defer tick.Stop()
	var before map[int64]int64
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case shard := <-rl.won:
			rl.lookAgain(all, shard)
			continue
		}
		first, err := rl.DB.FirstUnjudged(ctx)
		if err != nil {
			if ctx.Err() == nil && !db.Unavailable(err) {
				rl.Log.Error("reports that other processes have heard could not be looked for, trying again", "err", err)
			}
			continue
		}
		var shards []int
		for id, seq := range first {
			if before[id] == seq {
				shards = append(shards, db.ShardOf(id))
			}
		}
		before = first
		slices.Sort(shards)
		for _, shard := range slices.Compact(shards) {
			rl.lookAgain(all, shard)
		}
	}
}

// lookAgain has the lanes of a shard read what waits on them. A lane has whole shards.
func (rl *Relay) lookAgain(all []*lane, shard int) {
	all[shard%lanes].lookAgain()
	rl.aside.lookAgain(shard)
}

// ours returns those of a batch whose cities are this process's. The others stay stored.
func (rl *Relay) ours(batch []db.Heard) []db.Heard {
	others := func(h db.Heard) bool { return !rl.DB.Owns(h.Report.CityID) }
	if !slices.ContainsFunc(batch, others) {
		return batch
	}
	return slices.DeleteFunc(slices.Clone(batch), others)
}

var _ db.ShardFollower = (*Relay)(nil)

// Won has reports judged that wait: see db.ShardFollower.
func (rl *Relay) Won(ctx context.Context, shard int) error {
	select {
	case rl.won <- shard:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Lost does nothing: what is judged is stored only for an owner.
func (*Relay) Lost(context.Context, int) {}
