package supervisor_test

import (
	"testing"
	"time"

	"ticketfrei/db/dbtest"
	"ticketfrei/internal/slow"
)

// TestChangesOfOtherProcessesAreTold has another process store, change and remove the lines
// and stops of a city, and change its rules. What this process changes, it tells itself.
func TestChangesOfOtherProcessesAreTold(t *testing.T) {
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
	other := r.otherProcess()
	own := r.city("own").CityID
	changes := map[string]func(){"rules": func() { dbtest.MustSaveRules(t, other, b.CityID, "U1", "") }}
	for _, places := range []string{"U1: Plärrer", "U1: Plärrer, Fürth", ""} {
		changes[places] = func() { dbtest.MustSavePlaces(t, other, b.CityID, places) }
	}
	for name, change := range changes {
		change()
		select {
		case cityID := <-told:
			if cityID == own {
				t.Error("this process was told of what it changed itself")
			}
		case <-time.After(time.Minute):
			t.Fatalf("nobody was told of %q", name)
		}
	}
	if len(told) > 0 {
		t.Error("a change was told of twice")
	}
}
