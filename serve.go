package main

import (
	"errors"
	"log/slog"

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

// serve runs a server until the console's context ends. One whose queue broke
// is closed and opened anew.
func serve(c *console, cfg *config.Config, definitions []bots.Definition) error {
	log, err := newLog(cfg.Log, c)
	if err != nil {
		return err
	}
	for {
		err := serveOnce(c, cfg, definitions, log)
		if !errors.Is(err, errStartAnew) {
			return err
		}
		log.Warn("starting anew", "reason", err)
	}
}

func serveOnce(c *console, cfg *config.Config, definitions []bots.Definition, log *slog.Logger) error {
	s, err := newServer(c.ctx, cfg, definitions, log, false)
	if err != nil {
		return err
	}
	defer s.close()
	return s.run(c.ctx)
}
