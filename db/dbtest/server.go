package dbtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-gormigrate/gormigrate/v2"
	"github.com/jackc/pgx/v5"

	"ticketfrei/db"
	"ticketfrei/internal/secret"
)

// ServerVariable names the environment variable with the URL of a PostgreSQL server. Where
// it is set, tests have databases there, as somebody who may make some.
const ServerVariable = "TICKETFREI_TEST_DATABASE"

// server is the URL of that server; empty: there is none. It is read once: tests that run
// the program, to which the variable is an unknown setting, unset it.
var server = os.Getenv(ServerVariable)

// OnServer tells whether tests have their databases on a server.
func OnServer() bool { return server != "" }

// OnlyFile skips a test of what only a database in a file has, and says what that is.
func OnlyFile(tb testing.TB, what string) {
	tb.Helper()
	if OnServer() {
		tb.Skip("of SQLite alone: " + what)
	}
}

// MustMakeDatabase makes a database on the server, with this program's tables and nothing in
// them, and returns its URL. It is dropped when the test ends.
func MustMakeDatabase(tb testing.TB) string {
	tb.Helper()
	template, err := serverTemplate()
	if err != nil {
		tb.Fatal(err)
	}
	name := "test_" + strings.ToLower(rand.Text())
	if err := onServer(context.Background(), "CREATE DATABASE "+name+" TEMPLATE "+template); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := onServer(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			tb.Error(err)
		}
	})
	return databaseURL(name)
}

// MustMakeEmptyDatabase is MustMakeDatabase without tables.
func MustMakeEmptyDatabase(tb testing.TB) string {
	tb.Helper()
	name := "test_" + strings.ToLower(rand.Text())
	if err := onServer(context.Background(), "CREATE DATABASE "+name); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := onServer(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			tb.Error(err)
		}
	})
	return databaseURL(name)
}

// serverTemplate is the name of a database with the tables, which is made once for all tests
// of a package. It stays: the server is one for tests, and is thrown away.
var serverTemplate = sync.OnceValues(func() (string, error) {
	ctx := context.Background()
	name := "template_" + strings.ToLower(rand.Text())
	if err := onServer(ctx, "CREATE DATABASE "+name); err != nil {
		return "", err
	}
	if err := migrateTemplate(ctx, databaseURL(name)); err != nil {
		return "", err
	}
	return name, nil
})

func migrateTemplate(ctx context.Context, at string) (err error) {
	d, err := db.OpenServer(ctx, at, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	box, err := secret.New(make([]byte, 32))
	if err != nil {
		return err
	}
	return d.Migrate(ctx, box, nil)
}

// onServer runs a statement outside the databases of tests.
func onServer(ctx context.Context, statement string) (err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		return fmt.Errorf("the server of %s: %w", ServerVariable, err)
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	_, err = conn.Exec(ctx, statement)
	return err
}

// databaseURL is the URL of a database on the server.
func databaseURL(name string) string {
	u, err := url.Parse(server)
	if err != nil {
		return err.Error() // which cannot be opened either
	}
	u.Path = "/" + name
	return u.String()
}

// MustMakeHome makes a place for a new database and returns it for MustOpenAt: a directory, or
// a URL where tests have their databases on a server.
func MustMakeHome(tb testing.TB) string {
	tb.Helper()
	if OnServer() {
		return MustMakeDatabase(tb)
	}
	dir := tb.TempDir()
	MustPrepare(tb, dir)
	return dir
}

// MustOpenAt opens the database in a directory or at a URL and brings its tables up to date. It is closed when the test ends.
func MustOpenAt(tb testing.TB, at string, now func() time.Time, networks map[string][]*gormigrate.Migration) *db.DB {
	tb.Helper()
	open := db.Open
	if strings.Contains(at, "://") {
		open = db.OpenServer
	}
	d, err := open(tb.Context(), at, now, slog.New(slog.DiscardHandler))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := d.Close(); err != nil {
			tb.Error(err)
		}
	})
	if err := d.Migrate(tb.Context(), MustMakeBox(tb), networks); err != nil {
		tb.Fatal(err)
	}
	return d
}
