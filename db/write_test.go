package db

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"
)

func mustOpen(t *testing.T) *DB {
	t.Helper()
	d := mustOpenIn(t, t.TempDir())
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// mustOpenIn opens the database in dir, which the test closes.
func mustOpenIn(t *testing.T, dir string) *DB {
	t.Helper()
	d, err := Open(t.Context(), dir, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Migrate(t.Context(), nil, nil); err != nil {
		t.Fatal(err)
	}
	return d
}

// done is what the writer did: the name of a job, and the transaction it was in.
type done struct {
	name string
	tx   gorm.ConnPool
}

// perform has the writer, which is held, do jobs in the order in which they are put
// there, and returns them in the order in which it did them.
func perform(t *testing.T, d *DB, put func(put func(jobs chan<- *job, name string, rows int))) []done {
	t.Helper()
	var list []done
	var jobs []*job
	_, release := d.Hold(t.Context())
	put(func(ch chan<- *job, name string, rows int) {
		j := &job{rows: rows, result: make(chan error, 1), fn: func(tx *gorm.DB) error {
			list = append(list, done{name, tx.Statement.ConnPool})
			return nil
		}}
		jobs = append(jobs, j)
		ch <- j
	})
	release()
	for _, j := range jobs {
		if err := <-j.result; err != nil {
			t.Fatal(err)
		}
	}
	return list
}

// transactions returns the names of what was done, by transaction.
func transactions(list []done) (names [][]string) {
	for i, j := range list {
		if i == 0 || j.tx != list[i-1].tx {
			names = append(names, nil)
		}
		names[len(names)-1] = append(names[len(names)-1], j.name)
	}
	return names
}

func TestUrgentIsWrittenFirst(t *testing.T) {
	d := mustOpen(t)
	got := perform(t, d, func(put func(chan<- *job, string, int)) {
		for i := range 3 {
			put(d.writer.soon, fmt.Sprint("soon", i), 1)
			put(d.writer.urgent, fmt.Sprint("urgent", i), 0)
		}
	})
	if diff := cmp.Diff([][]string{{"urgent0", "urgent1", "urgent2", "soon0", "soon1", "soon2"}}, transactions(got)); diff != "" {
		t.Error(diff)
	}
}

func TestTransactionsAreBounded(t *testing.T) {
	d := mustOpen(t)
	rows := []int{groupRows/2 - 1, groupRows / 2, 1, 1, 100 * groupRows, 1, groupRows, 1}
	got := perform(t, d, func(put func(chan<- *job, string, int)) {
		for i, n := range rows {
			put(d.writer.soon, fmt.Sprint(i), n)
		}
	})
	if diff := cmp.Diff([][]string{{"0", "1", "2"}, {"3", "4"}, {"5", "6"}, {"7"}}, transactions(got)); diff != "" {
		t.Error(diff)
	}
}

// TestAfterCommit has what follows on a write come in the order of the commits,
// before the writer is answered, and not for one that failed.
func TestAfterCommit(t *testing.T) {
	const n = 200
	d := mustOpen(t)
	var written, followed []int
	waiting, release := d.Hold(t.Context())
	var writing sync.WaitGroup
	for i := range n {
		writing.Go(func() {
			id := 0
			err := d.writer.do(t.Context(), &job{
				fn: func(tx *gorm.DB) (err error) {
					if i == n/2 {
						return errors.New("no")
					}
					id, err = insert(tx, i)
					return err
				},
				after: func() { followed = append(followed, id) },
			})
			if (err != nil) != (i == n/2) {
				t.Errorf("write %d: %v", i, err)
			}
		})
	}
	awaitTrue(t.Context(), func() bool { return waiting() == n })
	release()
	writing.Wait()
	written, err := ReadColumn[int](t.Context(), d, "SELECT id FROM moderators ORDER BY id")
	if err != nil || len(written) != n-1 {
		t.Fatalf("%d rows, want %d, %v", len(written), n-1, err)
	}
	if !slices.Equal(written, followed) {
		t.Errorf("followed by %v, want %v", followed, written)
	}
}

func insert(tx *gorm.DB, i int) (id int, err error) {
	result, err := Exec(tx, "INSERT INTO moderators (email, password, created) VALUES (?, '', 0)", fmt.Sprint(i))
	if err != nil {
		return 0, err
	}
	last, err := result.LastInsertId()
	return int(last), err
}

// TestExclusive has the writer do what no transaction may surround, while others
// write.
func TestExclusive(t *testing.T) {
	d := mustOpen(t)
	var writing sync.WaitGroup
	for n := range 4 {
		writing.Go(func() {
			for i := range 25 {
				write := func(tx *gorm.DB) error { _, err := insert(tx, 1000*n+i); return err }
				if err := d.WriteSoon(t.Context(), write); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 5 {
		if err := d.writer.exclusive(t.Context(), func(g *gorm.DB) error { return g.Exec("VACUUM").Error }); err != nil {
			t.Error(err)
		}
	}
	panics := func(*gorm.DB) error { panic("no") }
	if err := d.writer.exclusive(t.Context(), panics); err == nil {
		t.Error("a panic is no error")
	}
	writing.Wait()
	d.writer.stop() // as Close does
	if err := d.writer.exclusive(t.Context(), panics); !errors.Is(err, errClosed) {
		t.Errorf("when it is closed: %v", err)
	}
}

// TestCloseFinishesWrites closes a database while writes wait: each is done, or says
// that it is not.
func TestCloseFinishesWrites(t *testing.T) {
	const n = 50
	dir := t.TempDir()
	d := mustOpenIn(t, dir)
	errs := make([]error, n)
	waiting, release := d.Hold(t.Context())
	var writing sync.WaitGroup
	for i := range n {
		writing.Go(func() {
			errs[i] = d.WriteSoon(t.Context(), func(tx *gorm.DB) error { _, err := insert(tx, i); return err })
		})
	}
	awaitTrue(t.Context(), func() bool { return waiting() == n })
	closed := make(chan error, 1)
	go func() { closed <- d.Close() }()
	release()
	writing.Wait()
	if err := <-closed; err != nil {
		t.Fatal(err)
	}
	again := mustOpenIn(t, dir)
	defer again.Close()
	for i, err := range errs {
		var there bool
		scanErr := again.ReadRow(t.Context(), "SELECT EXISTS (SELECT 1 FROM moderators WHERE email = ?)", fmt.Sprint(i)).Scan(&there)
		if scanErr != nil || err != nil || !there {
			t.Errorf("write %d: %v, stored: %v, %v", i, err, there, scanErr)
		}
	}
}
