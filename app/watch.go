package app

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settleAfter is how long nothing must change until a change is told: editors write a file
// in several steps.
const settleAfter = 100 * time.Millisecond

// unwatched are directories whose files nobody edits by hand: programs write there.
var unwatched = []string{"state", "data", "tmp", "node_modules", "__pycache__", "testdata"}

// watch tells of files that change in the directories and below them, until ctx ends: by
// their paths, those that change together at once. Directories are watched and not files,
// since editors put a new file in the place of the old one.
func watch(ctx context.Context, log *slog.Logger, dirs []string, changed func(paths []string)) error {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("watch files: %w", err)
	}
	for _, dir := range dirs {
		if err := watchTree(w, dir); err != nil {
			w.Close()
			return fmt.Errorf("watch %s: %w", dir, err)
		}
	}
	go func() {
		defer w.Close()
		follow(ctx, log, w, changed)
	}()
	return nil
}

// watchTree watches a directory and those below it. One that is not there is passed over.
func watchTree(w *fsnotify.Watcher, dir string) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case os.IsNotExist(err):
			return nil
		case err != nil:
			return err
		case !entry.IsDir():
			return nil
		case path != dir && isUnwatched(path):
			return fs.SkipDir
		}
		return w.Add(path)
	})
}

// isUnwatched tells whether a file or directory is of no interest: hidden ones, copies that
// editors make, and unwatched.
func isUnwatched(path string) bool {
	name := filepath.Base(path)
	return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "#") || strings.HasSuffix(name, "~") ||
		strings.HasSuffix(name, ".swp") || strings.HasSuffix(name, ".pyc") || strings.HasSuffix(name, "_test.go") || name == "4913" ||
		slices.Contains(unwatched, name)
}

// follow gathers what a watcher sees, and tells of it when it has settled.
func follow(ctx context.Context, log *slog.Logger, w *fsnotify.Watcher, changed func(paths []string)) {
	var paths []string
	settled := time.NewTimer(time.Hour)
	defer settled.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case err := <-w.Errors:
			log.Warn("files could not be watched", "err", err)
		case e := <-w.Events:
			if isUnwatched(e.Name) || e.Op == fsnotify.Chmod {
				continue
			}
			if info, err := os.Stat(e.Name); err == nil && info.IsDir() {
				if err := watchTree(w, e.Name); err != nil {
					log.Warn("a directory could not be watched", "dir", e.Name, "err", err)
				}
			}
			if path := filepath.Clean(e.Name); !slices.Contains(paths, path) {
				paths = append(paths, path)
			}
			settled.Reset(settleAfter)
		case <-settled.C:
			if len(paths) > 0 {
				changed(paths)
			}
			paths = nil
		}
	}
}
