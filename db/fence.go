package db

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"
)

// fence are the claims that are good in a transaction. Its first statement locks their
// shards, all at once and in their order, so that nobody else can become the owner of one
// before it is committed: with a statement for each write, two transactions could wait for
// each other.
type fence []Claim

// claimsOf returns what the jobs of a group claim, each claim once.
func claimsOf(group []*job) (all fence) {
	for _, j := range group {
		for _, c := range j.claims {
			if !slices.Contains(all, c) {
				all = append(all, c)
			}
		}
	}
	return all
}

// lockShards locks the shards of the claims that are good, and answers with these.
const lockShards = `SELECT s.n, s.epoch FROM shards AS s JOIN unnest(CAST(? AS BIGINT[]), CAST(? AS BIGINT[])) AS claimed(n, epoch)
	ON s.n = claimed.n AND s.epoch = claimed.epoch ORDER BY s.n FOR SHARE OF s`

// args are those of lockShards.
func (f fence) args() []any {
	shards, epochs := make([]int64, len(f)), make([]int64, len(f))
	for i, c := range f {
		shards[i], epochs[i] = int64(c.Shard), c.Epoch
	}
	return []any{shards, epochs}
}

// lock locks the shards, and returns the claims that are good.
func (p *pipeline) lock(ctx context.Context, claims fence) (good fence, err error) {
	q, err := p.add(lockShards, claims.args())
	if err != nil {
		return nil, err
	}
	q.Query(func(rows pgx.Rows) error {
		var c Claim
		_, err := pgx.ForEachRow(rows, []any{&c.Shard, &c.Epoch}, func() error {
			good = append(good, c)
			return nil
		})
		return err
	})
	return good, p.send(ctx)
}

// check returns ErrNotOurs where one of the claims is over.
func (f fence) check(claims []Claim) error {
	for _, c := range claims {
		if !slices.Contains(f, c) {
			return ErrNotOurs
		}
	}
	return nil
}
