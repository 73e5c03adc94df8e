package manage

import (
	"context"
	"slices"
	"time"

	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// QueueFilter says what of what waits to be sent is meant. What is zero does not matter.
type QueueFilter struct {
	City      string // its slug
	BotID     int64
	Network   string
	OlderThan time.Duration
}

// Queue is what waits.
type Queue struct {
	All  []db.Waiting // of each kind
	Bots []QueuedBot  // what is to be sent, the oldest first
}

// QueuedBot is what waits to be sent by a bot.
type QueuedBot struct {
	db.BotQueue
	City  report.City
	State report.BotState
	// Why it waits, as the bot says it; empty where nothing is wrong.
	Why string
}

// Queue returns what waits, and for whom. A city that is not there is db.ErrNotFound.
func (m *Cities) Queue(ctx context.Context, f QueueFilter) (Queue, error) {
	of, err := m.queued(ctx, f)
	if err != nil {
		return Queue{}, err
	}
	var q Queue
	if q.All, err = m.DB.Waiting(ctx); err != nil {
		return Queue{}, err
	}
	waiting, err := m.DB.Queue(ctx, of)
	if err != nil || len(waiting) == 0 {
		return q, err
	}
	list, err := m.EveryBot(ctx, BotFilter{City: f.City})
	if err != nil {
		return Queue{}, err
	}
	byID := make(map[int64]CityBot, len(list))
	for _, b := range list {
		byID[b.ID] = b
	}
	for _, w := range waiting {
		b := byID[w.BotID]
		one := QueuedBot{BotQueue: w, City: b.City, State: b.Now()}
		if b.InTrouble() {
			one.Why = b.LastError
		}
		q.Bots = append(q.Bots, one)
	}
	return q, nil
}

// RetryQueue has the bots try at once what waits to be sent, and returns how many bots have
// something.
func (m *Cities) RetryQueue(ctx context.Context, f QueueFilter) (int, error) {
	return m.changeQueue(ctx, f, "queue.retried", m.DB.RetryQueue)
}

// DropQueue throws away what waits to be sent: nobody is sent it any more, but what is on its
// way at the moment. It returns of how many bots something was thrown away.
func (m *Cities) DropQueue(ctx context.Context, f QueueFilter) (int, error) {
	return m.changeQueue(ctx, f, "queue.dropped", m.DB.DropQueue)
}

func (m *Cities) changeQueue(ctx context.Context, f QueueFilter, act string, change func(context.Context, db.Queued) ([]int64, error)) (int, error) {
	of, err := m.queued(ctx, f)
	if err != nil {
		return 0, err
	}
	cities, err := change(ctx, of)
	if err != nil {
		return 0, err
	}
	bots := len(cities)
	slices.Sort(cities)
	for _, id := range slices.Compact(cities) {
		_ = m.did(ctx, id, act, "", nil) // it was done
	}
	return bots, nil
}

func (m *Cities) queued(ctx context.Context, f QueueFilter) (db.Queued, error) {
	of := db.Queued{BotID: f.BotID, Network: f.Network}
	if f.OlderThan > 0 {
		of.Before = time.Now().Add(-f.OlderThan)
	}
	var err error
	of.CityID, err = m.cityID(ctx, f.City)
	return of, err
}
