package main

import (
	"errors"
	"log/slog"
	"os"
	"runtime"

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
	// Two threads wait for the disk most of the time, the queue's and the
	// database's; meanwhile each occupies one of what Go takes for processors.
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 2)
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
