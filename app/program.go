package app

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/term"

	"ticketfrei/bots"
	"ticketfrei/bots/all"
	programs "ticketfrei/bots/program"
	"ticketfrei/db"
	"ticketfrei/internal/config"
	"ticketfrei/internal/notice"
	"ticketfrei/internal/report"
)

type programCommand struct {
	List   programListCommand   `cmd:"" help:"List the outside programs and what they can."`
	Check  programCheckCommand  `cmd:"" help:"Play the server to a program, and say what it does well (exit code 1: something is wrong)."`
	Run    programRunCommand    `cmd:"" help:"Run a program alone in the terminal and print what it says."`
	Set    programSetCommand    `cmd:"" help:"Store a setting of a city's program, read from the terminal without showing it."`
	Enable programEnableCommand `cmd:"" help:"Connect a program for a city, with the settings that were stored for it."`
}

// loadNetworks reads the settings and returns all networks: those of the program, and
// outside programs. Files that the settings name must be there and be right.
func (f settingsFlags) loadNetworks(c *console) (*config.Config, []bots.Definition, error) {
	return f.readNetworks(c, func(cfg *config.Config, definitions []bots.Definition) []error {
		return append(checkFiles(cfg), siteFiles{own: cfg.Web.Templates}.check(definitions)...)
	})
}

// readNetworks is loadNetworks with another check of files.
func (f settingsFlags) readNetworks(c *console, check func(*config.Config, []bots.Definition) []error) (*config.Config, []bots.Definition, error) {
	definitions := all.Networks()
	var warnings []string
	source := f.source(c, definitions)
	source.Check = func(cfg *config.Config) []error {
		more, warned, err := programs.Definitions(cfg, definitions)
		definitions, warnings = append(definitions, more...), warned
		problems := check(cfg, definitions)
		if list, ok := errors.AsType[config.Errors](err); ok {
			return append(problems, list.Unwrap()...)
		}
		if err != nil {
			problems = append(problems, err)
		}
		return problems
	}
	cfg, err := config.Load(source)
	if err != nil {
		return nil, nil, err
	}
	cfg.Warnings = append(cfg.Warnings, unreadSentences(cfg)...)
	for _, w := range warnings {
		cfg.Warnings = append(cfg.Warnings, config.Error{Key: "programs.dir", Problem: w})
	}
	return cfg, definitions, nil
}

// programs returns the settings and the programs that are there.
func (f settingsFlags) programs(c *console) (*config.Config, []*programs.Manifest, error) {
	definitions := all.Networks()
	cfg, err := f.load(c, definitions)
	if err != nil {
		return nil, nil, err
	}
	var taken []string
	for _, d := range definitions {
		taken = append(taken, d.Name)
	}
	list, err := programs.Load(cfg.Programs.Dir, taken)
	return cfg, list, err
}

// whole returns the whole path of a directory: a relative one begins where the command is run.
func whole(dir string) string {
	if path, err := filepath.Abs(dir); err == nil {
		return path
	}
	return dir
}

// program returns the program of a name.
func (f settingsFlags) program(c *console, name string) (*config.Config, *programs.Manifest, error) {
	cfg, list, err := f.programs(c)
	if err != nil {
		return nil, nil, err
	}
	i := slices.IndexFunc(list, func(m *programs.Manifest) bool { return m.Network == name })
	if i < 0 {
		return nil, nil, fmt.Errorf("there is no program %s in %s (setting programs.dir): ticketfrei program list shows those that there are", name, whole(cfg.Programs.Dir))
	}
	return cfg, list[i], nil
}

type programListCommand struct {
	settingsFlags
	Label map[string]string `help:"Only those with this label." placeholder:"NAME=TEXT"`
}

// Run lists the programs.
func (cmd *programListCommand) Run(c *console) error {
	cfg, list, err := cmd.programs(c)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		fmt.Fprintf(c.stderr, "There are no programs in %s (setting programs.dir).\n", whole(cfg.Programs.Dir))
		return nil
	}
	w := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tTITLE\tVERSION\tCAN\tRUNS\tLABELS")
	for _, m := range list {
		if m.HasLabels(cmd.Label) {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", m.Network, m.Name.En, m.Version, strings.Join(m.Can, ", "), m.Runs(), m.LabelsText())
		}
	}
	return w.Flush()
}

// aloneFlags are those of the commands that run a program without a server.
type aloneFlags struct {
	settingsFlags
	Name     string            `arg:"" help:"Name of the program: its directory."`
	Settings map[string]string `name:"set" help:"A setting for it; again for more." placeholder:"NAME=VALUE"`
}

func (f aloneFlags) alone(c *console) (*programs.Alone, error) {
	cfg, m, err := f.program(c, f.Name)
	if err != nil {
		return nil, err
	}
	a := &programs.Alone{Manifest: m, Config: cfg, Settings: f.Settings, Out: c.stdout, Log: c.stderr}
	return a, a.CheckSettings()
}

type programCheckCommand struct{ aloneFlags }

// Run checks a program.
func (cmd *programCheckCommand) Run(c *console) error {
	alone, err := cmd.alone(c)
	if err != nil {
		return err
	}
	if !alone.Check(c.ctx) {
		return exitCode(exitError)
	}
	return nil
}

type programRunCommand struct {
	aloneFlags
	Report string `help:"A report that it is sent, or looks at; then it ends." placeholder:"TEXT"`
}

// Run runs a program.
func (cmd *programRunCommand) Run(c *console) error {
	alone, err := cmd.alone(c)
	if err != nil {
		return err
	}
	return alone.Run(c.ctx, cmd.Report)
}

type programSetCommand struct {
	settingsFlags
	City string `arg:"" help:"Slug of the city."`
	Name string `arg:"" help:"Name of the program: its directory."`
	Key  string `arg:"" help:"Name of the setting."`
}

// Run stores a setting. A running server takes it up at once.
func (cmd *programSetCommand) Run(c *console) error {
	return cmd.withProgram(c, cmd.City, cmd.Name, func(ctx context.Context, n programs.Connectable, city report.City) error {
		fields := n.Fields()
		i := slices.IndexFunc(fields, func(f bots.Field) bool { return f.Name == cmd.Key })
		if i < 0 {
			var names []string
			for _, f := range fields {
				names = append(names, f.Name)
			}
			return fmt.Errorf("program %s has no setting %s: it has %s", cmd.Name, cmd.Key, orNone(names))
		}
		typed, err := readHidden(c, fmt.Sprintf("%s of %s for %s: ", cmd.Key, cmd.Name, cmd.City))
		if err != nil {
			return err
		}
		if err := n.Set(ctx, city, cmd.Key, typed); err != nil {
			return fieldError(err, cmd.City, cmd.Name)
		}
		fmt.Fprintf(c.stdout, "Stored. Connect the program, where it is not: ticketfrei program enable %s %s\n", cmd.Name, cmd.City)
		return nil
	})
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// readHidden reads a line: from a terminal without showing it.
func readHidden(c *console, prompt string) (string, error) {
	if file, ok := c.stdin.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		fmt.Fprint(c.stderr, prompt)
		typed, err := c.hidden(int(file.Fd()))
		fmt.Fprintln(c.stderr)
		return string(typed), err
	}
	if c.stdin == nil {
		return "", errors.New("there is nothing to read the value from: type it, or give it on standard input")
	}
	line, err := bufio.NewReader(io.LimitReader(c.typed(), 64<<10)).ReadString('\n')
	if line = strings.TrimRight(line, "\r\n"); line == "" && err != nil {
		return "", errors.New("there is nothing to read the value from: type it, or give it on standard input")
	}
	return line, nil
}

type programEnableCommand struct {
	settingsFlags
	Name string `arg:"" help:"Name of the program: its directory."`
	City string `arg:"" help:"Slug of the city."`
}

// Run connects a program. A running server starts it at once.
func (cmd *programEnableCommand) Run(c *console) error {
	return cmd.withProgram(c, cmd.City, cmd.Name, func(ctx context.Context, n programs.Connectable, city report.City) error {
		if _, err := n.Connect(ctx, city, 0, nil); err != nil {
			return fieldError(err, cmd.City, cmd.Name)
		}
		fmt.Fprintf(c.stdout, "Connected: %s works for %s. A server that runs starts it at once, if it had the program at its own start.\n", cmd.Name, city.Name)
		return nil
	})
}

// fieldError says what is wrong with a setting, and how to mend it.
func fieldError(err error, city, name string) error {
	wrong, ok := errors.AsType[*bots.FieldError](err)
	if !ok {
		return err
	}
	why := map[string]string{"program.field.missing": "needs a value", "program.field.long": "is too long", "program.field.lines": "has to be one line",
		"program.field.unknown": "is no setting of the program"}[wrong.Err.Error()]
	return fmt.Errorf("%s %s: ticketfrei program set %s %s %s", wrong.Field, why, city, name, wrong.Field)
}

// withProgram opens the database and runs work with a program's network.
func (f settingsFlags) withProgram(c *console, slug, name string, work func(context.Context, programs.Connectable, report.City) error) error {
	cfg, m, err := f.program(c, name)
	if err != nil {
		return err
	}
	if !m.Enabled {
		return fmt.Errorf("program %s is switched off: take enabled = false out of %s", name, programs.File)
	}
	if err := errors.Join(begun(cfg), leaveRunning(c.ctx, cfg, all.Networks())); err != nil {
		return err
	}
	definition, err := m.Definition(true)
	if err != nil {
		return err
	}
	log := slog.New(slog.DiscardHandler)
	d, box, err := openDatabase(c.ctx, cfg, append(all.Networks(), definition), log, false)
	if err != nil {
		return err
	}
	defer d.Close()
	city, err := d.FindCity(c.ctx, slug)
	if errors.Is(err, db.ErrNotFound) {
		return fmt.Errorf("there is no city %s: ticketfrei city list shows those that there are", slug)
	}
	if err != nil {
		return err
	}
	host := bots.Host{Config: cfg, DB: d, Secrets: box, Notices: &notice.Board{}, Log: log, Now: time.Now}
	return work(c.ctx, m.Connectable(host), city)
}
