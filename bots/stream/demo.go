package stream

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"ticketfrei/bots"
	kit "ticketfrei/bots/kit/standin"
	"ticketfrei/bots/stream/standin"
	"ticketfrei/internal/report"
)

// demoName is the name of the stream of a demo, and demoService what it leads to.
const (
	demoName    = "demo"
	demoService = "Discord"
)

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
		page := demoPage{Network: Name, Title: demoService, Handle: demoName, Parts: []demoPart{{"kit.demo.timeline", linesOf(channel)}}}
		return site.Page(w, r, http.StatusOK, "kit", "demo.tmpl", site.T(r, "kit.demo.title", "Network", demoService), page)
	}), nil
}

// demoPage is what the demo.tmpl of the kit shows of a channel that nobody writes to.
type demoPage struct {
	Network, Title, Handle string
	Hears                  bool
	Parts                  []demoPart
}

type demoPart struct {
	Title string // text id
	Lines []kit.Line
}

// linesOf are the messages of a channel.
func linesOf(channel *standin.Server) (lines []kit.Line) {
	for _, m := range channel.Messages() {
		lines = append(lines, kit.Line{Own: true, How: kit.Posted, Text: strings.Join(append(m.Headings, m.Text), "\n"), Time: m.Time})
	}
	return lines
}
