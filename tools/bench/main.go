// Bench measures the program: it builds the real binary, starts it with its
// default, durable settings, drives it over loopback beside stand-ins of the
// networks, checks that what was sent arrived, and prints what was measured.
//
//	go run ./bench all           every experiment, as docs/PERFORMANCE.md has them
//	go run ./bench mail-in       one of them
//	go run ./bench all --quick   a look at all of them in a few minutes
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// commands is the command line.
type commands struct {
	All       allCommand  `cmd:"" help:"Every experiment, one after the other."`
	MailIn    mailIn      `cmd:"" help:"Mails a second that are on disk when they are answered, beside Postfix."`
	Latency   latency     `cmd:"" help:"Time from the end of a mail to its arrival at the networks."`
	Isolation isolation   `cmd:"" help:"The same while other bots hang, are refused and panic."`
	Scale     scale       `cmd:"" help:"Start, memory, idle CPU and latency with more and more cities."`
	FanOut    fanOut      `cmd:"" help:"One report to ten thousand mail subscribers, beside Postfix."`
	Censor    censorSpeed `cmd:"" help:"Time of one verdict."`
	Pages     pages       `cmd:"" help:"City page, feed and live updates under load."`
	Crash     crash       `cmd:"" help:"kill -9 at random moments: nothing acknowledged is lost."`
	Soak      soak        `cmd:"" help:"Mixed load for a long time, with faults."`
	Flags     `embed:""`
}

// Flags are those of every experiment.
type Flags struct {
	Quick  bool   `help:"Short runs: they show that everything works, their figures mean little."`
	JSON   string `placeholder:"FILE" help:"Write what was measured to a file."`
	Charts string `placeholder:"DIR" help:"Draw a chart of each experiment (SVG) into a directory."`
	Docs   bool   `help:"Write the figures into docs/PERFORMANCE.md and the charts into docs/charts."`
	Binary string `placeholder:"FILE" help:"Measure this binary of the program in place of one built now."`
	Dir    string `placeholder:"DIR" help:"Directory for everything that is written; its disk is what is measured. The default is the system's for temporary files."`
}

// run runs the command line args and returns the exit code: 0 where every
// experiment ran and lost nothing, whether or not its targets were met.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
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
	var chosen []experiment
	switch e := command.Selected().Target.Addr().Interface().(type) {
	case *allCommand:
		chosen = e.experiments(&c)
	case experiment:
		chosen = []experiment{e}
	}
	if err := measure(ctx, c.Flags, chosen, stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	return 0
}

// allCommand runs every experiment with the flags' defaults.
type allCommand struct {
	Skip []string `help:"Experiments to leave out."`
}
