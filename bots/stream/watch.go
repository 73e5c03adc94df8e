package stream

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"golang.org/x/sync/errgroup"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/bus"
	"ticketfrei/internal/report"
)

// What a stream is told beside reports is told as it happens and once: what finds no room
// here is left out, and so is what its target does not take within watchPatience.
const (
	watched       = 64
	watchPatience = time.Minute
)

// watch begins to tell every stream of the city what it asks for beside reports.
func (b *bot) watch(ctx context.Context, group *errgroup.Group) error {
	s, err := b.network.of(ctx, b.bot)
	if err != nil {
		return err
	}
	for _, e := range s.streams {
		if patterns := e.watches(); e.ready() && len(patterns) > 0 {
			sub := b.network.host.Bus.Subscribe(b.bot.CityID, watched, patterns...)
			group.Go(func() error {
				defer sub.Close()
				return b.tellEvents(ctx, e.row.ID, sub)
			})
		}
	}
	return nil
}

// watches are the patterns of what a stream is told beside reports that pass and are
// taken back, which are deliveries.
func (e *entry) watches() (list []bus.Pattern) {
	for _, p := range e.Events {
		if p != bus.ReportPassed && p != bus.ReportTakenBack {
			list = append(list, bus.Pattern(p))
		}
	}
	return list
}

// tellEvents tells a stream what happens until ctx ends.
func (b *bot) tellEvents(ctx context.Context, id int64, sub *bus.Subscription) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case happened := <-sub.C:
			if happened.Name == bus.ReportPassed || happened.Name == bus.ReportTakenBack {
				continue
			}
			if err := b.tellEvent(ctx, id, happened); err != nil && ctx.Err() == nil {
				b.log.Warn("stream.log.event", "err", err)
			}
		}
	}
}

// tellEvent tells a stream something, trying again for as long as that is news. What it cannot
// be told is left out: the others, and what comes after it, have nothing to do with that.
func (b *bot) tellEvent(ctx context.Context, id int64, happened bus.Event) (err error) {
	defer b.recovered(&err)
	ctx, cancel := context.WithTimeout(ctx, watchPatience)
	defer cancel()
	s, e, err := b.entry(ctx, id)
	if errors.Is(err, errOver) {
		return nil
	}
	if err != nil {
		return err
	}
	reportID, fits, err := b.network.fits(ctx, e, happened)
	if err != nil || !fits {
		return err
	}
	ev := b.network.happened(happened, newID(), s.city)
	ev.report = reportID
	for {
		_, err := b.network.deliver(ctx, s.city, e, ev)
		kind, wait := bots.KindOf(err)
		if kind != bots.KindLater {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
	}
}

// recovered turns a panic into an error. It would end the program where the program has
// not called: in goroutines of our own.
func (b *bot) recovered(err *error) {
	if p := recover(); p != nil {
		b.network.host.Log.Error("a stream panicked", "bot", b.bot.ID, "panic", p, "stack", string(debug.Stack()))
		*err = bots.Say(fmt.Errorf("panic: %v", p), "bots.error.internal")
	}
}

// fits tells whether a stream wants an event, by its filter where that is about a report,
// and which one that is. What was read in a report that is refused is not stored: the event
// says it.
func (n *Network) fits(ctx context.Context, e *entry, happened bus.Event) (reportID string, fits bool, err error) {
	if happened.Name != bus.ReportRefused {
		return "", true, nil
	}
	var form report.Form
	if err := json.Unmarshal(happened.Payload, &form); err != nil {
		return "", false, fmt.Errorf("read an event: %w", err)
	}
	r, err := n.host.DB.Report(ctx, e.cityID, form.ID)
	if errors.Is(err, db.ErrNotFound) { // it is gone already
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	r.Report.Results = string(form.Results)
	r.Report.Reading = report.Reading{Line: form.Line, Stop: form.Stop, Toward: form.Toward, People: form.People, Clear: form.Clear,
		Lines: report.NewLines(form.Lines...)}
	fits, err = e.filter.Matches(n.subject(ctx, r.Report, r.Verdict))
	return form.ID, fits, err
}

// newID is that of something that is told once.
func newID() string { return rand.Text() }
