// Ticketfrei relays short public-transport reports between networks: what one
// person writes to a city's bot on any of them, everybody else in that city
// has seconds later.
package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

//go:generate go run ./bots/generate

//go:embed config.toml
var defaults []byte

// The exit codes.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// commands is the command line.
type commands struct {
	Serve       serveCommand       `cmd:"" default:"withargs" help:"Run the server (the default)."`
	Demo        demoCommand        `cmd:"" help:"Run a server in a temporary directory with a sample city, to look at."`
	City        cityCommand        `cmd:"" help:"Add and list cities."`
	CheckConfig checkConfigCommand `cmd:"" help:"Check the settings and print those in force."`
	Backup      backupCommand      `cmd:"" help:"Copy the database to a file while the server runs."`
	Health      healthCommand      `cmd:"" help:"Ask the running server whether it can work."`
	New         newCommand         `cmd:"" help:"Begin a new part of the program, in its source."`
	Version     versionCommand     `cmd:"" help:"Print the version."`
}

// console is what a command gets to work with.
type console struct {
	ctx    context.Context
	stdout io.Writer
	stderr io.Writer
}

// run runs the command line args and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	exited := false
	parser, err := kong.New(&commands{},
		kong.Name("ticketfrei"),
		kong.Description("Relays public-transport reports between networks: mail, Mastodon and more."),
		kong.Writers(stdout, stderr),
		kong.Exit(func(int) { exited = true }),
		kong.UsageOnError(),
	)
	if err != nil {
		fmt.Fprintln(stderr, "ticketfrei:", err)
		return exitError
	}
	command, err := parser.Parse(args)
	if exited {
		return exitOK // --help
	}
	if err != nil {
		fmt.Fprintf(stderr, "ticketfrei: %v (see ticketfrei --help)\n", err)
		return exitUsage
	}
	err = command.Run(&console{ctx: ctx, stdout: stdout, stderr: stderr})
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, new(*usageError)):
		fmt.Fprintf(stderr, "ticketfrei: %v (see ticketfrei %s --help)\n", err, command.Command())
		return exitUsage
	default:
		fmt.Fprintln(stderr, "ticketfrei:", err)
		return exitError
	}
}

// usageError is an error of how a command was called.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
