package app

import (
	"context"
	"log/slog"
	"os"
	"slices"
	"strings"

	"ticketfrei/bots"
	"ticketfrei/internal/config"
)

// reload reads the settings again while the server runs. Certificates, the password of the
// relay and the texts that settings name are read as they are used, and need none.
type reload struct {
	settingsFlags
	console *console
	server  *server
	level   *slog.LevelVar

	cfg         *config.Config // as they are in force
	definitions []bots.Definition
}

// run reads the settings at each signal, until ctx ends.
func (r *reload) run(ctx context.Context, hangups <-chan os.Signal) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangups:
			r.read()
		}
	}
}

// read takes over the settings that can change. If any is wrong, none is.
func (r *reload) read() {
	log := r.server.log
	cfg, definitions, err := r.loadNetworks(r.console)
	if err != nil {
		log.Error("the settings are wrong: nothing was changed", "err", err)
		return
	}
	changed, err := config.Changed(r.cfg, cfg, sections(r.definitions), sections(definitions))
	if err != nil {
		log.Error("the settings could not be compared: nothing was changed", "err", err)
		return
	}
	for _, w := range cfg.Warnings {
		log.Warn(w.Error())
	}
	taken, waiting := r.take(cfg, changed)
	log.Info("the settings were read again", "changed", strings.Join(taken, ", "))
	if len(waiting) > 0 {
		log.Warn("some settings take effect with a restart only", "settings", strings.Join(waiting, ", "))
	}
}

// take takes over what can change, and returns what that is and what has to wait.
func (r *reload) take(cfg *config.Config, changed []string) (taken, waiting []string) {
	for _, key := range changed {
		if slices.Contains([]string{"log.level", "web.signup", "web.operator"}, key) || strings.HasPrefix(key, "brakes.") {
			taken = append(taken, key)
		} else {
			waiting = append(waiting, key)
		}
	}
	if slices.Contains(taken, "log.level") {
		_ = r.level.UnmarshalText([]byte(cfg.Log.Level)) // which was checked
	}
	r.server.relay.SetBrakes(cfg.Brakes)
	r.server.cities.SetDoor(doorOf(cfg.Web))
	inForce := *r.cfg
	inForce.Log.Level, inForce.Brakes = cfg.Log.Level, cfg.Brakes
	inForce.Web.Signup, inForce.Web.Operator = cfg.Web.Signup, cfg.Web.Operator
	r.cfg = &inForce
	return taken, waiting
}
