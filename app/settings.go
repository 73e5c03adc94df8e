package app

import (
	"fmt"
	"log/slog"
	"os"

	"ticketfrei/bots"
	"ticketfrei/bots/all"
	"ticketfrei/internal/config"
)

// settingsFlags are the flags of every command that reads the settings.
type settingsFlags struct {
	Config string `help:"File with settings that differ from the defaults." env:"TICKETFREI_CONFIG" placeholder:"FILE" type:"path"`
}

// load reads the settings from the defaults, the file and the environment.
func (f settingsFlags) load(c *console, definitions []bots.Definition) (*config.Config, error) {
	return config.Load(config.Source{
		Defaults: c.defaults,
		File:     f.Config,
		Env:      os.Environ(),
		Sections: sections(definitions),
	})
}

// sections returns the networks' own sections of the settings.
func sections(definitions []bots.Definition) []*config.Section {
	var list []*config.Section
	for _, d := range definitions {
		if d.Settings != nil {
			list = append(list, d.Settings)
		}
	}
	return list
}

// newLog returns the operator's log, with the level and format of the settings.
func newLog(cfg config.Log, c *console) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.Level)); err != nil {
		return nil, fmt.Errorf("setting log.level: %w", err)
	}
	options := &slog.HandlerOptions{Level: level}
	if cfg.Format == "json" {
		return slog.New(slog.NewJSONHandler(c.stderr, options)), nil
	}
	return slog.New(slog.NewTextHandler(c.stderr, options)), nil
}

type checkConfigCommand struct{ settingsFlags }

// Run prints the settings in force, without secrets, and the warnings.
func (cmd *checkConfigCommand) Run(c *console) error {
	definitions := all.Networks()
	cfg, err := cmd.load(c, definitions)
	if err != nil {
		return err
	}
	for _, w := range cfg.Warnings {
		fmt.Fprintln(c.stderr, "warning:", w)
	}
	return cfg.Print(c.stdout, sections(definitions))
}
