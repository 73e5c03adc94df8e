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

// serve runs a server until the console's context ends. If its queue breaks,
// the server is closed and opened again.
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
		if !errors.Is(err, errStartAgain) {
			return err
		}
		log.Warn("starting again", "reason", err)
		if hangs == nil {
			s, hangs = openAgain(c.ctx, cfg, definitions, log, m)
		}
		switch {
		case hangs != nil:
			log.Warn("starting again needs a new process", "reason", hangs)
			return replaceProcess()
		case s == nil:
			return nil
		}
	}
}

// replaceProcess starts the program again in place of this process, with the
// same arguments. Whatever hangs in this process is gone then, as after kill
// -9. It returns only if it fails.
func replaceProcess() error {
	path, err := os.Executable()
	if err == nil {
		err = syscall.Exec(path, os.Args, os.Environ())
	}
	return fmt.Errorf("start the program again: %w", err)
}

// openAgainEvery is how long to wait before the next try to open a server.
const openAgainEvery = time.Second

// openAgain tries to open the server until it succeeds. It worked before, so it
// will work again once the disk has room or another program has let go of the
// port. It returns nil when ctx ends. The error is queue.ErrHangs.
func openAgain(ctx context.Context, cfg *config.Config, definitions []bots.Definition, log *slog.Logger, m mode) (*server, error) {
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
		log.Error("starting again failed, trying again", "err", err, "in", openAgainEvery)
		select {
		case <-ctx.Done():
			return nil, nil
		case <-time.After(openAgainEvery):
		}
	}
}
