package app

import (
	"bufio"
	"context"
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
	line, err := bufio.NewReader(io.LimitReader(c.typed(), 1000)).ReadString('\n')
	if err != nil {
		return errNotDone
	}
	if answer := strings.ToLower(strings.TrimSpace(line)); answer != "y" && answer != "yes" {
		return errNotDone
	}
	return nil
}

// typed reads what somebody types, or pipes in, until the command is interrupted.
func (c *console) typed() io.Reader { return interruptible{c.ctx, c.stdin} }

// interruptible is a reader whose reads end with ctx.
type interruptible struct {
	ctx context.Context
	of  io.Reader
}

// Read reads. What is read after ctx has ended is lost.
func (r interruptible) Read(p []byte) (int, error) {
	part, err := untilInterrupted(r.ctx, func() ([]byte, error) {
		part := make([]byte, len(p))
		n, err := r.of.Read(part)
		return part[:n], err
	})
	return copy(p, part), err
}

// hidden reads a line from a terminal without showing it, until the command is interrupted.
func (c *console) hidden(terminal int) ([]byte, error) {
	before, err := term.GetState(terminal)
	if err != nil {
		return nil, err
	}
	line, err := untilInterrupted(c.ctx, func() ([]byte, error) { return term.ReadPassword(terminal) })
	if c.ctx.Err() != nil {
		err = errors.Join(err, term.Restore(terminal, before))
	}
	return line, err
}

// untilInterrupted returns what read does, or the error of ctx when that ends first: then whoever
// reads is left behind, whom nothing wakes at a terminal. The process ends, and they with it.
func untilInterrupted(ctx context.Context, read func() ([]byte, error)) ([]byte, error) {
	type result struct {
		part []byte
		err  error
	}
	came := make(chan result, 1)
	go func() {
		part, err := read()
		came <- result{part, err}
	}()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case got := <-came:
		return got.part, got.err
	}
}
