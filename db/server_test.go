package db_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"

	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/dbserver"
	"ticketfrei/internal/report"
	"ticketfrei/internal/slow"
)

// outage is how long it may take at most to be told that a server is away, and to have it
// again: the program's own bounds, and room for a machine that is busy.
const outage = 30 * time.Second

// counter is a table whose rows say how often something was done.
const counter = "CREATE TABLE counter (id INTEGER PRIMARY KEY, n INTEGER NOT NULL)"

func mustCount(tb testing.TB, d *db.DB) (n int) {
	tb.Helper()
	if err := d.ReadRow(tb.Context(), "SELECT sum(n) FROM counter").Scan(&n); err != nil {
		tb.Fatal(err)
	}
	return n
}

// increment is a write that must not happen twice.
func increment(tx *gorm.DB) error { return tx.Exec("UPDATE counter SET n = n + 1").Error }

func mustMakeCounter(tb testing.TB, d *db.DB) {
	tb.Helper()
	if err := d.Write(tb.Context(), db.SQL(counter, "INSERT INTO counter (id, n) VALUES (1, 0)")); err != nil {
		tb.Fatal(err)
	}
}

// TestLostAnswers has the connection be lost while a write is committed, again and again: each
// is done once.
func TestLostAnswers(t *testing.T) {
	slow.Test(t, "starts PostgreSQL")
	t.Parallel()
	proxy := dbserver.NewProxy(t, dbserver.Start(t).Address())
	d := dbtest.MustOpenAt(t, proxy.URL(), time.Now, nil)
	mustMakeCounter(t, d)
	const writes = 20
	for i := range writes {
		lost := proxy.LoseAnswer()
		if err := d.Write(t.Context(), increment); err != nil {
			t.Errorf("write %d: %v", i, err)
		}
		<-lost
	}
	if n := mustCount(t, d); n != writes {
		t.Errorf("%d writes were done %d times", writes, n)
	}
}

// TestServerWasRestarted hears reports at a server that was restarted and killed while nobody
// had anything to say: the first is taken as all are.
func TestServerWasRestarted(t *testing.T) {
	slow.Test(t, "starts PostgreSQL several times")
	t.Parallel()
	s := dbserver.Start(t)
	d := dbtest.MustOpenAt(t, s.URL(), clock, nil)
	c := dbtest.MustCreateCity(t, d, "city")
	hear := func(id string) {
		if err := d.Hear(t.Context(), newReport(c, id, "", "text", noon)); err != nil {
			t.Errorf("hearing the report %s: %v", id, err)
		}
	}
	hear("before")
	s.Restart()
	hear("after a restart")
	s.Kill()
	s.Start()
	hear("after a crash")
}

// TestServerGoesAndComes hears reports while the server is restarted and killed: what was
// answered is there, and nothing hangs.
func TestServerGoesAndComes(t *testing.T) {
	slow.Test(t, "starts PostgreSQL several times")
	t.Parallel()
	s := dbserver.Start(t)
	d := dbtest.MustOpenAt(t, s.URL(), clock, nil)
	c := dbtest.MustCreateCity(t, d, "city")
	var heard sync.Map
	var stop atomic.Bool
	var hearing sync.WaitGroup
	for n := range 4 {
		hearing.Go(func() {
			for i := 0; !stop.Load(); i++ {
				id := fmt.Sprint(n, " ", i)
				began := time.Now()
				err := d.Hear(context.Background(), newReport(c, id, "", "text", noon))
				if took := time.Since(began); took > outage {
					t.Errorf("hearing took %s: %v", took, err)
				}
				if err == nil {
					heard.Store(id, true)
				} else if !db.Unavailable(err) {
					t.Errorf("the error is not that of a server that is away: %v", err)
				}
			}
		})
	}
	for _, again := range []func(){s.Restart, func() { s.Kill(); s.Start() }, s.Stop} {
		again()
	}
	waitFor(t, "be known to be away", func() bool { return d.Full() != nil })
	s.Start()
	waitFor(t, "be there again", func() bool { return d.Full() == nil })
	if err := d.Hear(t.Context(), newReport(c, "after", "", "text", noon)); err != nil {
		t.Error(err)
	}
	stop.Store(true)
	hearing.Wait()
	there := map[string]bool{}
	for _, h := range mustListUnjudged(t, d) {
		if there[h.Report.ID] {
			t.Errorf("report %s is there twice", h.Report.ID)
		}
		there[h.Report.ID] = true
	}
	heard.Range(func(id, _ any) bool {
		if !there[id.(string)] {
			t.Errorf("report %s was answered and is lost", id)
		}
		return true
	})
}

// waitFor waits until something is so.
func waitFor(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(outage); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for it to %s", what)
		}
	}
}

// TestServerSaysNothing has the network swallow everything: reads and writes fail in time, and
// work again after it.
func TestServerSaysNothing(t *testing.T) {
	slow.Test(t, "waits for timeouts")
	t.Parallel()
	proxy := dbserver.NewProxy(t, dbserver.Start(t).Address())
	d := dbtest.MustOpenAt(t, proxy.URL(), time.Now, nil)
	mustMakeCounter(t, d)
	proxy.Hang()
	began := time.Now()
	var asking sync.WaitGroup
	asking.Go(func() {
		if err := d.Write(t.Context(), increment); !db.Unavailable(err) {
			t.Errorf("a write: %v", err)
		}
	})
	asking.Go(func() {
		if _, err := d.FindModerator(t.Context(), "a"); err == nil || errors.Is(err, db.ErrNotFound) {
			t.Errorf("a read: %v", err)
		}
	})
	asking.Wait()
	if took := time.Since(began); took > outage {
		t.Errorf("that took %s", took)
	}
	proxy.Heal()
	waitFor(t, "be there again", func() bool {
		return d.Full() == nil && d.Write(t.Context(), func(*gorm.DB) error { return nil }) == nil
	})
}

// TestNoReadFailsAfterARestart has the server end the connections that wait to be used again, as
// one that was restarted has.
func TestNoReadFailsAfterARestart(t *testing.T) {
	slow.Test(t, "starts PostgreSQL")
	t.Parallel()
	s := dbserver.Start(t)
	d := dbtest.MustOpenAt(t, s.URL(), time.Now, nil)
	mustMakeCounter(t, d)
	for range 5 {
		mustCount(t, d)
		s.Query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ticketfrei'")
		mustCount(t, d)
	}
}

// TestStandbyTakesOver has a standby become the server.
func TestStandbyTakesOver(t *testing.T) {
	slow.Test(t, "starts two servers")
	t.Parallel()
	first := dbserver.Start(t)
	second := first.Standby()
	d := dbtest.MustOpenAt(t, dbserver.URL(first.Address(), second.Address()), clock, nil)
	c := dbtest.MustCreateCity(t, d, "city")
	if err := d.Hear(t.Context(), newReport(c, "before", "", "text", noon)); err != nil {
		t.Fatal(err)
	}
	first.Kill()
	second.Promote()
	waitFor(t, "take reports", func() bool { return d.Hear(t.Context(), newReport(c, "after", "", "text", noon)) == nil })
	if list := mustListUnjudged(t, d); len(list) != 2 {
		t.Errorf("%d reports of 2 are there", len(list))
	}
}

// TestBehindAPooler works with connections that are lent for one transaction each.
func TestBehindAPooler(t *testing.T) {
	slow.Test(t, "starts PostgreSQL and pgbouncer")
	t.Parallel()
	d := dbtest.MustOpenAt(t, dbserver.Pooler(t, dbserver.Start(t).Address()), clock, nil)
	c := dbtest.MustCreateCity(t, d, "city", "toy")
	var hearing sync.WaitGroup
	for i := range 20 {
		hearing.Go(func() {
			if err := d.Hear(t.Context(), newReport(c, fmt.Sprint(i), "a", "text", noon)); err != nil {
				t.Error(err)
			}
		})
	}
	hearing.Wait()
	for _, h := range mustListUnjudged(t, d) {
		dbtest.MustJudge(t, d, h, passed, dbtest.NoBrake{}, db.Audience{BotID: 1, Recipients: []int64{1, 2}})
	}
	if list := dbtest.MustHaveOpen(t, d, 1, noon); len(list) != 20 {
		t.Errorf("%d fanouts of 20", len(list))
	}
}

// TestStartsAtOnce has four processes start on an empty database at the same moment.
func TestStartsAtOnce(t *testing.T) {
	slow.Test(t, "starts PostgreSQL")
	t.Parallel()
	url := dbserver.Start(t).URL()
	toys := map[string][]*gormigrate.Migration{"toy": {{ID: "toy_0001", Migrate: db.SQL("CREATE TABLE toy_a (id INTEGER)")}}}
	dbtest.AtOnce(t, 4, func(int) {
		d, err := db.OpenServer(t.Context(), url, time.Now, silent)
		if err != nil {
			t.Error(err)
			return
		}
		defer d.Close()
		if err := d.Migrate(t.Context(), dbtest.MustMakeBox(t), toys); err != nil {
			t.Error(err)
		}
	})
}

// TestVersionsSideBySide has an earlier version work beside a newer one, until that says
// otherwise.
func TestVersionsSideBySide(t *testing.T) {
	slow.Test(t, "starts PostgreSQL")
	t.Parallel()
	url := dbserver.Start(t).URL()
	one := &gormigrate.Migration{ID: "toy_0001", Migrate: db.SQL("CREATE TABLE toy_a (id INTEGER)")}
	two := &gormigrate.Migration{ID: "toy_0002", Migrate: db.SQL("ALTER TABLE toy_a ADD COLUMN name TEXT NOT NULL DEFAULT ''")}
	three := &gormigrate.Migration{ID: "toy_0003", Migrate: func(tx *gorm.DB) error {
		return errors.Join(db.SQL("ALTER TABLE toy_a DROP COLUMN id")(tx), db.Alone("toy_0003")(tx))
	}}
	migrate := func(list ...*gormigrate.Migration) error {
		d, err := db.OpenServer(t.Context(), url, time.Now, silent)
		if err != nil {
			return err
		}
		defer d.Close()
		return d.Migrate(t.Context(), dbtest.MustMakeBox(t), map[string][]*gormigrate.Migration{"toy": list})
	}
	for i, step := range []struct {
		list    []*gormigrate.Migration
		refused bool
	}{
		{[]*gormigrate.Migration{one}, false},
		{[]*gormigrate.Migration{one, two}, false},
		{[]*gormigrate.Migration{one}, false},
		{[]*gormigrate.Migration{one, two, three}, false},
		{[]*gormigrate.Migration{one, two}, true},
		{[]*gormigrate.Migration{one, two, three}, false},
	} {
		err := migrate(step.list...)
		if refused := err != nil && strings.Contains(err.Error(), "newer version"); refused != step.refused || err != nil && !refused {
			t.Errorf("step %d: %v", i, err)
		}
	}
}

// TestViewOfAServer looks at a database and cannot change it.
func TestViewOfAServer(t *testing.T) {
	slow.Test(t, "starts PostgreSQL")
	t.Parallel()
	url := dbserver.Start(t).URL()
	view, err := db.ViewServer(t.Context(), url, time.Now, silent)
	if err != nil {
		t.Fatal(err)
	}
	defer view.Close()
	if schema, err := view.Schema(t.Context(), nil, nil); err != nil || len(schema.Missing) == 0 {
		t.Errorf("an empty database: %+v, %v", schema, err)
	}
	d := dbtest.MustOpenAt(t, url, time.Now, nil)
	dbtest.MustCreateCity(t, d, "city")
	if c, err := view.FindCity(t.Context(), "city"); err != nil || c.Slug != "city" {
		t.Errorf("%+v, %v", c, err)
	}
	if schema, err := view.Schema(t.Context(), nil, nil); err != nil || len(schema.Missing)+len(schema.Unknown) > 0 {
		t.Errorf("a database of this version: %+v, %v", schema, err)
	}
	if err := view.Write(t.Context(), func(*gorm.DB) error { return nil }); err == nil {
		t.Error("the view wrote")
	}
}

// TestWritersOfACityKeepItsOrder hears many reports of some cities at once: those of each come
// in their order.
func TestWritersOfACityKeepItsOrder(t *testing.T) {
	slow.Test(t, "starts PostgreSQL")
	t.Parallel()
	d := dbtest.MustOpenAt(t, dbserver.Start(t).URL(), clock, nil)
	var cities []report.City
	for i := range 6 {
		cities = append(cities, dbtest.MustCreateCity(t, d, fmt.Sprint("city", i)))
	}
	var mu sync.Mutex
	last := map[int64]int64{}
	d.FollowHeard(func(h db.Heard) {
		mu.Lock()
		defer mu.Unlock()
		if h.Seq <= last[h.Report.CityID] {
			t.Errorf("city %d: %d came after %d", h.Report.CityID, h.Seq, last[h.Report.CityID])
		}
		last[h.Report.CityID] = h.Seq
	})
	dbtest.AtOnce(t, 60, func(i int) {
		if err := d.Hear(t.Context(), newReport(cities[i%len(cities)], fmt.Sprint(i), "", "text", noon)); err != nil {
			t.Error(err)
		}
	})
	if len(last) != len(cities) {
		t.Errorf("%d cities of %d were heard", len(last), len(cities))
	}
}

// TestLockIsWaitedFor has somebody else hold a lock for longer than a transaction waits: the
// write is done when it is free. Where it stays held the write fails, alone, and the database
// does not count as away.
func TestLockIsWaitedFor(t *testing.T) {
	slow.Test(t, "starts PostgreSQL, and waits for locks")
	t.Parallel()
	s := dbserver.Start(t)
	d := dbtest.MustOpenAt(t, s.URL(), clock, nil)
	c := dbtest.MustCreateCity(t, d, "city", "toy")
	other, err := d.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close(context.Background())
	exec := func(statement string) {
		t.Helper()
		if _, err := other.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	written := make(chan error, 1)
	write := func() {
		exec("BEGIN")
		exec("SELECT 1 FROM cities FOR UPDATE")
		go func() {
			_, err := d.ChangeCity(t.Context(), c.ID, func(c *report.City) error {
				c.Triggers = "bus"
				return nil
			})
			written <- err
		}()
	}
	waits := func() string {
		return s.Query("SELECT xact_start FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
	}
	write()
	first := ""
	waitFor(t, "wait for the lock", func() bool { first = waits(); return first != "" })
	waitFor(t, "try again", func() bool { next := waits(); return next != "" && next != first })
	exec("COMMIT")
	if err := <-written; err != nil {
		t.Errorf("the lock was free, and the write failed: %v", err)
	}
	write()
	if err := <-written; err == nil || !strings.Contains(err.Error(), "55P03") {
		t.Errorf("the lock was held all the time, and the write ended with %v", err)
	}
	if err := d.Full(); err != nil {
		t.Errorf("the database counts as away: %v", err)
	}
	exec("COMMIT")
}
