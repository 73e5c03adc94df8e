package app

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"ticketfrei/app/newprogram"
	"ticketfrei/bots/all"
)

type newCommand struct {
	Home    newHomeCommand    `cmd:"" help:"Begin a home for a server: its settings, outside programs, and pages and texts of your own."`
	Program newProgramCommand `cmd:"" help:"Begin an outside program: a directory with a manifest and a program that runs."`
}

type newProgramCommand struct {
	Name     string   `arg:"" help:"Name of the program and its network: lower case letters and digits, as signal."`
	Language string   `default:"python" enum:"python,sh,go,node" help:"What it is written in: python, sh, go or node."`
	Can      []string `default:"receive,send" placeholder:"WHAT" help:"What it can: receive, send, answer, retract, recipients, task, command, route, schedule."`
	Dir      string   `default:"programs" help:"The directory of the programs, as the setting programs.dir."`
}

var programName = regexp.MustCompile(`^[a-z][a-z0-9]{1,19}$`)

// Run writes the program, and says what to do next.
func (cmd *newProgramCommand) Run(c *console) error {
	if !programName.MatchString(cmd.Name) {
		return &usageError{fmt.Errorf("a program cannot be called %q: write 2 to 20 lower case letters a to z and digits, beginning with a letter, as signal", cmd.Name)}
	}
	for _, d := range all.Networks() {
		if d.Name == cmd.Name {
			return &usageError{fmt.Errorf("there is a network %s already: choose another name", cmd.Name)}
		}
	}
	paths, built, err := newprogram.Program{Name: cmd.Name, Language: cmd.Language, Can: cmd.Can}.Write(c.ctx, cmd.Dir)
	if err != nil {
		return fmt.Errorf("begin the program %s: %w", cmd.Name, err)
	}
	fmt.Fprintf(c.stdout, "Written: %s\n", strings.Join(paths, ", "))
	if !built {
		fmt.Fprintf(c.stdout, "Build it:   (cd %s && CGO_ENABLED=0 go build -o %s)\n", filepath.Join(cmd.Dir, cmd.Name), cmd.Name)
	}
	in := ""
	if cmd.Dir != "programs" {
		in = "TICKETFREI_PROGRAMS_DIR=" + cmd.Dir + " "
	}
	fmt.Fprintf(c.stdout, "Try it:     %sticketfrei program check %s\n", in, cmd.Name)
	fmt.Fprintf(c.stdout, "Then restart the server, and switch it on for a city in the settings, or with: ticketfrei program enable %s CITY\n", cmd.Name)
	return nil
}
