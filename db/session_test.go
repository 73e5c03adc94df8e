package db_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/dbserver"
	"ticketfrei/internal/slow"
)

// TestDatabaseIsSetOtherwise has whoever runs the server set for the database what suits other
// programs: it is worked with as if nothing was set.
func TestDatabaseIsSetOtherwise(t *testing.T) {
	slow.Test(t, "starts PostgreSQL")
	t.Parallel()
	s := dbserver.Start(t)
	var set []string
	for _, setting := range []string{
		"statement_timeout = '1ms'", "lock_timeout = '1ms'", "idle_in_transaction_session_timeout = '1ms'", "idle_session_timeout = '1ms'",
		"default_transaction_isolation = 'serializable'", "standard_conforming_strings = off", "client_encoding = 'LATIN1'",
		"DateStyle = 'German, DMY'", "TimeZone = 'America/St_Johns'", "bytea_output = 'escape'", "extra_float_digits = -15", "lc_messages = 'C'",
	} {
		set = append(set, "ALTER DATABASE postgres SET "+setting)
	}
	s.Query(strings.Join(set, "; ")) // which hold for whoever comes later
	one := dbtest.MustOpenAt(t, s.URL(), clock, nil)
	other := dbtest.MustOpenAt(t, s.URL(), clock, nil)
	const text = `Zwei Kontis \ am Plärrer 🎫 'nach' Fürth`
	c := dbtest.MustCreateCity(t, one, "city")
	if err := one.Hear(t.Context(), newReport(c, "one", "", text, noon)); err != nil {
		t.Fatal(err)
	}
	if heard := mustListUnjudged(t, other); len(heard) != 1 || heard[0].Report.Text != text {
		t.Errorf("heard: %+v", heard)
	}
	// Under a stricter isolation one of two such writes fails.
	mustMakeCounter(t, one)
	for _, d := range []*db.DB{one, other} {
		var isolation string
		if err := d.ReadRow(t.Context(), "SELECT current_setting('transaction_isolation')").Scan(&isolation); err != nil || isolation != "read committed" {
			t.Errorf("what is read is %s, %v", isolation, err)
		}
	}
	dbtest.AtOnce(t, 32, func(i int) {
		if err := []*db.DB{one, other}[i%2].Write(t.Context(), increment); err != nil {
			t.Error(err)
		}
	})
	if n := mustCount(t, one); n != 32 {
		t.Errorf("32 writes were done %d times", n)
	}
}

// TestDatabaseTakesEveryText refuses a database of an encoding that does not.
func TestDatabaseTakesEveryText(t *testing.T) {
	slow.Test(t, "starts PostgreSQL")
	t.Parallel()
	s := dbserver.Start(t)
	for _, encoding := range []string{"SQL_ASCII", "LATIN1", "EUC_JP"} {
		s.Query("CREATE DATABASE other ENCODING '" + encoding + "' TEMPLATE template0 LOCALE 'C' LOCALE_PROVIDER libc")
		_, err := db.OpenServer(t.Context(), strings.Replace(s.URL(), "/postgres?", "/other?", 1), time.Now, silent)
		if err == nil || !strings.Contains(err.Error(), encoding) || !strings.Contains(err.Error(), "--encoding=UTF8") {
			t.Errorf("%s: %v", encoding, err)
		}
		s.Query("DROP DATABASE other")
	}
}

// TestDatabaseCannotBeUsed says what to mend where the tables cannot be made.
func TestDatabaseCannotBeUsed(t *testing.T) {
	slow.Test(t, "starts PostgreSQL")
	t.Parallel()
	s := dbserver.Start(t)
	s.Query("CREATE ROLE ticketfrei LOGIN")
	for name, c := range map[string]struct{ owner, make, says string }{
		"anothers":   {"postgres", "", "must own it"},
		"schemaless": {"ticketfrei", "ALTER DATABASE schemaless SET search_path = nowhere", "search_path"},
		"readonly":   {"ticketfrei", "ALTER DATABASE readonly SET default_transaction_read_only = on", "read only"},
		"used":       {"ticketfrei", "", "tables of something else"},
	} {
		s.Query("CREATE DATABASE " + name + " OWNER " + c.owner)
		if c.make != "" {
			s.Query(c.make)
		}
		url := strings.Replace(s.URL(), "postgres@", "ticketfrei@", 1)
		url = strings.Replace(url, "/postgres?", "/"+name+"?", 1)
		d, err := db.OpenServer(t.Context(), url, time.Now, silent)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		if name == "used" {
			err := d.Migrate(t.Context(), dbtest.MustMakeBox(t), nil)
			if err := errors.Join(err, d.Write(t.Context(), db.SQL("DROP TABLE core_migrations"))); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.Migrate(t.Context(), dbtest.MustMakeBox(t), nil); err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "/"+name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestServerHasNoRoom has the disk of the server be full: that holds until there is room, also
// where the server's log has some.
func TestServerHasNoRoom(t *testing.T) {
	slow.Test(t, "starts PostgreSQL")
	t.Parallel()
	s := dbserver.Start(t)
	d := dbtest.MustOpenAt(t, s.URL(), clock, nil)
	mustMakeCounter(t, d)
	// No disk can be filled here: the server refuses what it would refuse then.
	s.Query(`CREATE SEQUENCE tries;
		CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = 'disk_full'; END $$;
		CREATE FUNCTION no_table() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('tries'); RAISE EXCEPTION 'no room' USING ERRCODE = 'disk_full'; END $$;
		CREATE TRIGGER no_room BEFORE UPDATE ON counter FOR EACH ROW EXECUTE FUNCTION no_room();
		CREATE EVENT TRIGGER no_table ON ddl_command_start WHEN TAG IN ('CREATE TABLE AS') EXECUTE FUNCTION no_table()`)
	if err := d.Write(t.Context(), increment); !db.Unavailable(err) {
		t.Errorf("a write: %v", err)
	}
	waitFor(t, "be looked for room", func() bool { return d.Full() == nil || s.Query("SELECT is_called FROM tries") == "t" })
	if err := d.Full(); err == nil || !strings.Contains(err.Error(), "no room") {
		t.Errorf("it is said to take writes: %v", err)
	}
	s.Query("DROP EVENT TRIGGER no_table; DROP TRIGGER no_room ON counter")
	waitFor(t, "have room", func() bool { return d.Full() == nil })
	if err := d.Write(t.Context(), increment); err != nil {
		t.Error(err)
	}
}
