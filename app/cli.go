// Package app is the program: its command line, its data directory, and the one
// place that wires everything.
package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"ticketfrei/app/doctor"
	"ticketfrei/internal/cage"
	"ticketfrei/manage"
)

// The exit codes.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
)

// Main runs the program and returns its exit code. defaults is the content of
// config.toml, which only the package beside that file can embed.
func Main(defaults []byte) int {
	if code, is := cage.Helper(os.Args[1:]); is {
		return code
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return run(&console{ctx: ctx, stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, defaults: defaults}, os.Args[1:])
}

// commands is the command line.
type commands struct {
	Serve        serveCommand        `cmd:"" default:"withargs" help:"Run the server (the default)."`
	Demo         demoCommand         `cmd:"" help:"Run a server in a temporary directory with a sample city, to look at."`
	Dev          devCommand          `cmd:"" help:"For developers and operators: the demo from the files in the working directory, and again as they change."`
	City         cityCommand         `cmd:"" help:"Add, list, suspend, rename and delete cities, and store their lines and stops."`
	Import       importCommand       `cmd:"" help:"Take over the cities of another program: Ticketfrei 2 or Kibicara."`
	Moderator    moderatorCommand    `cmd:"" help:"List, add and remove those who run the cities, and help one who has forgotten the password."`
	Operator     operatorCommand     `cmd:"" help:"List, add and remove those who see the pages of the operator."`
	Bot          botCommand          `cmd:"" help:"List bots of all cities, and switch them on and off."`
	Subscriber   subscriberCommand   `cmd:"" help:"List subscribers, and send again to those who are suspended."`
	Queue        queueCommand        `cmd:"" help:"See what waits to be sent, try it at once, or throw it away."`
	Logs         logsCommand         `cmd:"" help:"See what the bots of all cities have logged."`
	Status       statusCommand       `cmd:"" help:"See how the server is doing (exit code 1 where anything is in trouble)."`
	MailTest     mailTestCommand     `cmd:"" name:"mail-test" help:"Send a mail as the server does, and see what becomes of it."`
	CheckConfig  checkConfigCommand  `cmd:"" help:"Check the settings and print those in force."`
	DNS          dnsCommand          `cmd:"" name:"dns" help:"Print the records that DNS needs."`
	Doctor       doctorCommand       `cmd:"" help:"Look at DNS, mail, pages and machine, and say what is wrong and what to do (exit code 0: nothing, 1: warnings, 2: something is wrong)."`
	Program      programCommand      `cmd:"" help:"List, check and run outside programs, and connect them."`
	Intent       intentCommand       `cmd:"" help:"See what texts are taken for: a report, a question, thanks."`
	Postmaster   postmasterCommand   `cmd:"" help:"List, read and delete the mails to the operator of the server: to postmaster, abuse, and the sender of its mails."`
	Key          keyCommand          `cmd:"" help:"Make, list and remove keys of the API."`
	MoveDatabase moveDatabaseCommand `cmd:"" name:"move-database" help:"Copy the database of the data directory to a server of PostgreSQL, while nothing runs."`
	Backup       backupCommand       `cmd:"" help:"Copy the database, and its key, while the server runs."`
	Restore      restoreCommand      `cmd:"" help:"Put a backup in the place of the database, while nothing runs."`
	New          newCommand          `cmd:"" help:"Begin something of your own: a home, an outside program."`
	Health       healthCommand       `cmd:"" help:"Ask the running server whether it can work."`
	Version      versionCommand      `cmd:"" help:"Print the version."`

	VersionFlag kong.VersionFlag `name:"version" help:"Print the version."`
}

// console is what a command gets to work with.
type console struct {
	ctx      context.Context
	stdin    io.Reader
	stdout   io.Writer
	stderr   io.Writer
	defaults []byte // the built-in config.toml
	world
}

// world is what the commands see of the world around them. Its zero value is the real
// one.
type world struct {
	dns       *net.Resolver // nil: the machine's name servers
	addresses []netip.Addr  // the machine's public ones; nil: those of its interfaces
	smtpPort  string        // of other mail servers; empty: 25
	settings  string        // the system's file of settings; empty: /etc/ticketfrei/config.toml
}

// resolver is what the commands ask for names.
func (w world) resolver() *net.Resolver {
	if w.dns != nil {
		return w.dns
	}
	return &net.Resolver{PreferGo: true, StrictErrors: true}
}

// own are the public addresses of this machine.
func (w world) own() []netip.Addr {
	if w.addresses != nil {
		return w.addresses
	}
	return doctor.OwnAddresses()
}

// settingsFile is the operator's file where no other is named: that of the system, or none.
func (w world) settingsFile() string {
	file := cmp.Or(w.settings, "/etc/ticketfrei/config.toml")
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return file
}

// with returns a copy of the console that is bound to ctx.
func (c *console) with(ctx context.Context) *console {
	other := *c
	other.ctx = ctx
	return &other
}

// run runs the command line args and returns the exit code.
func run(c *console, args []string) int {
	exited := false
	parser, err := kong.New(&commands{},
		kong.Name("ticketfrei"),
		kong.Description("Relays public-transport reports between networks: mail, Mastodon and more."),
		kong.Writers(c.stdout, c.stderr),
		kong.Exit(func(int) { exited = true }),
		kong.UsageOnError(),
		kong.Vars{"version": "ticketfrei " + version()},
	)
	if err != nil {
		fmt.Fprintln(c.stderr, "ticketfrei:", err)
		return exitError
	}
	command, err := parser.Parse(args)
	if exited {
		return exitOK // --help, --version
	}
	if err != nil {
		fmt.Fprintf(c.stderr, "ticketfrei: %v (see ticketfrei --help)\n", err)
		return exitUsage
	}
	err = command.Run(c.with(manage.As(c.ctx, manage.Operator())))
	var code exitCode
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &code):
		return int(code)
	case errors.As(err, new(*usageError)):
		fmt.Fprintf(c.stderr, "ticketfrei: %v (see ticketfrei %s --help)\n", err, command.Command())
		return exitUsage
	default:
		fmt.Fprintln(c.stderr, "ticketfrei:", err)
		return exitError
	}
}

// exitCode ends a command with that code. What there is to say was said.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// usageError is a mistake in how a command was called.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
