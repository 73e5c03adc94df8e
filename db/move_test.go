package db_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/dbserver"
	"ticketfrei/internal/report"
	"ticketfrei/internal/slow"
)

// mustOpenServer opens the empty database of a server of the test's own.
func mustOpenServer(t *testing.T) *db.DB {
	t.Helper()
	return dbtest.MustOpenAt(t, dbserver.Start(t).URL(), time.Now, nil)
}

// mustOpenFile opens a new database in a file, wherever other tests have theirs.
func mustOpenFile(t *testing.T) *db.DB {
	t.Helper()
	dir := t.TempDir()
	dbtest.MustPrepare(t, dir)
	return dbtest.MustOpenAt(t, dir, time.Now, nil)
}

func mustWrite(t *testing.T, d *db.DB, statements ...string) {
	t.Helper()
	err := d.Write(t.Context(), func(tx *gorm.DB) error {
		for _, s := range statements {
			if err := tx.Exec(s).Error; err != nil {
				return fmt.Errorf("%s: %w", s, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestMoveManyCities moves 10,000 cities, and what is new gets new numbers afterwards.
func TestMoveManyCities(t *testing.T) {
	slow.Test(t, "moves 10,000 cities to a server")
	t.Parallel()
	const many = 10_000
	from, to := mustOpenFile(t), mustOpenServer(t)
	first := dbtest.MustCreateCity(t, from, "first", "mail", "web")
	dbtest.MustSaveReport(t, from, report.Report{ID: "r", CityID: first.ID, Network: "mail", Text: "Kontis 🚋", Time: time.Now()}, report.Verdict{Passed: true})
	copies := func(table string, columns ...string) string {
		var of []string
		for name := range strings.FieldsSeq(mustColumns(t, from, table)) {
			value := name
			for _, c := range columns {
				if column, as, _ := strings.Cut(c, "="); column == name {
					value = as
				}
			}
			of = append(of, value)
		}
		return "WITH RECURSIVE more(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM more WHERE n < " + fmt.Sprint(many) + ") INSERT INTO " + table +
			" SELECT " + strings.Join(of, ", ") + " FROM more, (SELECT * FROM " + table + " LIMIT 1)"
	}
	mustWrite(t, from, copies("cities", "id=n + 1", "slug='city' || n"), copies("bots", "id=n + 1000", "city_id=n + 1"),
		copies("city_moderators", "city_id=n + 1"), copies("reports", "seq=n + 7", "id='r' || n", "city_id=n + 1"),
		"DELETE FROM cities WHERE slug = 'city10000'",
		"UPDATE cities SET name = 'F' || char(0) || CAST(x'ff' AS TEXT) || 'rth' WHERE slug = 'city77'")

	done, err := from.MoveTo(t.Context(), to)
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]int64{}
	for _, m := range done {
		if m.Left {
			t.Errorf("left behind: %+v", m)
		}
		rows[m.Table] = m.Rows
	}
	for table, want := range map[string]int64{"cities": many - 1, "bots": many, "reports": many, "moderators": 1} {
		if rows[table] != want {
			t.Errorf("%d rows of %s were moved, want %d", rows[table], table, want)
		}
	}
	odd, err := to.FindCity(t.Context(), "city77")
	if err != nil || odd.Name != "F\uFFFDrth" {
		t.Errorf("the city is called %q, %v", odd.Name, err)
	}
	// The number of a city that was deleted is not used again.
	if c := dbtest.MustCreateCity(t, to, "last", "mail"); c.ID != many+2 {
		t.Errorf("the next city has the number %d, want %d", c.ID, many+2)
	}
	if h := dbtest.MustHear(t, to, report.Report{ID: "new", CityID: odd.ID, Network: "mail", Text: "x", Time: time.Now()}); h.Seq <= many+7 {
		t.Errorf("the next report has the number %d", h.Seq)
	}
}

// TestMoveIsWholeOrNotAtAll moves what the server does not take: nothing is there then,
// and it can be moved when that is mended. A second time it is refused.
func TestMoveIsWholeOrNotAtAll(t *testing.T) {
	slow.Test(t, "starts a server")
	t.Parallel()
	from, to := mustOpenFile(t), mustOpenServer(t)
	c := dbtest.MustCreateCity(t, from, "first", "mail")
	mustWrite(t, from, "UPDATE bots SET updated = 'soon'", "CREATE TABLE gone_program (bot_id INTEGER)", "INSERT INTO gone_program VALUES (1)")
	if _, err := from.MoveTo(t.Context(), to); err == nil || !strings.Contains(err.Error(), "table bots: ") || !strings.Contains(err.Error(), "column updated holds a value that is no bigint") {
		t.Errorf("what the server does not take was moved: %v", err)
	}
	if _, err := to.FindCity(t.Context(), "first"); err == nil {
		t.Error("a part was moved")
	}
	mustWrite(t, from, "UPDATE bots SET updated = 1")
	mustWrite(t, to, "INSERT INTO processes (id, name, until) VALUES ('x', 'x', 9000000000000000)")
	if _, err := from.MoveTo(t.Context(), to); err == nil || !strings.Contains(err.Error(), "a program works with the database") {
		t.Errorf("it was moved beside a program: %v", err)
	}
	mustWrite(t, to, "UPDATE processes SET until = 0")
	done, err := from.MoveTo(t.Context(), to)
	if err != nil {
		t.Fatal(err)
	}
	if left := (db.Moved{Table: "gone_program", Rows: 1, Left: true}); done[0] != left {
		t.Errorf("of a table that nobody knows it says %+v", done[0])
	}
	if got, err := to.FindCity(t.Context(), "first"); err != nil || got.ID != c.ID {
		t.Errorf("the city is not there: %v", err)
	}
	if _, err := from.MoveTo(t.Context(), to); err == nil || !strings.Contains(err.Error(), "the database on the server is not empty") {
		t.Errorf("it was moved twice: %v", err)
	}
	if _, err := to.MoveTo(t.Context(), from); err == nil {
		t.Error("a server was moved to a file")
	}
}

// mustColumns are the names of a table's columns.
func mustColumns(t *testing.T, d *db.DB, table string) string {
	t.Helper()
	names, err := db.ReadColumn[string](t.Context(), d, "SELECT name FROM pragma_table_info(?)", table)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(names, " ")
}
