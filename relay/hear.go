package relay

import (
	"context"
	"errors"
	"strings"
	"time"

	"ticketfrei/bots"
	"ticketfrei/censor"
	"ticketfrei/internal/queue"
	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"
)

// maxText is how much of a text is kept, in characters: one more than the censor
// lets pass, so that it still holds what was cut as too long. The queue takes no
// messages of more than a megabyte.
const maxText = censor.MaxLength + 1

// maxFuture is how far ahead of ours another server's clock may be; what is
// said to come from later than that counts from now.
const maxFuture = time.Minute

// Hearing makes reports of what bots hear and puts them into the queue. It is
// apart from Relay because the networks are made with it, and the Relay with the
// networks.
type Hearing struct {
	Queue   *queue.Queue
	Secrets *secret.Box
	Now     func() time.Time
}

var _ bots.Hearer = (*Hearing)(nil)

// Hear puts a report that bot b heard into the queue: see bots.Hearer.
func (h *Hearing) Hear(ctx context.Context, b report.Bot, in bots.Incoming) error {
	if in.ID == "" {
		return errors.New("hear: the message has no id")
	}
	return h.Queue.PublishReport(ctx, h.report(b, in))
}

// report makes a report of what bot b heard.
func (h *Hearing) report(b report.Bot, in bots.Incoming) report.Report {
	now := h.Now()
	r := report.Report{
		ID:         report.ID(b.Network, b.ID, in.ID),
		CityID:     b.CityID,
		BotID:      b.ID,
		Network:    b.Network,
		NetworkID:  in.ID,
		Text:       bounded(strings.TrimSpace(strings.ToValidUTF8(in.Text, "\uFFFD"))),
		Visibility: in.Visibility,
		Time:       in.Time,
		Received:   now,
	}
	if in.Author != "" {
		r.Author = h.Secrets.Author(b.Network, in.Author)
	}
	if r.Visibility == "" {
		r.Visibility = report.Private
	}
	if year := r.Time.Year(); year < 1970 || year > 9999 || r.Time.After(now.Add(maxFuture)) {
		r.Time = now
	}
	return r
}

// bounded returns the beginning of a text that is longer than maxText.
func bounded(text string) string {
	if len(text) <= maxText {
		return text
	}
	runes := 0
	for at := range text {
		if runes++; runes > maxText {
			return text[:at]
		}
	}
	return text
}
