package naming_test

import (
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"

	"ticketfrei/bots/kit"
	"ticketfrei/filter"
	"ticketfrei/internal/naming"
	"ticketfrei/relay"
	"ticketfrei/supervisor"
	"ticketfrei/templates"
)

func TestCheck(t *testing.T) {
	tests := []struct {
		name string
		want string // part of the error; empty for a name that can be used
	}{
		{"mail", ""},
		{"matrix", ""},
		{"x", ""},
		{"a1234567890123456789", ""},
		{"message", ""},
		{"test", ""},
		{"chat", ""},
		{"db", ""},
		{"", "lower case"},
		{"Matrix", "lower case"},
		{"my_network", "lower case"},
		{"my-network", "lower case"},
		{"1st", "lower case"},
		{"größe", "lower case"},
		{"../mail", "lower case"},
		{"mail\n", "lower case"},
		{"a12345678901234567890", "at most 20"},
		{"func", "keyword"},
		{"range", "keyword"},
		{"main", "Go"},
		{"internal", "Go"},
		{"all", "directory"},
		{"kit", "taken"},
		{"scaffold", "new networks"},
		{"standin", "new networks"},
		{"reports", "route"},
		{"feed", "route"},
		{"settings", "texts"},
		{"web", ""},
		{"queue", "settings"},
		{"sqlite", "database"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := naming.Check(tt.name)
			if tt.want == "" && err != nil {
				t.Errorf("refused: %v", err)
			}
			if tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("error = %v, want one with %q", err, tt.want)
			}
		})
	}
}

// topTables are the tables at the top of a TOML file.
func topTables(t *testing.T, raw []byte) []string {
	t.Helper()
	var root map[string]any
	if err := toml.Unmarshal(raw, &root); err != nil {
		t.Fatal(err)
	}
	var names []string
	for name := range root {
		names = append(names, name)
	}
	return names
}

// TestNamesOfTheProgramAreReserved reads what the program itself uses: a name
// that is new there must be reserved here.
func TestNamesOfTheProgramAreReserved(t *testing.T) {
	used := map[string]string{}
	for _, source := range slices.Concat([]fs.FS{filter.Texts, relay.Texts, supervisor.Texts}, templates.Texts, kit.Texts) {
		files, err := fs.Glob(source, "*en.toml") // and riders.en.toml
		if err != nil || len(files) == 0 {
			t.Fatal("no texts: ", err)
		}
		for _, file := range files {
			raw, err := fs.ReadFile(source, file)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range topTables(t, raw) {
				used[name] = "texts"
			}
		}
	}
	raw, err := os.ReadFile("../../config.toml")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range topTables(t, raw) {
		used[name] = "config.toml"
	}
	delete(used, "mail") // the network has its section there: the program's own mails need it
	delete(used, "web")  // that network is the program's own pages
	if len(used) < 15 {
		t.Fatalf("found only %d names", len(used))
	}
	for name, where := range used {
		if naming.Check(name) == nil {
			t.Errorf("%q is in use in %s and not reserved", name, where)
		}
	}
}
