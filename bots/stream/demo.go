package stream

import (
	"context"
	"fmt"
	"net/http"

	"ticketfrei/bots"
	"ticketfrei/bots/stream/standin"
	"ticketfrei/internal/report"
)

// demoName is the name of the stream of a demo.
const demoName = "demo"

// StartDemo starts a channel of a chat that stands in for Discord, and a stream of all
// reports into it.
func (n *Network) StartDemo(ctx context.Context, site bots.Site, city report.City) (http.Handler, error) {
	channel, err := standin.Start()
	if err != nil {
		return nil, fmt.Errorf("start the stand-in of a chat: %w", err)
	}
	context.AfterFunc(ctx, func() { _ = channel.Close() })
	s := Blank()
	s.Name, s.Target, s.Look = demoName, channel.Discord(), LookCard
	if _, err := n.Streams().Put(ctx, city.ID, s, Absent); err != nil {
		return nil, fmt.Errorf("make the stream of the demo: %w", err)
	}
	return site.Handler(func(w http.ResponseWriter, r *http.Request) error {
		return site.Page(w, r, http.StatusOK, Name, "demo.tmpl", site.T(r, "stream.demo.title"), channel.Messages())
	}), nil
}
