package supervisor_test

import (
	"testing"
	"time"

	"ticketfrei/db/dbtest"
	"ticketfrei/internal/slow"
)

// TestPlacesOfOtherProcessesAreNoticed has another process store, change and remove the
// lines and stops of a city.
func TestPlacesOfOtherProcessesAreNoticed(t *testing.T) {
	slow.Test(t, "waits until another process is noticed")
	r := newRig(t)
	b := r.city("city")
	r.start(&toy{send: ok})
	told := make(chan int64, 100)
	defer r.notices.OnChanged(func(cityID int64) {
		select {
		case told <- cityID:
		default:
		}
	})()
	for _, places := range []string{"U1: Plärrer", "U1: Plärrer, Fürth", ""} {
		r.advance(time.Minute)
		for len(told) > 0 {
			<-told
		}
		dbtest.MustSavePlaces(t, r.db, b.CityID, places)
		select {
		case <-told:
		case <-time.After(time.Minute):
			t.Fatalf("nobody was told of %q", places)
		}
	}
}
