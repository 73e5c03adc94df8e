package program

import (
	"ticketfrei/internal/cage"
	"ticketfrei/internal/config"
)

// caged says how the program is started.
func (m *Manifest) caged(cfg *config.Config) cage.Options {
	return cage.Options{Command: m.Command, Dir: m.Dir, Files: m.Files, Requires: m.Requires, Hidden: []string{cfg.Data},
		Network: m.Internet, Memory: m.Memory, User: cfg.Programs.User, Trusted: cfg.Programs.Trusted}
}
