package db

import (
	"context"
	"fmt"
	"time"
)

// Standing is how a process stands among those that share the cities.
type Standing struct {
	Processes int // those that live, this one among them
	Shards    int // that this one works for
	// Renewed is how long ago the lease was renewed; negative where there is none.
	Renewed time.Duration
	// Off is how far the server's clock is before this machine's.
	Off time.Duration
}

// Standing tells how this process stands, also while the server cannot be asked.
func (o *Ownership) Standing() Standing {
	s := Standing{Processes: o.Living(), Shards: o.Owned(), Renewed: -1, Off: time.Duration(o.offBy.Load())}
	if r := o.renewed.Load(); r != nil {
		s.Renewed = o.clock().boot - r.boot
	}
	return s
}

// Processes returns the names of those that work on the database now; none where it is a
// file. It may be called before Migrate.
func (d *DB) Processes(ctx context.Context) ([]string, error) {
	if !d.OnServer() {
		return nil, nil
	}
	tables, err := d.Tables(ctx)
	if err != nil || !tables["processes"] {
		return nil, err
	}
	names, err := ReadColumn[string](ctx, d, "SELECT name FROM processes WHERE until > "+msNow+" ORDER BY name")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	return names, nil
}
