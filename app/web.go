package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"ticketfrei/internal/config"
)

// socketMode lets the group of the program's user connect, in which the proxy's user has to be.
const socketMode = 0o660

// listenWeb opens the port, or the Unix socket, for the pages.
func listenWeb(ctx context.Context, listen string) (net.Listener, error) {
	path, isSocket := config.Socket(listen)
	if !isSocket {
		return new(net.ListenConfig).Listen(ctx, "tcp", listen)
	}
	if err := removeSocket(path); err != nil {
		return nil, err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, socketMode); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// removeSocket removes one that a program has left behind that was killed.
func removeSocket(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("%s is no socket, and is left alone", path)
	}
	if c, err := net.Dial("unix", path); err == nil {
		c.Close()
		return fmt.Errorf("another program serves at %s", path)
	}
	return os.Remove(path)
}

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
