package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// bareSMTP is a mail server of the library that the program uses, which throws
// everything away: faster than that no program with it can be.
type bareSMTP struct{ addr string }

// startBareSMTP starts one; stop ends it.
func startBareSMTP() (_ bareSMTP, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return bareSMTP{}, nil, err
	}
	srv := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return discarding{}, nil }))
	srv.Domain = "bare.example"
	srv.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(l) // ends with Close
	}()
	return bareSMTP{l.Addr().String()}, func() { srv.Close(); <-done }, nil
}

type discarding struct{}

func (discarding) Mail(string, *smtp.MailOptions) error { return nil }
func (discarding) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (discarding) Reset()                               {}
func (discarding) Logout() error                        { return nil }
func (discarding) Data(r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	return err
}

// barePublish is how many messages of 1 KB a second go into a JetStream that
// syncs each to disk, set up as the program's queue is.
func barePublish(ctx context.Context, b *bench, publishers int, while time.Duration) (float64, error) {
	dir, err := b.newDir("jetstream")
	if err != nil {
		return 0, err
	}
	srv, err := server.NewServer(&server.Options{DontListen: true, NoSigs: true, JetStream: true, StoreDir: dir, SyncAlways: true})
	if err != nil {
		return 0, fmt.Errorf("bare JetStream: %w", err)
	}
	srv.Start()
	defer func() { srv.Shutdown(); srv.WaitForShutdown() }()
	if !srv.ReadyForConnections(startTimeout) {
		return 0, errors.New("bare JetStream: not ready")
	}
	conn, err := nats.Connect("", nats.InProcessServer(srv))
	if err != nil {
		return 0, fmt.Errorf("bare JetStream: %w", err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		return 0, fmt.Errorf("bare JetStream: %w", err)
	}
	if _, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: "BARE", Subjects: []string{"bare"}}); err != nil {
		return 0, fmt.Errorf("bare JetStream: %w", err)
	}
	return publishFor(ctx, js, publishers, while)
}

func publishFor(ctx context.Context, js jetstream.JetStream, publishers int, while time.Duration) (float64, error) {
	var group sync.WaitGroup
	var n atomic.Int64
	var failed atomic.Value
	body := make([]byte, 1024)
	began := time.Now()
	for range publishers {
		group.Go(func() {
			for time.Since(began) < while {
				if _, err := js.Publish(ctx, "bare", body); err != nil {
					failed.Store(err)
					return
				}
				n.Add(1)
			}
		})
	}
	group.Wait()
	if err, ok := failed.Load().(error); ok {
		return 0, fmt.Errorf("bare JetStream: %w", err)
	}
	return float64(n.Load()) / time.Since(began).Seconds(), nil
}
