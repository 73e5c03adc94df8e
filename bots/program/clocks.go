package program

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"ticketfrei/bots"
	"ticketfrei/internal/bus"
	"ticketfrei/internal/zone"
)

// eventsAtOnce is how many events may wait for a program.
const eventsAtOnce = 256

// startClocks has the program told of the time, of events and of what other processes ask it
// in goroutines of the group, until ctx ends.
func (b *bot) startClocks(ctx context.Context, group *errgroup.Group) {
	for _, s := range b.manifest.Schedule {
		group.Go(func() error { return bots.Guard(func() error { return b.keepTime(ctx, s) }) })
	}
	if len(b.manifest.Subscribe) > 0 {
		group.Go(func() error { return bots.Guard(func() error { return b.listen(ctx) }) })
	}
	if len(b.manifest.Routes)+len(b.manifest.Words) > 0 && b.host.DB.OnServer() {
		group.Go(func() error { return bots.Guard(func() error { return b.answerElsewhere(ctx) }) })
	}
}

// keepTime sends a tick at each time of a schedule.
func (b *bot) keepTime(ctx context.Context, s Schedule) error {
	where := zone.Of(b.city, b.host.Config.Reports.Zone)
	for last := b.host.Now(); ; {
		next := s.Next(last, where)
		if within(next.Sub(b.host.Now()), ctx.Done()) {
			return nil
		}
		last = next
		b.tellOf(ctx, &toLine{Type: toTick, Time: next.In(where).Truncate(time.Second)})
	}
}

// Next returns the first time after another. where is the clock of At.
func (s Schedule) Next(after time.Time, where *time.Location) time.Time {
	if s.At < 0 {
		return after.Add(s.Every)
	}
	// The day's own clock: a day may have 23 hours or 25.
	local := after.In(where)
	at := func(days int) time.Time {
		return time.Date(local.Year(), local.Month(), local.Day()+days, 0, int(s.At.Minutes()), 0, 0, where)
	}
	if s.Every >= 24*time.Hour {
		if next := at(0); next.After(after) {
			return next
		}
		return at(max(int(s.Every/(24*time.Hour)), 1))
	}
	next := at(0)
	for !next.After(after) {
		next = next.Add(s.Every)
	}
	for next.Add(-s.Every).After(after) {
		next = next.Add(-s.Every)
	}
	return next
}

// listen hands on the events that the program has subscribed to.
func (b *bot) listen(ctx context.Context) error {
	city := b.self.CityID
	if b.manifest.Scope == scopeServer {
		city = 0
	}
	events := b.host.Bus.Subscribe(city, eventsAtOnce, b.manifest.Subscribe...)
	defer events.Close()
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-events.C:
			b.tellOf(ctx, &toLine{Type: toEvent, Name: e.Name, Payload: e.Payload, Time: e.Time.UTC(), Slug: b.slugOf(ctx, e)})
		}
	}
}

// slugOf names the city of an event.
func (b *bot) slugOf(ctx context.Context, e bus.Event) string {
	if e.CityID == b.city.ID {
		return b.city.Slug
	}
	c, err := b.host.DB.BriefCity(ctx, e.CityID)
	if err != nil { // it was deleted meanwhile
		return ""
	}
	return c.Slug
}

// tellOf tells the program something that it need not answer. What is missed is not told
// later.
func (b *bot) tellOf(ctx context.Context, l *toLine) {
	if err := b.crew.tell(ctx, l); err != nil && ctx.Err() == nil {
		b.log.Warn("program.log.untold", "err", err)
	}
}
