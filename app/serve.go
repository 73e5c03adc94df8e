package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"syscall"
	"time"

	"ticketfrei/bots"
	"ticketfrei/bots/all"
	"ticketfrei/internal/config"
	"ticketfrei/internal/queue"
)

type serveCommand struct {
	settingsFlags
	devFlag
}

// Run serves until it is interrupted.
func (cmd *serveCommand) Run(c *console) error {
	definitions := all.Networks()
	cfg, err := cmd.load(c, definitions)
	if err != nil {
		return err
	}
	source, err := cmd.sourceTree()
	if err != nil {
		return err
	}
	return serve(c, cfg, definitions, mode{source: source})
}

// serve runs a server until the console's context ends. One whose queue broke
// is closed and opened anew.
func serve(c *console, cfg *config.Config, definitions []bots.Definition, m mode) error {
	log, err := newLog(cfg.Log, c)
	if err != nil {
		return err
	}
	s, err := newServer(c.ctx, cfg, definitions, log, m)
	if err != nil {
		return err
	}
	for {
		err := s.run(c.ctx)
		hangs := s.close()
		if !errors.Is(err, errStartAnew) {
			return err
		}
		log.Warn("starting anew", "reason", err)
		if hangs == nil {
			s, hangs = openAnew(c.ctx, cfg, definitions, log, m)
		}
		switch {
		case hangs != nil:
			log.Warn("starting anew takes a new process", "reason", hangs)
			return replaceProcess()
		case s == nil:
			return nil
		}
	}
}

// replaceProcess starts the program anew in place of this process, with the same
// arguments. What hangs in this one is gone as after kill -9. It returns only
// where that cannot be done.
func replaceProcess() error {
	path, err := os.Executable()
	if err == nil {
		err = syscall.Exec(path, os.Args, os.Environ())
	}
	return fmt.Errorf("start the program anew: %w", err)
}

// anewEvery is how long to wait before a server that could not be opened anew
// is tried again.
const anewEvery = time.Second

// openAnew opens the server as often as it takes: what worked before will work
// again, when the disk has room for good or another program has let go of the
// port. It returns nil when ctx ends. The error is queue.ErrHangs.
func openAnew(ctx context.Context, cfg *config.Config, definitions []bots.Definition, log *slog.Logger, m mode) (*server, error) {
	for {
		s, err := newServer(ctx, cfg, definitions, log, m)
		if err == nil {
			return s, nil
		}
		if ctx.Err() != nil {
			return nil, nil
		}
		if errors.Is(err, queue.ErrHangs) {
			return nil, err
		}
		log.Error("starting anew failed, trying again", "err", err, "in", anewEvery)
		select {
		case <-ctx.Done():
			return nil, nil
		case <-time.After(anewEvery):
		}
	}
}
