package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"ticketfrei/internal/slow"
)

// TestOldReports writes old reports and looks at them as the program does.
func TestOldReports(t *testing.T) {
	slow.Test(t, "builds and runs the program")
	product, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{product: product, dir: t.TempDir()}
	b.binary = filepath.Join(b.dir, "ticketfrei")
	if err := b.build(t.Context(), b.binary); err != nil {
		t.Fatal(err)
	}
	w, err := newWorld(t.Context(), b, "old", b.binary, 3, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	old := oldReports{count: 3000, soon: 300, rate: 10}
	if err := w.writeOld(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for query, want := range map[string]int{
		"SELECT count(*) FROM reports":                                               3000,
		"SELECT count(*) FROM reports WHERE passed":                                  1500,
		"SELECT count(DISTINCT city_id) FROM reports":                                3,
		"SELECT count(*) FROM reports WHERE length(id) = 22 AND length(author) = 22": 3000,
		"SELECT min(length(CAST(text AS BLOB)) >= 295) FROM reports":                 1,
		"SELECT max(length(CAST(text AS BLOB))) <= 300 FROM reports":                 1,
	} {
		if got, err := w.query(t.Context(), query); err != nil || got != want {
			t.Errorf("%s: %d, %v, want %d", query, got, err, want)
		}
	}
	soon, err := w.query(t.Context(), "SELECT count(*) FROM reports WHERE received < ?", now.Add(-oldSpan).UnixMilli())
	if err != nil || soon < 300 || soon > 301 {
		t.Errorf("%d reports are soon to expire, %v", soon, err)
	}
	if err := w.program.start(t.Context()); err != nil {
		raw, _ := os.ReadFile(w.program.data + ".log")
		t.Fatalf("%v\n%s", err, raw)
	}
	if n, err := w.reports(t.Context()); err != nil || n != 3000 {
		t.Errorf("%d reports after a start, %v", n, err)
	}
}
