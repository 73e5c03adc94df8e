package stream

import (
	"context"

	"ticketfrei/bots"
)

// Test sends a sample to a stream, also to one that does not run, and returns what became
// of it; the error says why nothing was sent, or why it was not taken.
func (s Streams) Test(ctx context.Context, cityID int64, name string) (Result, error) {
	r, err := s.n.find(ctx, cityID, name)
	if err != nil {
		return Result{}, err
	}
	city, err := s.n.host.DB.BriefCity(ctx, cityID)
	if err != nil {
		return Result{}, err
	}
	e := &entry{row: r, cityID: cityID}
	if e.Stream, err = s.n.streamOf(r); err != nil {
		return Result{}, err
	}
	if e.to, err = s.n.parse(e.Stream.Target); err != nil {
		return Result{}, err
	}
	_, failed := s.n.deliver(ctx, city, e, s.n.sample(e, newID(), city))
	if kind, _ := bots.KindOf(failed); kind == bots.KindTemporary && failed != nil {
		return Result{}, failed
	}
	after, err := s.Get(ctx, cityID, name)
	if err != nil || after.Last == nil {
		return Result{}, failed
	}
	return *after.Last, failed
}
