package supervisor

import (
	"context"
	"time"

	"ticketfrei/db"
)

// pollEvery is how often the database is asked what other processes (ticketfrei city, or
// others of a service) have changed: they cannot tell this one, or may fail to.
const pollEvery = time.Second

// poll tells of the cities that other processes change, and of the bots that were called at
// them, until ctx ends.
func (s *Supervisor) poll(ctx context.Context, elsewhere *db.Elsewhere) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		cities, err := elsewhere.Next(ctx)
		if err != nil && ctx.Err() == nil && !db.Unavailable(err) {
			s.Log.Error("the database could not be asked for cities that other processes have changed", "err", err)
		}
		for _, cityID := range cities {
			s.Notices.ChangedElsewhere(cityID)
		}
		called, err := s.DB.CalledBots(ctx)
		if err != nil && ctx.Err() == nil && !db.Unavailable(err) {
			s.Log.Error("the database could not be asked for bots that were called at other processes", "err", err)
		}
		for _, botID := range called {
			s.Notices.CalledElsewhere(botID)
		}
	}
}
