package main

import (
	"context"
)

// clusterMailIn measures how fast one process on PostgreSQL takes mail in.
type clusterMailIn struct {
	Mails  int `default:"6000" help:"Mails of each run."`
	Rounds int `default:"5" help:"How often ours and Postfix take turns."`
}

// wantServerMailIn is the target: how many times as fast as Postfix, in both ways.
const wantServerMailIn = 2.0

func (*clusterMailIn) name() string { return "cluster-mail-in" }
func (*clusterMailIn) what() string {
	return "one process on PostgreSQL: mails of 1 KB over 10 connections that are on disk when they are answered 250"
}

func (m *clusterMailIn) run(ctx context.Context, b *bench, r *Result) error {
	turns := &mailIn{Mails: m.Mails, Rounds: m.Rounds, want: wantServerMailIn}
	if b.Quick {
		turns.Mails, turns.Rounds = 600, 1
	}
	c, err := newCluster(ctx, b, m.name(), 1, 1, nil)
	if err != nil {
		return err
	}
	defer c.close()
	if err := c.startShared(ctx, 3); err != nil {
		return err
	}
	return turns.measure(ctx, b, r, c.world)
}
