package dbtest

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"ticketfrei/db"
	"ticketfrei/internal/secret"
)

// MustPrepare puts a database with this program's tables, and nothing in them, into a
// directory. The tables are made once for all tests of a package.
func MustPrepare(tb testing.TB, dir string) {
	tb.Helper()
	file, err := prepared()
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, db.FileName), file, 0o600)
	}
	if err != nil {
		tb.Fatal(err)
	}
}

// prepared is the file of such a database. The key does not matter, as long as
// there is nothing to seal.
var prepared = sync.OnceValues(func() (file []byte, err error) {
	dir, err := os.MkdirTemp("", "dbtest")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, "copy")
	if err := makePrepared(context.Background(), dir, path); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

func makePrepared(ctx context.Context, dir, path string) (err error) {
	d, err := db.Open(ctx, dir, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	box, err := secret.New(make([]byte, 32))
	if err != nil {
		return err
	}
	if err := d.Migrate(ctx, box, nil); err != nil {
		return err
	}
	if err := d.Rewrite(ctx); err != nil { // says that there is nothing to rewrite
		return err
	}
	return d.Backup(ctx, path)
}
