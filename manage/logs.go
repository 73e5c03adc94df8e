package manage

import (
	"context"
	"strings"
	"time"

	"ticketfrei/db"
)

// LogFilter says which lines of the bots' logs are meant. What is empty does not matter.
type LogFilter struct {
	City    string // its slug
	Network string
	Level   string // the least: "info", "warn" or "error"
	Since   time.Time
	After   int64 // only lines that were written after the one with this id
	Limit   int
}

// Logs returns what the bots of all cities have logged, the newest first. A city that is not
// there is db.ErrNotFound.
func (m *Cities) Logs(ctx context.Context, f LogFilter) ([]db.CityLogLine, error) {
	cityID, err := m.cityID(ctx, f.City)
	if err != nil {
		return nil, err
	}
	return m.DB.BotLogs(ctx, db.LogFilter{CityID: cityID, Network: f.Network, Level: strings.ToUpper(f.Level), Since: f.Since, After: f.After, Limit: f.Limit})
}
