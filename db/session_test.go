package db_test

import (
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
