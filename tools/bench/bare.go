package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"
)

// bareSMTP is a mail server made of nothing but the library that the program
// uses. It throws everything away: no program with that library can be faster.
type bareSMTP struct {
	addr   string
	server *smtp.Server
	done   chan struct{}
}

func startBareSMTP() (*bareSMTP, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	srv := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return discarding{}, nil }))
	srv.Domain = "bare.example"
	srv.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	b := &bareSMTP{l.Addr().String(), srv, make(chan struct{})}
	go func() {
		defer close(b.done)
		_ = srv.Serve(l) // ends with Close
	}()
	return b, nil
}

func (b *bareSMTP) close() {
	b.server.Close()
	<-b.done
}

// discarding is a session of bareSMTP.
type discarding struct{}

func (discarding) Mail(string, *smtp.MailOptions) error { return nil }
func (discarding) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (discarding) Reset()                               {}
func (discarding) Logout() error                        { return nil }
func (discarding) Data(r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	return err
}

// barePublish is how many messages of 1 KB a second a JetStream takes that
// syncs each to disk. It is set up as the program's queue is.
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
	rate, err := publishFor(ctx, conn, publishers, while)
	if err != nil {
		return 0, fmt.Errorf("bare JetStream: %w", err)
	}
	return rate, nil
}

// publishFor publishes for a while and returns the messages a second.
func publishFor(ctx context.Context, conn *nats.Conn, publishers int, while time.Duration) (float64, error) {
	js, err := jetstream.New(conn)
	if err != nil {
		return 0, err
	}
	if _, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: "BARE", Subjects: []string{"bare"}}); err != nil {
		return 0, err
	}
	var n atomic.Int64
	body := make([]byte, 1024)
	began := time.Now()
	var group errgroup.Group
	for range publishers {
		group.Go(func() error {
			for time.Since(began) < while {
				if _, err := js.Publish(ctx, "bare", body); err != nil {
					return err
				}
				n.Add(1)
			}
			return nil
		})
	}
	err = group.Wait()
	return float64(n.Load()) / time.Since(began).Seconds(), err
}
