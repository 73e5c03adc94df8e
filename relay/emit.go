package relay

import (
	"context"
	"errors"
	"strings"
	"time"

	"ticketfrei/bots"
	"ticketfrei/internal/queue"
	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"
)

// maxFuture is how far ahead of ours another server's clock may be; what is
// said to come from later than that counts from now.
const maxFuture = time.Minute

// Emitter makes reports of what bots hear and puts them into the queue.
type Emitter struct {
	Queue   *queue.Queue
	Secrets *secret.Box
	Now     func() time.Time
}

// Emit puts a report that bot b heard into the queue. When it returns nil, the
// report is on disk. The same Incoming again is the same report.
func (e *Emitter) Emit(ctx context.Context, b report.Bot, in bots.Incoming) error {
	if in.ID == "" {
		return errors.New("emit: the message has no id")
	}
	now := e.Now()
	r := report.Report{
		ID:         report.ID(b.Network, b.ID, in.ID),
		CityID:     b.CityID,
		BotID:      b.ID,
		Network:    b.Network,
		NetworkID:  in.ID,
		Text:       strings.TrimSpace(strings.ToValidUTF8(in.Text, "\uFFFD")),
		Visibility: in.Visibility,
		Time:       in.Time,
		Received:   now,
	}
	if in.Author != "" {
		r.Author = e.Secrets.Author(b.Network, in.Author)
	}
	if r.Visibility == "" {
		r.Visibility = report.Private
	}
	if r.Time.IsZero() || r.Time.After(now.Add(maxFuture)) {
		r.Time = now
	}
	return e.Queue.PublishReport(ctx, r)
}
