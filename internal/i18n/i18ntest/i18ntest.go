// Package i18ntest opens translation catalogues for tests.
package i18ntest

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"sync"
	"testing"

	"ticketfrei/internal/i18n"
)

// read are the catalogues that were read before, by what their files say.
var read sync.Map // [sha256.Size]byte → *i18n.Catalogue

// MustNew is i18n.New. Tests with the same texts share a catalogue, since reading them
// takes longer than most tests: they must not change files and reload it.
func MustNew(tb testing.TB, sources ...fs.FS) *i18n.Catalogue {
	tb.Helper()
	key, err := sum(sources)
	if err != nil {
		tb.Fatal(err)
	}
	if c, ok := read.Load(key); ok {
		return c.(*i18n.Catalogue)
	}
	c, err := i18n.New(sources...)
	if err != nil {
		tb.Fatal(err)
	}
	read.Store(key, c)
	return c
}

// sum is a fingerprint of the files.
func sum(sources []fs.FS) (key [sha256.Size]byte, err error) {
	h := sha256.New()
	for i, source := range sources {
		names, err := fs.Glob(source, "*.toml")
		if err != nil {
			return key, err
		}
		for _, name := range names {
			text, err := fs.ReadFile(source, name)
			if err != nil {
				return key, err
			}
			fmt.Fprintf(h, "%d %T %q %d\n", i, source, name, len(text))
			h.Write(text)
		}
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}
