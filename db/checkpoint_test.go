package db_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ticketfrei/internal/slow"
)

func (a *archive) logSize() int64 {
	a.t.Helper()
	info, err := os.Stat(filepath.Join(a.dir, "ticketfrei.db-wal"))
	if err != nil {
		a.t.Fatal(err)
	}
	return info.Size()
}

// What was committed is copied into the database while the program runs.
func TestLogIsCopied(t *testing.T) {
	slow.Test(t, "the log is copied each second")
	a := openArchive(t)
	a.hear("1", "copiedmark")
	eventually(t, "the report is in the database's file", func() bool {
		data, err := os.ReadFile(filepath.Join(a.dir, "ticketfrei.db"))
		return err == nil && strings.Contains(string(data), "copiedmark")
	})
}

// The log begins again while writes go on without a pause, but not while
// somebody reads; then the writes do not wait.
func TestLongLogBeginsAgain(t *testing.T) {
	slow.Test(t, "needs several seconds of writes")
	a := openArchive(t)
	a.BeginLogAfter(200)
	a.hear("first", "text")
	write := func(last time.Duration) (written int64, slowest time.Duration) {
		for end := time.Now().Add(last); time.Now().Before(end); {
			text := strings.Repeat(fmt.Sprintf("%010d", written), 2000) // each page of it changes
			began := time.Now()
			a.exec("UPDATE reports SET text = ? WHERE id = 'first'", text)
			slowest = max(slowest, time.Since(began))
			written += int64(len(text))
		}
		return written, slowest
	}
	written, _ := write(3 * time.Second)
	if size := a.logSize(); size > written*3/4 {
		t.Errorf("the log has %d MB after %d MB were written", size>>20, written>>20)
	}
	reader := a.Read(t.Context()).Begin()
	var n int
	if err := reader.Raw("SELECT count(*) FROM reports").Scan(&n).Error; err != nil {
		t.Fatal(err)
	}
	written, slowest := write(3 * time.Second)
	if size := a.logSize(); size < written {
		t.Errorf("the log has %d MB: it began again under a reader", size>>20)
	}
	if slowest > 2*time.Second {
		t.Errorf("a write took %v beside a reader", slowest)
	}
	reader.Rollback()
}

// The handle that syncs the log must be that of the log's file, however often
// that begins again.
func TestSyncedLogIsTheLog(t *testing.T) {
	a := openArchive(t)
	for i := range 3 {
		a.hear(fmt.Sprint(i), "text")
		if emptied, err := a.EmptyLog(t.Context()); err != nil || !emptied {
			t.Fatalf("emptied = %v, %v", emptied, err)
		}
		if size := a.logSize(); size != 0 {
			t.Errorf("the log has %d bytes after it was emptied", size)
		}
		a.exec("UPDATE reports SET text = 'synced'")
		handles := 0
		fds, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skip(err)
		}
		for _, fd := range fds {
			target, err := os.Readlink("/proc/self/fd/" + fd.Name())
			if err != nil || !strings.HasPrefix(target, filepath.Join(a.dir, "ticketfrei.db-wal")) {
				continue
			}
			if handles++; strings.HasSuffix(target, "(deleted)") {
				t.Errorf("%s is open", target)
			}
		}
		if handles < 2 {
			t.Errorf("%d handles of the log, want those of SQLite and of the syncer", handles)
		}
	}
}

func TestEmptyLogOfNothing(t *testing.T) {
	a := openArchive(t)
	for range 2 {
		if emptied, err := a.EmptyLog(t.Context()); err != nil || !emptied {
			t.Errorf("emptied = %v, %v", emptied, err)
		}
	}
}
