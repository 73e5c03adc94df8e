package supervisor

import (
	"context"
	"time"

	"ticketfrei/bots"
	"ticketfrei/internal/backoff"
)

// serveNetworks runs the networks' process-wide servers, each restarted on its
// own backoff.
func (s *Supervisor) serveNetworks(ctx context.Context) {
	for name, network := range s.Networks {
		if server, ok := network.(bots.Server); ok {
			s.group.Go(func() { s.serve(ctx, name, server) })
		}
	}
}

func (s *Supervisor) serve(ctx context.Context, name string, server bots.Server) {
	for failures := 0; ; failures++ {
		err := serveOnce(ctx, server)
		if ctx.Err() != nil {
			return
		}
		pause := backoff.Wait(s.Backoff, failures, time.Minute)
		s.metrics.restarts.WithLabelValues(name).Inc()
		s.Log.Error("the server of a network stopped, will be restarted", "network", name, "err", err, "in", pause)
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

func serveOnce(ctx context.Context, server bots.Server) error {
	return bots.Guard(func() error { return server.Serve(ctx) })
}
