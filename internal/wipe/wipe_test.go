package wipe_test

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	_ "github.com/mattn/go-sqlite3"

	"ticketfrei/internal/wipe"
)

var mark = regexp.MustCompile(`mark\d{4}`)

// diary is a table whose rows grow a while after they came, so that SQLite
// moves them about. Each text is made of a mark of its own.
type diary struct {
	*sql.DB
	t    *testing.T
	path string
	dice *rand.Rand
}

func openDiary(t *testing.T, vfs string) *diary {
	t.Helper()
	path := filepath.Join(t.TempDir(), "diary.db")
	pool, err := sql.Open("sqlite3", "file:"+path+"?_journal_mode=WAL&_secure_delete=true&vfs="+vfs)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pool.Close() })
	pool.SetMaxOpenConns(1)
	d := &diary{pool, t, path, rand.New(rand.NewPCG(1, 2))}
	d.exec("CREATE TABLE diary (id INTEGER PRIMARY KEY, text TEXT, verdict TEXT DEFAULT '')")
	return d
}

func (d *diary) exec(statement string, args ...any) {
	d.t.Helper()
	if _, err := d.Exec(statement, args...); err != nil {
		d.t.Fatal(err)
	}
}

// write adds rows, lets some that came before grow and deletes others.
func (d *diary) write(rows int) {
	for i := range rows {
		text := strings.Repeat(fmt.Sprintf("mark%04d", i), 1+d.dice.IntN(20))
		if i%50 == 0 {
			text = strings.Repeat(text, 50) // needs pages of its own
		}
		d.exec("INSERT INTO diary (id, text) VALUES (?, ?)", i, text)
		d.exec("UPDATE diary SET verdict = 'passed, for it names the line' WHERE id = ?", i-d.dice.IntN(40))
		if i > rows/4 {
			d.exec("DELETE FROM diary WHERE id = ?", d.dice.IntN(i))
		}
	}
	d.exec("PRAGMA wal_checkpoint(TRUNCATE)")
}

// leftovers counts the deleted texts that are still in the files.
func (d *diary) leftovers() int {
	d.t.Helper()
	var files []byte
	for _, end := range []string{"", "-wal", "-shm"} {
		data, err := os.ReadFile(d.path + end)
		if err != nil {
			d.t.Fatal(err)
		}
		files = append(files, data...)
	}
	left := map[string]bool{}
	for _, m := range mark.FindAll(files, -1) {
		var found bool
		if err := d.QueryRow("SELECT EXISTS (SELECT 1 FROM diary WHERE id = CAST(? AS INTEGER))", string(m[4:])).Scan(&found); err != nil {
			d.t.Fatal(err)
		}
		if !found {
			left[string(m)] = true
		}
	}
	return len(left)
}

func (d *diary) integrity() string {
	d.t.Helper()
	var answer string
	if err := d.QueryRow("PRAGMA integrity_check").Scan(&answer); err != nil {
		d.t.Fatal(err)
	}
	return answer
}

func TestDeletedRowsLeaveNothing(t *testing.T) {
	name, err := wipe.VFS()
	if err != nil {
		t.Fatal(err)
	}
	usual, wiped := openDiary(t, "unix"), openDiary(t, name)
	for _, d := range []*diary{usual, wiped} {
		d.write(2000)
		if got := d.integrity(); got != "ok" {
			t.Errorf("integrity: %s", got)
		}
	}
	if usual.leftovers() == 0 {
		t.Error("the usual VFS leaves nothing either: this test finds nothing, or the package is no longer needed")
	}
	if n := wiped.leftovers(); n != 0 {
		t.Errorf("%d deleted texts are still in the files", n)
	}
}

// Trees of all kinds, with pages of the smallest, the usual and the largest size,
// hold the same as with the usual VFS.
func TestNothingElseIsWiped(t *testing.T) {
	name, err := wipe.VFS()
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{512, 4096, 65536} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			var dumps []string
			for _, vfs := range []string{"unix", name} {
				d := openDiary(t, vfs)
				for _, s := range []string{"PRAGMA journal_mode = DELETE", fmt.Sprintf("PRAGMA page_size = %d", size), "VACUUM", "PRAGMA journal_mode = WAL",
					"CREATE TABLE names (name TEXT PRIMARY KEY, text TEXT) WITHOUT ROWID", "CREATE INDEX by_text ON diary (text, verdict)"} {
					d.exec(s)
				}
				var got int
				if err := d.QueryRow("PRAGMA page_size").Scan(&got); err != nil || got != size {
					t.Fatalf("pages of %d bytes, %v", got, err)
				}
				d.write(600)
				d.exec("INSERT INTO names SELECT hex(id * 7919 % 601) || text, text FROM diary")
				d.exec("DELETE FROM names WHERE length(text) % 3 = 0")
				d.exec("PRAGMA wal_checkpoint(TRUNCATE)")
				if answer := d.integrity(); answer != "ok" {
					t.Errorf("%s: integrity: %s", vfs, answer)
				}
				dumps = append(dumps, d.dump())
			}
			if dumps[0] != dumps[1] || len(dumps[0]) < 10_000 {
				t.Errorf("the databases hold %d and %d bytes that differ", len(dumps[0]), len(dumps[1]))
			}
		})
	}
}

// dump reads everything through a new connection.
func (d *diary) dump() string {
	d.t.Helper()
	pool, err := sql.Open("sqlite3", "file:"+d.path)
	if err != nil {
		d.t.Fatal(err)
	}
	defer pool.Close()
	var all string
	err = pool.QueryRow(`SELECT (SELECT group_concat(id || text || verdict) FROM (SELECT * FROM diary ORDER BY id)) ||
		(SELECT group_concat(name || text) FROM (SELECT * FROM names ORDER BY name))`).Scan(&all)
	if err != nil {
		d.t.Fatal(err)
	}
	return all
}
