package db_test

import (
	"context"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/dbserver"
	"ticketfrei/internal/slow"
)

// member is a process that shares the cities, as far as the database sees one.
type member struct {
	*db.Ownership
	db *db.DB

	mu      sync.Mutex
	works   map[int]bool // shards that it works for
	changed chan struct{}
	stop    func() // and wait
}

func (m *member) Won(_ context.Context, shard int) error {
	m.set(shard, true)
	return nil
}

func (m *member) Lost(_ context.Context, shard int) { m.set(shard, false) }

func (m *member) set(shard int, works bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.works[shard] == works {
		panic("it is told twice")
	}
	m.works[shard] = works
	select {
	case m.changed <- struct{}{}:
	default:
	}
}

// await waits until the member owns and works for so many shards.
func (m *member) await(t *testing.T, n int) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(time.Minute)
	for m.Owned() != n || m.working() != n {
		select {
		case <-m.changed:
		case <-tick.C:
		case <-late:
			t.Fatalf("%s owns %d shards and works for %d, want %d: %v", m.Name(), m.Owned(), m.working(), n, m.Check())
		}
	}
}

func (m *member) working() (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, works := range m.works {
		if works {
			n++
		}
	}
	return n
}

// mustJoin has a process share the cities of a database at a URL.
func mustJoin(t *testing.T, at, name string) *member {
	t.Helper()
	d := dbtest.MustOpenAt(t, at, time.Now, nil)
	m := &member{db: d, works: make(map[int]bool), changed: make(chan struct{}, 1), Ownership: d.Share(name, slog.New(slog.DiscardHandler))}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		m.Run(ctx, m)
	}()
	m.stop = sync.OnceFunc(func() { cancel(); <-ended })
	t.Cleanup(m.stop)
	return m
}

// mustHaveServer returns the URL of a database on a server that the tests share.
func mustHaveServer(t *testing.T) string {
	t.Helper()
	if !dbtest.OnServer() {
		t.Skip("of PostgreSQL alone: set " + dbtest.ServerVariable)
	}
	return dbtest.MustMakeDatabase(t)
}

// TestCitiesAreShared has processes come and go. Each works for its part of the cities, no
// city has two, and what stops gives up its own at once.
func TestCitiesAreShared(t *testing.T) {
	slow.Test(t, "processes look for each other twice a second")
	t.Parallel()
	at := mustHaveServer(t)
	one := mustJoin(t, at, "one")
	one.await(t, db.Shards)
	two := mustJoin(t, at, "two")
	two.await(t, db.Shards/2)
	one.await(t, db.Shards/2)
	for n := range db.Shards {
		if one.db.OwnsShard(n) == two.db.OwnsShard(n) {
			t.Errorf("shard %d is owned by both or nobody", n)
		}
	}
	if n := two.Living(); n != 2 {
		t.Errorf("%d processes are there, want 2", n)
	}
	one.stop()
	if n := one.working(); n > 0 {
		t.Errorf("one has stopped and works for %d shards", n)
	}
	two.await(t, db.Shards)
}

// TestWhoIsLateMayNotStore has a process be cut off from the server until others have its
// cities. What it stores for them afterwards fails, alone, and it works for none at once.
func TestWhoIsLateMayNotStore(t *testing.T) {
	slow.Test(t, "a lease ends")
	t.Parallel()
	at := mustHaveServer(t)
	through, server := throughProxy(t, at)
	late := mustJoin(t, through, "late")
	late.await(t, db.Shards)
	before := late.db.Claim(7)
	if err := late.db.WriteFor(t.Context(), before, nothing); err != nil {
		t.Fatal(err)
	}
	server.Hang()
	other := mustJoin(t, at, "other")
	other.await(t, db.Shards)
	late.await(t, 0)
	if late.db.Owns(7) || late.Check() == nil {
		t.Error("it owns a city whose lease is over")
	}
	server.Heal()
	late.await(t, db.Shards/2)
	other.await(t, db.Shards/2)
	var errs [2]error
	dbtest.AtOnce(t, 2, func(i int) {
		claim := before
		if i == 1 {
			claim = db.Claim{}
		}
		errs[i] = late.db.WriteFor(t.Context(), claim, nothing)
	})
	if !errors.Is(errs[0], db.ErrNotOurs) || errs[1] != nil {
		t.Errorf("what is stored by a claim that is over: %v, and by another beside it: %v", errs[0], errs[1])
	}
}

func nothing(*gorm.DB) error { return nil }

// TestAnotherServerTakesOver has the database be another server's, as after a failover: the
// claims of before are over, and no city is worked for until every lease of before is.
func TestAnotherServerTakesOver(t *testing.T) {
	slow.Test(t, "starts PostgreSQL twice, and a lease ends")
	t.Parallel()
	first := dbserver.Start(t)
	second := first.Standby()
	at := dbserver.URL(first.Address(), second.Address())
	m := mustJoin(t, at, "one")
	m.await(t, db.Shards)
	before := m.db.Claim(7)
	first.Kill()
	second.Promote()
	m.await(t, 0)
	m.await(t, db.Shards)
	if now := m.db.Claim(7); now.Epoch <= before.Epoch || now.Epoch < time.Now().Add(-time.Hour).UnixMilli() {
		t.Errorf("the claim is %v, and was %v", now, before)
	}
}

// TestTimeStandsStill has the clock of a process be stopped, as the machine is suspended, or
// set: it works for no city before it has asked the server.
func TestTimeStandsStill(t *testing.T) {
	t.Parallel()
	for _, step := range []struct {
		name       string
		boot, wall time.Duration
		may        bool
	}{
		{"a moment", 11 * time.Second, 11 * time.Second, true},
		{"it was stopped", 13 * time.Second, 13 * time.Second, false},
		{"it was suspended, and its clock set back", 13 * time.Second, -time.Hour, false},
		{"its clock was set ahead", time.Second, time.Hour, false},
		{"its clock was set back", time.Second, -time.Hour, true},
	} {
		t.Run(step.name, func(t *testing.T) {
			t.Parallel()
			if may := db.MayActAfter(step.boot, step.wall); may != step.may {
				t.Errorf("it may act: %v", may)
			}
		})
	}
}

// throughProxy is a URL by way of a proxy, which it starts.
func throughProxy(t *testing.T, at string) (string, *dbserver.Proxy) {
	t.Helper()
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	p := dbserver.NewProxy(t, u.Host)
	u.Host = p.Address()
	return u.String(), p
}

// TestProcessesForgetTheKeyOfTheDay has two processes ask for the key of the day at once: they
// get the same, which is sealed, and gone with the day.
func TestProcessesForgetTheKeyOfTheDay(t *testing.T) {
	t.Parallel()
	if !dbtest.OnServer() {
		t.Skip("of PostgreSQL alone: set " + dbtest.ServerVariable)
	}
	one, two := dbtest.MustOpenTwo(t, time.Now, nil)
	box, both := dbtest.MustMakeBox(t), []*db.DB{one, two}
	ask := func() (keys [8][32]byte) {
		dbtest.AtOnce(t, len(keys), func(i int) {
			day, key, err := both[i%2].DayKey(t.Context(), box)
			if err != nil || day == "" {
				t.Errorf("%q, %v", day, err)
			}
			keys[i] = key
		})
		for _, key := range keys {
			if key != keys[0] || key == [32]byte{} {
				t.Errorf("keys differ: %x", keys)
			}
		}
		return keys
	}
	before := ask()
	if after := ask(); after != before {
		t.Error("the key did not stay the day")
	}
	var kept string
	if err := one.ReadRow(t.Context(), "SELECT value FROM day_keys").Scan(&kept); err != nil || strings.Contains(kept, hex.EncodeToString(before[0][:])) {
		t.Errorf("the key can be read: %q, %v", kept, err)
	}
	endDay := func() {
		if err := one.Write(t.Context(), func(tx *gorm.DB) error {
			_, err := db.Exec(tx, "UPDATE day_keys SET day = '2000-01-01'")
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	endDay()
	if after := ask(); after == before {
		t.Error("the next day has the key of before")
	}
	endDay()
	if err := one.DeleteExpired(t.Context(), time.Hour); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := one.ReadRow(t.Context(), "SELECT count(*) FROM day_keys").Scan(&n); err != nil || n != 0 {
		t.Errorf("%d keys of days that are over are kept, %v", n, err)
	}
}

// TestWrongClockWorksForNoCity has the clock of a process be an hour off: it keeps its lease,
// works for no city, and says so.
func TestWrongClockWorksForNoCity(t *testing.T) {
	slow.Test(t, "a lease is renewed every three seconds")
	t.Parallel()
	at := mustHaveServer(t)
	m := mustJoin(t, at, "one")
	m.await(t, db.Shards)
	claim := m.db.Claim(7)
	m.SetClockOff(time.Hour)
	if m.db.Owns(7) || !strings.Contains(strings.Join(m.Notes(), "\n"), "1h0m0s off") {
		t.Errorf("it works by a clock that is wrong, and says: %v", m.Notes())
	}
	m.await(t, db.Shards) // the next renewal finds that the clock is right
	if now := m.db.Claim(7); now != claim {
		t.Errorf("the lease was given up: %v, then %v", claim, now)
	}
}
