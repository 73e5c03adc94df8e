package moving_test

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ticketfrei/bots/kit/recipients"
	"ticketfrei/moving"
	"ticketfrei/moving/movingtest"
)

// loosen returns the statements that let the columns of a database hold anything, and give each
// table, for each of its columns and each of the values, a copy of its first row with the value.
func loosen(t *testing.T, path string, values ...string) (statements []string) {
	t.Helper()
	d, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	rows, err := d.QueryContext(t.Context(), "SELECT m.name, c.name FROM sqlite_master AS m, pragma_table_info(m.name) AS c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' ORDER BY 1, c.cid")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns := map[string][]string{}
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			t.Fatal(err)
		}
		columns[table] = append(columns[table], column)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for table, names := range columns {
		statements = append(statements, fmt.Sprintf(`CREATE TABLE loose AS SELECT * FROM "%s"`, table), fmt.Sprintf(`DROP TABLE "%s"`, table),
			fmt.Sprintf(`CREATE TABLE "%s" (%s)`, table, strings.Join(names, ", ")), fmt.Sprintf(`INSERT INTO "%s" SELECT * FROM loose`, table))
		for i := range names {
			for _, value := range values {
				list := slices.Clone(names)
				list[i] = value
				statements = append(statements, fmt.Sprintf(`INSERT INTO "%s" SELECT %s FROM loose LIMIT 1`, table, strings.Join(list, ", ")))
			}
		}
		statements = append(statements, "DROP TABLE loose")
	}
	return statements
}

// TestStrangeCells reads databases whose rows have, in one column each, what nobody expects
// there: the others come, and what is no number is counted.
func TestStrangeCells(t *testing.T) {
	t.Parallel()
	strange := []string{"'abc'", "'a' || char(0) || 'b'", "x'00ff41'", "1.5", "1e300", "-1", "9223372036854775807", "NULL", "''", "replace(hex(zeroblob(100000)), '00', 'x')"}
	for _, program := range []struct {
		name, file string
		more       []string
		read       func(context.Context, string, moving.Options) (moving.Source, error)
	}{
		{"Ticketfrei 2", "testdata/ticketfrei2.sql", nil, moving.ReadTicketfrei2},
		{"Kibicara", "testdata/kibicara.sql", []string{twoHoods, "INSERT INTO email_subscribers VALUES (1, 1, 'rider@example.org'), (2, 1, 'zweite@example.org')"}, moving.ReadKibicara},
	} {
		t.Run(program.name, func(t *testing.T) {
			t.Parallel()
			path := movingtest.Make(t, append([]string{movingtest.Read(t, program.file)}, program.more...)...)
			options := moving.Options{Ours: "tickets.example", Now: time.UnixMilli(1000)}
			before, err := program.read(t.Context(), path, options)
			if err != nil {
				t.Fatal(err)
			}
			movingtest.Run(t, path, "BEGIN; "+strings.Join(loosen(t, path, strange...), "; ")+"; COMMIT")
			after, err := program.read(t.Context(), path, options)
			if err != nil {
				t.Fatalf("one strange row, and nothing comes: %v", err)
			}
			if !slices.ContainsFunc(after.Notes, func(n moving.Note) bool { return n.Key == "rows_unread" }) {
				t.Errorf("nothing says that rows were left out: %+v", after.Notes)
			}
			for _, c := range before.Cities {
				i := slices.IndexFunc(after.Cities, func(a moving.City) bool { return a.ID == c.ID })
				if i < 0 {
					t.Errorf("%s does not come any more", c.Name)
					continue
				}
				for _, r := range c.Bots[0].Recipients {
					if !slices.ContainsFunc(after.Cities[i].Bots[0].Recipients, func(a recipients.Moved) bool { return a.Address == r.Address }) {
						t.Errorf("a subscriber of %s does not come any more", c.Name)
					}
				}
			}
		})
	}
}
