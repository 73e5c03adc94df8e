package db

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// fence are the claims that are good in a transaction. Its first statement locks their
// shards, all at once and in their order, so that nobody else can become the owner of one
// before it is committed: with a statement for each write, two transactions could wait for
// each other.
type fence []Claim

// claimsOf returns what the jobs of a group claim, each claim once.
func claimsOf(group []*job) (all []Claim) {
	for _, j := range group {
		for _, c := range j.claims {
			if !slices.Contains(all, c) {
				all = append(all, c)
			}
		}
	}
	return all
}

// lockShards returns the statement that locks the shards of the claims that are good, and
// answers with these.
func lockShards(claims []Claim) string {
	pairs := make([]string, len(claims))
	for i, c := range claims {
		pairs[i] = fmt.Sprintf("(%d, %d)", c.Shard, c.Epoch)
	}
	return "SELECT n, epoch FROM shards WHERE (n, epoch) IN (" + strings.Join(pairs, ", ") + ") ORDER BY n FOR SHARE"
}

// readFence reads what lockShards has answered.
func readFence(rows [][][]byte) (fence, error) {
	good := make(fence, 0, len(rows))
	for _, row := range rows {
		n, err := strconv.Atoi(string(row[0]))
		if err != nil {
			return nil, fmt.Errorf("lock shards: %w", err)
		}
		epoch, err := strconv.ParseInt(string(row[1]), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("lock shards: %w", err)
		}
		good = append(good, Claim{n, epoch})
	}
	return good, nil
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
