package app

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ticketfrei/bots/all"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/config"
	"ticketfrei/internal/dbserver"
	"ticketfrei/internal/secret"
	"ticketfrei/internal/slow"
)

// moveDatabase runs the command on a data directory.
func moveDatabase(ctx context.Context, t *testing.T, dir, url string) (code int, said, complained string) {
	t.Helper()
	t.Setenv("TICKETFREI_DATA", dir)
	var stdout, stderr bytes.Buffer
	code = runCommand(ctx, t, &stdout, &stderr, "move-database", url)
	return code, stdout.String(), stderr.String()
}

// TestMovedDatabaseGoesOn moves the database of a directory to a server, and checks, as
// riders and moderators see it, that everything goes on where it stopped.
func TestMovedDatabaseGoesOn(t *testing.T) {
	slow.Test(t, "asks everything of a database that was moved")
	w := restoreWorld(t)
	url := dbserver.Start(t).URL()
	w.move = func(cfg *config.Config) {
		code, said, complained := moveDatabase(t.Context(), t, w.dir, url)
		if code != exitOK || !strings.Contains(said, "secret to what stands in "+filepath.Join(w.dir, secret.FileName)) {
			t.Fatalf("exit code %d\n%s%s", code, said, complained)
		}
		key, err := os.ReadFile(filepath.Join(w.dir, secret.FileName))
		if err != nil {
			t.Fatal(err)
		}
		cfg.Database.URL, cfg.Secret = url, strings.TrimSpace(string(key))
	}
	w.goOn()
}

// TestMoveDatabaseIsRefused has the command say what is in its way.
func TestMoveDatabaseIsRefused(t *testing.T) {
	slow.Test(t, "starts a server")
	server, dir, definitions := dbserver.Start(t), t.TempDir(), all.Networks()
	url := server.URL()
	refused := func(why string) {
		t.Helper()
		if code, said, complained := moveDatabase(t.Context(), t, dir, url); code != exitError || !strings.Contains(complained, why) {
			t.Errorf("exit code %d, want %q:\n%s%s", code, why, said, complained)
		}
	}
	refused("there is no database to move")
	dbtest.MustPrepare(t, dir) // in the directory, wherever other tests have theirs
	a := runApp(t, appConfig(t, dir, startMailbox(t), definitions), definitions)
	a.addCity("nuernberg", "*", "")
	refused("ticketfrei is running on " + dir)
	a.stop()
	if code, said, complained := moveDatabase(t.Context(), t, dir, url); code != exitOK {
		t.Fatalf("exit code %d\n%s%s", code, said, complained)
	}
	// Nor is it brought up to date: it may be somebody else's.
	server.Query("DELETE FROM core_migrations WHERE id = (SELECT max(id) FROM core_migrations)")
	refused("the database on the server is not empty")
	t.Setenv("TICKETFREI_DATABASE_URL", url)
	t.Setenv("TICKETFREI_SECRET", testSecret)
	refused("database.url names a server already")
}
