package app

import (
	"context"
	"os"
	"os/signal"
	"syscall"

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
	// A signal that comes while the server starts waits: it would end the program otherwise.
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	log, level, err := newLog(cfg.Log, c)
	if err != nil {
		return err
	}
	for _, w := range cfg.Warnings {
		log.Warn(w.Error())
	}
	c = c.with(manage.As(c.ctx, manage.Actor{})) // what it does by itself is nobody's act
	s, err := newServer(c.ctx, cfg, definitions, log, mode{source: source, newKey: cmd.NewKey, undo: manage.UndoFor})
	if err != nil {
		return err
	}
	defer s.close()
	r := &reload{settingsFlags: cmd.settingsFlags, console: c, server: s, level: level, cfg: cfg, definitions: definitions}
	ctx, cancel := context.WithCancel(c.ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.run(ctx, hangups)
	}()
	defer func() {
		cancel()
		<-ended
	}()
	return s.run(c.ctx)
}
