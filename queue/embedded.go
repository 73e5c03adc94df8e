package queue

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// startTimeout bounds how long the embedded server may take to read its files.
const startTimeout = 60 * time.Second

// startServer starts a NATS server inside this process. It opens no port
// (DontListen), leaves signals to us (NoSigs) and fsyncs every message before
// it is acknowledged (SyncAlways, which JetStream does not do by default).
func startServer(dir string, log *slog.Logger) (*server.Server, error) {
	srv, err := server.NewServer(&server.Options{
		ServerName:        "ticketfrei",
		DontListen:        true,
		NoSigs:            true,
		JetStream:         true,
		StoreDir:          dir,
		SyncAlways:        true,
		JetStreamMaxStore: -1,
		MaxPayload:        1 << 20,
		NoSystemAccount:   true,
	})
	if err != nil {
		return nil, fmt.Errorf("start the queue in %s: %w", dir, err)
	}
	fatal := make(chan string, 1)
	srv.SetLoggerV2(serverLog{log, fatal}, false, false, false)
	srv.Start()
	if err := waitReady(srv, fatal); err != nil {
		srv.Shutdown()
		return nil, fmt.Errorf("start the queue in %s: %w; is the directory writable, and is there room on the disk?", dir, err)
	}
	return srv, nil
}

// waitReady waits until the server takes connections or says why it cannot.
func waitReady(srv *server.Server, fatal <-chan string) error {
	deadline := time.Now().Add(startTimeout)
	for !srv.ReadyForConnections(50 * time.Millisecond) {
		select {
		case text := <-fatal:
			return errors.New(text)
		default:
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("not ready after %s", startTimeout)
		}
	}
	if !srv.JetStreamEnabled() {
		return errors.New("its files cannot be used")
	}
	return nil
}

// serverLog writes the server's log to ours; its notices are our debug lines.
// What would end the server's own process goes to fatal.
type serverLog struct {
	log   *slog.Logger
	fatal chan string
}

func (l serverLog) Noticef(format string, v ...any) {
	l.log.Debug("queue: " + fmt.Sprintf(format, v...))
}
func (l serverLog) Debugf(format string, v ...any) {
	l.log.Debug("queue: " + fmt.Sprintf(format, v...))
}
func (l serverLog) Tracef(string, ...any)         {}
func (l serverLog) Warnf(format string, v ...any) { l.log.Warn("queue: " + fmt.Sprintf(format, v...)) }
func (l serverLog) Errorf(format string, v ...any) {
	l.log.Error("queue: " + fmt.Sprintf(format, v...))
}
func (l serverLog) Fatalf(format string, v ...any) {
	select {
	case l.fatal <- fmt.Sprintf(format, v...):
	default: // the first says it
	}
}
