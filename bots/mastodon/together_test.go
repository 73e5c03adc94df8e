package mastodon

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-gormigrate/gormigrate/v2"

	"ticketfrei/db/dbtest"
)

// TestRegisteringAtOnce has two processes register with an instance at the same moment: one
// registration counts, which the others find, and each that counted before is kept, as there
// may be tokens that only it can delete.
func TestRegisteringAtOnce(t *testing.T) {
	t.Parallel()
	box := dbtest.MustMakeBox(t)
	one, two := dbtest.MustOpenTwo(t, time.Now, map[string][]*gormigrate.Migration{name: migrations(box)})
	stores := []apps{{one, box}, {two, box}}
	const instance = "https://mastodon.example"
	seen := ""
	for round := range 3 {
		var stored atomic.Int64
		dbtest.AtOnce(t, 6, func(i int) {
			a := app{Instance: instance, ClientID: fmt.Sprint(round, " ", i), Secret: "secret"}
			switch err := stores[i%2].save(t.Context(), a, seen); {
			case err == nil:
				stored.Add(1)
			case !errors.Is(err, errRegistered):
				t.Errorf("registration %d: %v", i, err)
			}
		})
		a, err := stores[0].find(t.Context(), instance)
		if err != nil || stored.Load() != 1 {
			t.Fatalf("%d were stored, %v", stored.Load(), err)
		}
		seen = a.ClientID
	}
	if all, err := stores[1].all(t.Context(), instance); err != nil || len(all) != 3 {
		t.Errorf("%d registrations are kept, %v", len(all), err)
	}
}
