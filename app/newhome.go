package app

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"unicode"
)

type newHomeCommand struct {
	Dir string `arg:"" help:"The directory to make." type:"path"`
}

// home are the files that a home begins with.
//
//go:embed all:home
var home embed.FS

// Run makes the home, and says what to do next.
func (cmd *newHomeCommand) Run(c *console) error {
	if err := makeHome(cmd.Dir); err != nil {
		return fmt.Errorf("new home: %w", err)
	}
	shown := cmd.Dir
	if here, err := os.Getwd(); err == nil {
		if near, err := filepath.Rel(here, cmd.Dir); err == nil {
			shown = near
		}
	}
	fmt.Fprintf(c.stdout, `Made %[1]s: settings in config.toml, outside programs in programs/, pages and
texts of your own in templates/.

Look at it on this machine:

  cd %[1]s && ticketfrei dev

Then write the names of your server into config.toml, and serve it:

  cd %[1]s && ticketfrei serve --config config.toml
`, shellWord(shown))
	return nil
}

// shellWord returns a path as it is typed to a shell.
func shellWord(path string) string {
	if strings.ContainsFunc(path, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("/._-+,", r)
	}) {
		return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	}
	return path
}

// makeHome writes the files of a home into a directory, which is made if it is not there.
func makeHome(dir string) error {
	list, err := os.ReadDir(dir)
	if len(list) > 0 {
		return fmt.Errorf("%s is not empty: choose a directory that is not there yet", dir)
	}
	if errors.Is(err, syscall.ENOTDIR) {
		return fmt.Errorf("%s is a file: choose a directory that is not there yet", dir)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	files, err := fs.Sub(home, "home")
	if err != nil {
		return err
	}
	return os.CopyFS(dir, files)
}
