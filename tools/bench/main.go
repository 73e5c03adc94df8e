// Bench measures the program. It builds the real binary, starts it with its
// default settings, drives it over loopback beside stand-ins of the networks,
// checks that everything that was sent has arrived, and prints the figures.
//
//	go -C tools/bench run . all           every experiment
//	go -C tools/bench run . mail-in       one of them
//	go -C tools/bench run . all --quick   all of them in a few minutes, to see that they work
//
// It is a module of its own, so that the product does not depend on what only
// the benchmark needs.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

func main() { os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr)) }

// commands is the command line.
type commands struct {
	All       allCommand    `cmd:"" help:"Every experiment, one after the other."`
	MailIn    mailIn        `cmd:"" help:"Mails a second that are on disk when they are answered, beside Postfix."`
	Latency   latency       `cmd:"" help:"Time from the end of a mail to its arrival at the networks."`
	Isolation isolation     `cmd:"" help:"The same while other bots hang, are refused and panic."`
	Scale     scale         `cmd:"" help:"Start, memory, idle CPU and latency with ever more cities."`
	Calls     calls         `cmd:"" help:"Networks that call the program, beside connections that it keeps open."`
	FanOut    fanOut        `cmd:"" help:"One report to ten thousand mail subscribers, beside Postfix."`
	Censor    censorSpeed   `cmd:"" help:"Time of one verdict."`
	Filters   filterSpeed   `cmd:"" help:"Time of one verdict of a stream's filter, and of filters that strangers write."`
	Pages     pages         `cmd:"" help:"City page, feed and live updates under load."`
	Crash     crash         `cmd:"" help:"kill -9 at random moments: nothing acknowledged is lost."`
	PowerCut  powerCut      `cmd:"" name:"powercut" help:"Power cuts while mails come in: nothing acknowledged is lost."`
	Soak      soak          `cmd:"" help:"Mixed load for a long time, with faults."`
	Full      fullMailboxes `cmd:"" name:"full-mailboxes" help:"More than some bots can send, for an hour: nothing comes twice."`
	Cluster   clusters      `cmd:"" help:"Several processes on one PostgreSQL; all of these without another word."`
	Flags     `embed:""`
}

// Flags are those of every experiment.
type Flags struct {
	Quick  bool   `help:"Short runs, to see that everything works; their figures mean little."`
	JSON   string `placeholder:"FILE" help:"Write the figures to a file."`
	Charts string `placeholder:"DIR" help:"Draw a chart of each experiment (SVG) into a directory."`
	Docs   bool   `help:"Write the figures into docs/results.json, docs/PERFORMANCE.md and docs/charts."`
	Binary string `placeholder:"FILE" help:"Measure this binary of the program instead of building one."`
	Dir    string `placeholder:"DIR" help:"Directory for everything that is written; its disk is the one measured. Default: the system's directory for temporary files."`
}

// Validate refuses what would put figures into the docs that mean little. The
// command line calls it.
func (f Flags) Validate() error {
	if f.Quick && f.Docs {
		return errors.New("--docs keeps the figures of full runs only: leave out --quick")
	}
	return nil
}

// run runs the command line args and returns the exit code: 0 if every
// experiment ran and lost nothing, whether or not it met its targets. The
// signals that end a process end the experiments.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	var c commands
	exited := false
	parser, err := kong.New(&c, kong.Name("bench"), kong.Description("Measures Ticketfrei."),
		kong.Writers(stdout, stderr), kong.Exit(func(int) { exited = true }))
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	command, err := parser.Parse(args)
	if exited {
		return 0
	}
	if err != nil {
		fmt.Fprintf(stderr, "bench: %v (see bench --help)\n", err)
		return 2
	}
	chosen, err := experimentsOf(&c, command.Selected().Target.Addr().Interface())
	if err == nil {
		err = measure(ctx, c.Flags, chosen, stdout, stderr)
	}
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	return 0
}

// allCommand runs every experiment with its default settings.
type allCommand struct {
	Skip []string `help:"Experiments to leave out."`
}
