package queue

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// startTimeout bounds how long the embedded server may take to read its files.
const startTimeout = 60 * time.Second

// startServer starts a NATS server inside this process. It opens no port
// (DontListen), leaves signals to us (NoSigs) and syncs every message to disk
// before acknowledging it (SyncAlways, which is not JetStream's default).
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
	logger := &serverLog{log: log, fatal: make(chan string, 1)}
	srv.SetLoggerV2(logger, false, false, false)
	srv.Start()
	if err := waitReady(srv, logger.fatal); err != nil {
		srv.Shutdown()
		return nil, fmt.Errorf("start the queue in %s: %w; is the directory writable, and is there room on the disk?", dir, err)
	}
	if logger.damaged.Load() {
		log.Error("some files of the queue are damaged: what can be read of it goes on, what was under way may be lost", "dir", dir)
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

// serverLog writes the server's log to ours. The server's notices become debug
// lines.
type serverLog struct {
	log     *slog.Logger
	fatal   chan string // gets what would end the server if it were a process of its own
	damaged atomic.Bool // it complained about its files
}

// complaints are words of the server's warnings about damaged files.
var complaints = []string{"corrupt", "checksum", "metafile"}

func (l *serverLog) Warnf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	for _, word := range complaints {
		if strings.Contains(text, word) {
			l.damaged.Store(true)
		}
	}
	l.log.Warn("queue: " + strings.TrimSpace(text))
}

func (l *serverLog) Errorf(format string, v ...any) {
	l.log.Error("queue: " + fmt.Sprintf(format, v...))
}

func (l *serverLog) Fatalf(format string, v ...any) {
	select {
	case l.fatal <- fmt.Sprintf(format, v...):
	default: // the first one says it
	}
}

func (l *serverLog) Noticef(format string, v ...any) { l.debug(format, v...) }
func (l *serverLog) Debugf(format string, v ...any)  { l.debug(format, v...) }
func (l *serverLog) Tracef(string, ...any)           {}

func (l *serverLog) debug(format string, v ...any) {
	l.log.Debug("queue: " + fmt.Sprintf(format, v...))
}
