package main

import (
	"ticketfrei/bots"
	"ticketfrei/config"
)

type serveCommand struct{ settingsFlags }

// Run serves until it is interrupted.
func (cmd *serveCommand) Run(c *console) error {
	definitions := networkDefinitions()
	cfg, err := cmd.load(definitions)
	if err != nil {
		return err
	}
	return serve(c, cfg, definitions)
}

// serve runs a server until the console's context ends.
func serve(c *console, cfg *config.Config, definitions []bots.Definition) error {
	log, err := newLog(cfg.Log, c)
	if err != nil {
		return err
	}
	s, err := newServer(c.ctx, cfg, definitions, log, false)
	if err != nil {
		return err
	}
	defer s.close()
	return s.run(c.ctx)
}
