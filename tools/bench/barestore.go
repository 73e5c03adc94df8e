package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	_ "github.com/mattn/go-sqlite3" // the driver of the program's database
	"golang.org/x/sync/errgroup"
)

// bareGroup is how many rows share a transaction, at most.
const bareGroup = 256

// bareRow is a row to be stored; done hears when it is on disk.
type bareRow struct {
	n    int64
	done chan error
}

// bareStore is how many rows of 1 KB a second an SQLite database takes that are
// on disk when they are answered: one writer, whose transactions take what is
// waiting, and an fsync of the log beside the next transaction. No store of
// that kind can be faster.
func bareStore(ctx context.Context, b *bench, producers int, while time.Duration) (float64, error) {
	dir, err := b.newDir("sqlite")
	if err != nil {
		return 0, err
	}
	path := filepath.Join(dir, "bare.db")
	d, err := sql.Open("sqlite3", "file:"+path+"?_journal_mode=WAL&_synchronous=NORMAL&_txlock=immediate&_stmt_cache_size=16")
	if err != nil {
		return 0, fmt.Errorf("bare SQLite: %w", err)
	}
	defer d.Close()
	d.SetMaxOpenConns(1)
	for _, s := range []string{"PRAGMA wal_autocheckpoint = 0", "CREATE TABLE rows (seq INTEGER PRIMARY KEY, id TEXT UNIQUE, body BLOB)"} {
		if _, err := d.ExecContext(ctx, s); err != nil {
			return 0, fmt.Errorf("bare SQLite: %w", err)
		}
	}
	rate, err := storeFor(ctx, d, path+"-wal", producers, while)
	if err != nil {
		return 0, fmt.Errorf("bare SQLite: %w", err)
	}
	return rate, nil
}

// storeFor lets the producers store rows for a while, each the next one when its
// last is on disk, and returns the rows a second.
func storeFor(ctx context.Context, d *sql.DB, log string, producers int, while time.Duration) (float64, error) {
	file, err := os.OpenFile(log, os.O_RDWR, 0)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	rows, committed := make(chan bareRow, bareGroup), make(chan bareRow, bareGroup)
	var stages sync.WaitGroup
	stages.Go(func() { defer close(committed); commitRows(ctx, d, rows, committed) })
	stages.Go(func() { syncRows(file, committed) })
	began := time.Now()
	var n atomic.Int64
	var group errgroup.Group
	for range producers {
		group.Go(func() error {
			for done := make(chan error, 1); time.Since(began) < while; {
				rows <- bareRow{n.Add(1), done}
				if err := <-done; err != nil {
					return err
				}
			}
			return nil
		})
	}
	err = group.Wait()
	took := time.Since(began)
	close(rows)
	stages.Wait()
	return float64(n.Load()) / took.Seconds(), err
}

// commitRows stores what is waiting in one transaction after the other.
func commitRows(ctx context.Context, d *sql.DB, rows <-chan bareRow, committed chan<- bareRow) {
	body := make([]byte, 1024)
	for r := range rows {
		group := waitingRows(r, rows, bareGroup)
		err := inTransaction(ctx, d, "INSERT INTO rows (id, body) VALUES (?, ?)", func(insert *sql.Stmt) error {
			for _, r := range group {
				if _, err := insert.ExecContext(ctx, fmt.Sprintf("%022d", r.n*1_000_003%1_000_000_007), body); err != nil {
					return err
				}
			}
			return nil
		})
		for _, r := range group {
			if err != nil {
				r.done <- err
				continue
			}
			committed <- r
		}
	}
}

// syncRows answers rows when an fsync that began after their transaction has
// ended.
func syncRows(log *os.File, committed <-chan bareRow) {
	for r := range committed {
		group := waitingRows(r, committed, bareGroup)
		err := log.Sync()
		for _, r := range group {
			r.done <- err
		}
	}
}

// waitingRows are first and what else waits, at most n.
func waitingRows(first bareRow, from <-chan bareRow, n int) []bareRow {
	group := []bareRow{first}
	for len(group) < n {
		select {
		case r, ok := <-from:
			if !ok {
				return group
			}
			group = append(group, r)
		default:
			return group
		}
	}
	return group
}
