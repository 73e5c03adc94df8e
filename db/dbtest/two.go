package dbtest

import (
	"sync"
	"testing"
	"time"

	"github.com/go-gormigrate/gormigrate/v2"

	"ticketfrei/db"
)

// MustOpenTwo opens a new database twice, as two processes have it. See MustOpen.
func MustOpenTwo(tb testing.TB, now func() time.Time, networks map[string][]*gormigrate.Migration) (one, two *db.DB) {
	tb.Helper()
	home := MustMakeHome(tb)
	return MustOpenAt(tb, home, now, networks), MustOpenAt(tb, home, now, networks)
}

// AtOnce calls f n times at the same moment, with 0 to n-1, and returns when all calls
// have.
func AtOnce(tb testing.TB, n int, f func(i int)) {
	tb.Helper()
	begin := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-begin
			f(i)
		})
	}
	close(begin)
	all.Wait()
}
