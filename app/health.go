package app

import (
	"context"
	"fmt"
	"time"

	"ticketfrei/app/doctor"
	"ticketfrei/bots/all"
)

type healthCommand struct{ settingsFlags }

// Run asks the server that runs with the same settings whether it can work. It
// is the health check of the container image, which holds no other program.
func (cmd *healthCommand) Run(c *console) error {
	cfg, err := cmd.load(c, all.Networks())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.ctx, 5*time.Second)
	defer cancel()
	if err := doctor.Ready(ctx, cfg.Web.Listen); err != nil {
		return err
	}
	_, err = fmt.Fprintln(c.stdout, "ready")
	return err
}
