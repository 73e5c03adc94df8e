package app

import (
	"ticketfrei/bots"
	"ticketfrei/internal/config"
	"ticketfrei/manage"
)

type serveCommand struct {
	settingsFlags
	devFlag
	NewKey bool `help:"Go on with another secret key when that of the database is lost for good; docs/OPERATING.md says what that costs."`
}

// Run serves until it is interrupted.
func (cmd *serveCommand) Run(c *console) error {
	cfg, definitions, err := cmd.loadNetworks(c)
	if err != nil {
		return err
	}
	source, err := cmd.sourceTree()
	if err != nil {
		return err
	}
	return serve(c, cfg, definitions, mode{source: source, newKey: cmd.NewKey})
}

// serve runs a server until the console's context ends.
func serve(c *console, cfg *config.Config, definitions []bots.Definition, m mode) error {
	log, err := newLog(cfg.Log, c)
	if err != nil {
		return err
	}
	for _, w := range cfg.Warnings {
		log.Warn(w.Error())
	}
	ctx := manage.As(c.ctx, manage.Actor{}) // what it does by itself is nobody's act
	s, err := newServer(ctx, cfg, definitions, log, m)
	if err != nil {
		return err
	}
	defer s.close()
	return s.run(ctx)
}
