package stream

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"gorm.io/gorm"

	"ticketfrei/filter"
	"ticketfrei/internal/bus"
	"ticketfrei/internal/report"
)

// set is the streams of a bot, ready to be used, until something of the city changes.
type set struct {
	city    report.City
	streams []*entry
}

// entry is a stream ready to be used.
type entry struct {
	row row
	Stream
	cityID    int64
	to        target
	filter    *filter.Filter
	broken    bool         // its target or its filter cannot be used
	mentioned atomic.Int64 // when somebody was called, in milliseconds since 1970
}

// ready tells whether anything may be sent to the stream.
func (e *entry) ready() bool { return e.Stream.Running && e.row.Paused == 0 && !e.broken }

// of returns the streams of a bot.
func (n *Network) of(ctx context.Context, b report.Bot) (*set, error) {
	return n.kept.Get(b.ID, func() (*set, error) { return n.load(ctx, b) })
}

func (n *Network) load(ctx context.Context, b report.Bot) (*set, error) {
	city, err := n.host.DB.BriefCity(ctx, b.CityID)
	if err != nil {
		return nil, err
	}
	rows, err := n.rows(ctx, b.ID)
	if err != nil || len(rows) == 0 {
		return &set{city: city}, err
	}
	world, err := n.World(ctx, city)
	if err != nil {
		return nil, err
	}
	s := &set{city: city, streams: make([]*entry, len(rows))}
	for i, r := range rows {
		if s.streams[i], err = n.open(ctx, city, r, world); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// open makes a stream ready. One whose filter does not hold any more stops, and says why.
func (n *Network) open(ctx context.Context, city report.City, r row, w filter.World) (*entry, error) {
	e := &entry{row: r, cityID: city.ID}
	e.mentioned.Store(r.Mentioned)
	var err error
	if e.Stream, err = n.streamOf(r); sealed(err) {
		e.broken = true
		return e, nil
	}
	if err != nil {
		return nil, err
	}
	if e.to, err = n.parse(e.Stream.Target); err != nil { // it was allowed before
		e.broken = true
		return e, nil
	}
	if e.filter, err = filter.Compile(e.Stream.Filter(), w); err != nil {
		e.broken = true
		if r.Running && r.Paused == 0 {
			return e, n.pause(ctx, e, badFilter)
		}
	}
	return e, nil
}

// Recipients returns the streams that get a report.
func (n *Network) Recipients(ctx context.Context, b report.Bot, r report.Report) ([]int64, error) {
	s, err := n.of(ctx, b)
	if err != nil || len(s.streams) == 0 {
		return nil, err
	}
	var ids []int64
	subject := n.subject(ctx, r, r.Ruled)
	for _, e := range s.streams {
		if !e.ready() || !e.wants(bus.ReportPassed) && !e.wants(bus.ReportTakenBack) {
			continue
		}
		fits, err := e.filter.Matches(subject)
		if err != nil {
			return nil, fmt.Errorf("filter of stream %d: %w", e.row.ID, err)
		}
		if fits {
			ids = append(ids, e.row.ID)
		}
	}
	return ids, nil
}

// RemoveRecipient has nothing to do: a stream stops by itself, and stays.
func (n *Network) RemoveRecipient(context.Context, report.Bot, int64) error { return nil }

// CountRecipients returns how many streams run.
func (n *Network) CountRecipients(ctx context.Context, b report.Bot) (int, error) {
	s, err := n.of(ctx, b)
	if err != nil {
		return 0, err
	}
	count := 0
	for _, e := range s.streams {
		if e.ready() {
			count++
		}
	}
	return count, nil
}

// Groups tells that no stream is a person.
func (n *Network) Groups(_ context.Context, _ report.Bot, recipients []int64) (int, error) {
	return len(recipients), nil
}

// Forget forgets the streams of a bot.
func (n *Network) Forget(ctx context.Context, b report.Bot) error {
	var streams []int64
	err := n.host.DB.Write(ctx, func(tx *gorm.DB) error {
		return errors.Join(tx.Exec("DELETE FROM stream_triggers WHERE bot_id = ?", b.ID).Error,
			tx.Raw("DELETE FROM stream_streams WHERE bot_id = ? RETURNING id", b.ID).Scan(&streams).Error)
	})
	if err != nil {
		return fmt.Errorf("forget streams: %w", err)
	}
	for _, id := range streams {
		n.lanes.drop(id)
	}
	n.host.Notices.Changed(b.CityID)
	return nil
}

// pause stops a stream for a reason: see row.Paused. The moderators are told.
func (n *Network) pause(ctx context.Context, e *entry, why int) error {
	err := n.host.DB.Write(ctx, func(tx *gorm.DB) error {
		result := tx.Exec("UPDATE stream_streams SET running = FALSE, paused = ?, told = FALSE, revision = revision + 1 WHERE id = ? AND running = TRUE", why, e.row.ID)
		if result.Error != nil || result.RowsAffected == 0 {
			return result.Error
		}
		return n.touch(tx, e.row.BotID)
	})
	if err != nil {
		return fmt.Errorf("pause stream: %w", err)
	}
	n.host.Notices.Changed(e.cityID)
	return nil
}
