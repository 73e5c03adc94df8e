package app

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/alecthomas/kong"

	"ticketfrei/bots"
	programs "ticketfrei/bots/program"
	"ticketfrei/db"
	"ticketfrei/frontend"
	"ticketfrei/internal/config"
	"ticketfrei/internal/mailer"
)

// settingsFlags are the flags of every command that reads the settings.
type settingsFlags struct {
	Config string `help:"File with settings that differ from the defaults; without it /etc/ticketfrei/config.toml, where there is one." env:"TICKETFREI_CONFIG" placeholder:"FILE"`
}

// file is the operator's file; empty where there is none.
func (f settingsFlags) file(c *console) string {
	if f.Config == "" {
		return c.settingsFile()
	}
	return kong.ExpandPath(f.Config)
}

// load reads the settings from the defaults, the file and the environment.
func (f settingsFlags) load(c *console, definitions []bots.Definition) (*config.Config, error) {
	return config.Load(f.source(c, definitions))
}

func (f settingsFlags) source(c *console, definitions []bots.Definition) config.Source {
	return config.Source{
		Defaults: c.defaults,
		File:     f.file(c),
		Env:      os.Environ(),
		Sections: sections(definitions),
	}
}

// checkFiles says which files, or which database, cannot be used that the settings name.
func checkFiles(cfg *config.Config) (problems []error) {
	if cfg.Database.URL != "" {
		if err := db.CheckURL(cfg.Database.URL); err != nil {
			problems = append(problems, err)
		}
	}
	if err := mailer.CheckPassword(cfg.Mail); err != nil {
		problems = append(problems, err)
	}
	if cfg.Mail.TLSCert != "" && cfg.Mail.TLSKey != "" {
		if _, err := tls.LoadX509KeyPair(cfg.Mail.TLSCert, cfg.Mail.TLSKey); err != nil {
			problems = append(problems, fmt.Errorf("mail.tls_cert, mail.tls_key: %w", err))
		}
	}
	if err := frontend.CheckOwnTexts(cfg.Web); err != nil {
		problems = append(problems, err)
	}
	if _, err := ownSentences(cfg); err != nil {
		problems = append(problems, err)
	}
	return problems
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

// newLog returns the operator's log, with the level, which may be changed, and the format of
// the settings.
func newLog(cfg config.Log, c *console) (*slog.Logger, *slog.LevelVar, error) {
	level := new(slog.LevelVar)
	if err := level.UnmarshalText([]byte(cfg.Level)); err != nil {
		return nil, nil, fmt.Errorf("setting log.level: %w", err)
	}
	options := &slog.HandlerOptions{Level: level}
	if cfg.Format == "json" {
		return slog.New(slog.NewJSONHandler(c.stderr, options)), level, nil
	}
	return slog.New(slog.NewTextHandler(c.stderr, options)), level, nil
}

type checkConfigCommand struct{ settingsFlags }

// Run prints the settings in force, without secrets, and the warnings.
func (cmd *checkConfigCommand) Run(c *console) error {
	cfg, definitions, err := cmd.loadNetworks(c)
	if err != nil {
		return err
	}
	for _, w := range cfg.Warnings {
		fmt.Fprintln(c.stderr, "warning:", w)
	}
	if file := cmd.file(c); file == "" {
		fmt.Fprintln(c.stdout, "# There is no file of settings: these are the defaults, and what is in the environment.")
	} else {
		fmt.Fprintln(c.stdout, "# The defaults, what is in "+file+", and what is in the environment:")
	}
	if err := cfg.Print(c.stdout, sections(definitions)); err != nil {
		return err
	}
	return printPrograms(c, cfg)
}

// printPrograms lists the outside programs below the settings.
func printPrograms(c *console, cfg *config.Config) error {
	list, err := programs.Load(cfg.Programs.Dir, nil)
	if err != nil || len(list) == 0 {
		return err
	}
	fmt.Fprintln(c.stdout, "\n# Outside programs:")
	for _, m := range list {
		fmt.Fprintf(c.stdout, "# %s (%s): %s; %s\n", m.Network, m.Name.En, strings.Join(m.Can, ", "), m.Runs())
	}
	return nil
}
