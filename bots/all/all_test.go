package all_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/go-gormigrate/gormigrate/v2"
	"github.com/google/go-cmp/cmp"

	"ticketfrei/bots"
	"ticketfrei/bots/all"
	"ticketfrei/bots/kit/kittest"
	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/secret"
)

// everyNetwork runs a test for each network of the program.
func everyNetwork(t *testing.T, test func(t *testing.T, d bots.Definition)) {
	t.Helper()
	for _, d := range all.Networks() {
		t.Run(d.Name, func(t *testing.T) { test(t, d) })
	}
}

func TestEveryNetworkHasItsFourFiles(t *testing.T) {
	everyNetwork(t, func(t *testing.T, d bots.Definition) {
		for _, file := range []string{"bot.go", "db.go", "webui.go", "settings.tmpl"} {
			if _, err := os.Stat(filepath.Join("..", d.Name, file)); err != nil {
				t.Error(err)
			}
		}
	})
}

// TestEveryNetworkIsInItsDirectory finds directories that are listed under another
// name, or not at all.
func TestEveryNetworkIsInItsDirectory(t *testing.T) {
	dirs, err := filepath.Glob("../*/bot.go")
	if err != nil {
		t.Fatal(err)
	}
	var found, listed []string
	for _, dir := range dirs {
		found = append(found, filepath.Base(filepath.Dir(dir)))
	}
	for _, d := range all.Networks() {
		listed = append(listed, d.Name)
	}
	slices.Sort(found)
	slices.Sort(listed)
	if diff := cmp.Diff(found, listed); diff != "" {
		t.Errorf("directories and the list differ:\n%s", diff)
	}
}

// tables are the names of what the database is made of.
func tables(t *testing.T, d *db.DB) []string {
	t.Helper()
	names, err := db.ReadColumn[string](t.Context(), d, "SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'")
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestTablesBeginWithTheNameOfTheirNetwork(t *testing.T) {
	dbtest.OnlyFile(t, "it asks for the names of tables and indexes, which are the same on a server")
	program := tables(t, dbtest.MustOpen(t, time.Now, nil))
	box, err := secret.New(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	everyNetwork(t, func(t *testing.T, d bots.Definition) {
		migrations := d.Migrations(box)
		for _, m := range migrations {
			if !strings.HasPrefix(m.ID, d.Name+"_") {
				t.Errorf("a migration is called %s", m.ID)
			}
		}
		opened := dbtest.MustOpen(t, time.Now, map[string][]*gormigrate.Migration{d.Name: migrations})
		own := slices.DeleteFunc(tables(t, opened), func(name string) bool { return slices.Contains(program, name) })
		if len(own) == 0 {
			t.Error("the network has no table")
		}
		for _, name := range own {
			if !strings.HasPrefix(name, d.Name+"_") {
				t.Errorf("a table or an index is called %s", name)
			}
		}
	})
}

// TestEveryNetworkHasTheTextsOfItsCard makes each as the start of the program does,
// which a missing text fails.
func TestEveryNetworkHasTheTextsOfItsCard(t *testing.T) {
	everyNetwork(t, func(t *testing.T, d bots.Definition) {
		if title := d.Name + ".title"; !kittest.NewHost(t, d).Texts.Has(title) {
			t.Errorf("put %s into bots/%s/en.toml and de.toml", title, d.Name)
		}
	})
}

func TestTextsBeginWithTheNameOfTheirNetwork(t *testing.T) {
	everyNetwork(t, func(t *testing.T, d bots.Definition) {
		files, err := fs.Glob(d.Files, "*.toml")
		if err != nil || len(files) < 2 {
			t.Fatal(files, err)
		}
		for _, file := range files {
			raw, err := fs.ReadFile(d.Files, file)
			if err != nil {
				t.Fatal(err)
			}
			var texts map[string]any
			if err := toml.Unmarshal(raw, &texts); err != nil {
				t.Fatal(err)
			}
			for id := range texts {
				if id != d.Name {
					t.Errorf("%s has texts that begin with %s", file, id)
				}
			}
		}
	})
}
