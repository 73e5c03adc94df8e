package app

import (
	"context"
	"net"
	"os"

	"ticketfrei/internal/config"
)

// processName is what this process is called among those that share the cities: by its
// machine, and its port there.
func processName(cfg *config.Config) string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	if _, port, err := net.SplitHostPort(cfg.Web.Listen); err == nil {
		return net.JoinHostPort(host, port)
	}
	return host
}

// shareCities shares the cities with other processes, where the database is one that they
// can have as well, until ctx is asked to end or the server has failed. What other
// processes are to work for now is theirs when it returns.
func (s *server) shareCities(asked, running context.Context) {
	ctx, cancel := context.WithCancel(asked)
	defer cancel()
	defer context.AfterFunc(running, cancel)()
	if s.owner == nil {
		<-ctx.Done()
		return
	}
	s.owner.Run(ctx, s.sup, s.relay, s.accounts)
}
