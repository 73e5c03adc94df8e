package main

import (
	"io"
	"log/slog"
	"net"

	"github.com/emersion/go-smtp"
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
