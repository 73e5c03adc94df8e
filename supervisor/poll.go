package supervisor

import (
	"context"
	"time"

	"ticketfrei/internal/report"
)

// pollEvery is how often the database is asked for bots, and lines and stops, that another
// process (ticketfrei city) has stored: it cannot tell this one.
const pollEvery = time.Second

// poll finds what other processes made or changed, until ctx ends.
func (s *Supervisor) poll(ctx context.Context) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	since := s.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := s.Now()
		err := s.announceUpdates(ctx, since)
		switch {
		case err == nil:
			since = now
		case ctx.Err() == nil:
			s.Log.Error("the database could not be asked for changed bots and places", "err", err)
		}
	}
}

// announceUpdates tells of the cities whose bots were changed since then, unless
// they run so already, and of those with other lines and stops.
func (s *Supervisor) announceUpdates(ctx context.Context, since time.Time) error {
	// Clocks of two processes differ a little, and a commit takes a moment.
	since = since.Add(-2 * pollEvery)
	list, err := s.DB.BotsUpdatedSince(ctx, since)
	if err != nil {
		return err
	}
	places, err := s.DB.PlacesSince(ctx, since)
	if err != nil {
		return err
	}
	for _, cityID := range append(s.stale(list), places...) {
		s.Notices.ChangedElsewhere(cityID)
	}
	return nil
}

// stale returns the cities of those bots that do not run as list says.
func (s *Supervisor) stale(list []report.Bot) []int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	var cities []int64
	seen := make(map[int64]bool)
	for _, b := range list {
		if !s.runsAs(b) && !seen[b.CityID] {
			seen[b.CityID] = true
			cities = append(cities, b.CityID)
		}
	}
	return cities
}

// runsAs tells whether a bot runs, or does not, as b says. s.mu is locked.
func (s *Supervisor) runsAs(b report.Bot) bool {
	r := s.runners[b.ID]
	if r == nil || !b.Enabled {
		return r == nil && !b.Enabled
	}
	return r.bot.Updated.Equal(b.Updated)
}
