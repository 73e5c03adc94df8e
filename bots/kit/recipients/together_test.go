package recipients_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-gormigrate/gormigrate/v2"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/recipients"
	"ticketfrei/db"
	"ticketfrei/db/dbtest"
)

// TestSubscribingAtOnce has two processes store the same address many times at the same
// moment, as of a button that is pressed twice: it is new once, and nobody gets an error.
func TestSubscribingAtOnce(t *testing.T) {
	now := func() time.Time { return time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC) }
	one, two := dbtest.MustOpenTwo(t, now, map[string][]*gormigrate.Migration{
		network: {{ID: "pigeon_0001", Migrate: db.SQL(recipients.Tables(network)...)}},
	})
	dbtest.MustCreateCity(t, one, "leeds", network)
	var stores []*recipients.Store
	for _, d := range []*db.DB{one, two} {
		stores = append(stores, recipients.NewStore(network, bots.Host{DB: d, Secrets: mustBox(t, 7), Now: now}))
	}
	var added atomic.Int64
	dbtest.AtOnce(t, 8, func(i int) {
		isNew, err := stores[i%2].Subscribe(t.Context(), 1, "anna")
		if err != nil {
			t.Errorf("number %d: %v", i, err)
		}
		if isNew {
			added.Add(1)
		}
	})
	if n, err := stores[0].Count(t.Context(), 1); err != nil || n != 1 || added.Load() != 1 {
		t.Errorf("%d recipients, new %d times, %v", n, added.Load(), err)
	}
}
