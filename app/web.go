package app

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// webServer is a server of pages. An event stream has times of its own, since it
// stays.
func webServer(pages http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           whileBusy(pages),
		ConnContext:       withPlace,
		ConnState:         untilIdle,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      time.Minute, // bots.HTTPTimeout, and as much again for a slow phone
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          webLog(log),
	}
}

// serveWeb serves handler at l until ctx ends.
func (s *server) serveWeb(ctx context.Context, l net.Listener, handler http.Handler) error {
	srv := webServer(handler, s.log)
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	s.site.Close()
	s.api.Close()
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := srv.Shutdown(stop); err != nil {
		return srv.Close()
	}
	return nil
}
