package stream

import (
	"context"
	"net/url"

	"ticketfrei/bots"
	"ticketfrei/internal/report"
)

var _ bots.Branched = (*Network)(nil)

// Branches returns the streams of a city.
func (n *Network) Branches(ctx context.Context, city report.City) ([]bots.Branch, error) {
	list, err := n.Streams().List(ctx, city.ID)
	branches := make([]bots.Branch, len(list))
	for i, s := range list {
		branches[i] = bots.Branch{Name: s.Name, Path: "/settings/stream/edit?stream=" + url.QueryEscape(s.Name),
			Off: !s.Running && s.Why == nil, Stopped: s.Why}
	}
	return branches, err
}
