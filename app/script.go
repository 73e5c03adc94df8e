package app

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// jsonFlag is the flag of commands that print something for people or for scripts.
type jsonFlag struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// printJSON prints a value for scripts.
func printJSON(w io.Writer, value any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(value)
}

// tell says what was done, in words or as a value for scripts.
func (f jsonFlag) tell(c *console, value any, words string, data ...any) error {
	if f.JSON {
		return printJSON(c.stdout, value)
	}
	_, err := fmt.Fprintf(c.stdout, words, data...)
	return err
}

// yesFlag is the flag of commands that ask before they do something.
type yesFlag struct {
	Yes bool `help:"Do not ask."`
}

// errNotDone is the answer of somebody who was asked, and does not want it.
var errNotDone = errors.New("nothing was done")

// confirm asks whether something is to be done. Without a terminal nobody can be asked: that is
// refused.
func (f yesFlag) confirm(c *console, question string) error {
	if f.Yes {
		return nil
	}
	file, ok := c.stdin.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return fmt.Errorf("%s Nobody can be asked here: add --yes", question)
	}
	fmt.Fprintf(c.stderr, "%s [y/N] ", question)
	line, err := bufio.NewReader(io.LimitReader(file, 1000)).ReadString('\n')
	if err != nil {
		return errNotDone
	}
	if answer := strings.ToLower(strings.TrimSpace(line)); answer != "y" && answer != "yes" {
		return errNotDone
	}
	return nil
}
