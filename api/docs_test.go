package api_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"ticketfrei/internal/apikey"
)

// scripts are those of docs/API.md, by what their first comment calls them.
func scripts(t *testing.T) map[string]string {
	t.Helper()
	list := map[string]string{}
	for _, m := range regexp.MustCompile("(?s)```sh\n(#!/bin/sh\n# (\\S+).*?)```").FindAllStringSubmatch(string(must(os.ReadFile("../docs/API.md"))(t)), -1) {
		list[m[2]] = m[1]
		if n := strings.Count(m[1], "\n"); n > 10 {
			t.Errorf("%s has %d lines", m[2], n)
		}
	}
	return list
}

// TestScriptsOfTheDocs runs the scripts.
func TestScriptsOfTheDocs(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("there is no curl")
	}
	w := newWorld(t)
	must(w.cities.SavePlaces(t.Context(), w.city.ID, "U1: Plärrer, Weißer Turm, Lorenzkirche, Hauptbahnhof", ""))(t)
	all, site := scripts(t), strings.TrimSuffix(w.url, "/api/v1")
	runFor := func(city, name string, args ...string) string {
		t.Helper()
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, []byte(all[name]), 0o600); err != nil || all[name] == "" {
			t.Fatalf("there is no %s: %v", name, err)
		}
		out, err := exec.CommandContext(t.Context(), "sh", append([]string{file, site, city}, args...)...).Output()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return string(out)
	}
	run := func(name string, args ...string) string {
		t.Helper()
		return runFor("gotham", name, args...)
	}
	if out := runFor("metropolis", "begin", w.key(apikey.Cities, apikey.All), "me@example.org"); !strings.Contains(out, `"slug":"metropolis"`) || !strings.Contains(out, "U1: Plärrer, Hbf") {
		t.Errorf("begin: %s", out)
	}
	streams, reports := w.key(apikey.Streams), w.key(apikey.Report)
	if out := run("stream-all", streams, "http://127.0.0.1:9/hook"); !strings.Contains(out, `"secret":"whsec_`) {
		t.Errorf("stream-all: %s", out)
	}
	if out := run("stream-near", streams, "Plärrer"); !strings.Contains(out, `near('Plärrer', 2)`) {
		t.Errorf("stream-near: %s", out)
	}
	first, second := run("report", reports, "Kontis am Plärrer"), run("report", reports, "Kontis am Plärrer")
	if first != second || !strings.Contains(first, `"state":"heard"`) {
		t.Errorf("report: %s, then %s", first, second)
	}
	if out := run("report", reports, `Kontis am "Plärrer" \ vorne`); !strings.Contains(out, `"state":"heard"`) {
		t.Errorf("report with quotes: %s", out)
	}
}

// TestDocsNameAllRights holds the table of rights to the rights that there are.
func TestDocsNameAllRights(t *testing.T) {
	text := string(must(os.ReadFile("../docs/API.md"))(t))
	for _, right := range apikey.OfOperator() {
		if !strings.Contains(text, "\n| `"+string(right)+"` | ") {
			t.Errorf("%s is missing", right)
		}
	}
}
