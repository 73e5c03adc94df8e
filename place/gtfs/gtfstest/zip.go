// Package gtfstest makes timetables for tests.
package gtfstest

import (
	"archive/zip"
	"bytes"
	"maps"
	"slices"
	"testing"
)

// Zip packs the tables of a feed, which are texts by the names of their files.
func Zip(tb testing.TB, tables map[string]string) []byte {
	tb.Helper()
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write([]byte(tables[name]))
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		tb.Fatal(err)
	}
	return buf.Bytes()
}
