// Package mailertest is the mail server that the tests of other packages send to.
package mailertest

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"ticketfrei/internal/mailer"
)

// Server is a mail server on loopback that keeps what is sent to it.
type Server struct {
	Addr string // host:port

	mu       sync.Mutex
	mails    []mailer.Mail
	answer   func(stage, address string) error
	judge    func(mailer.Mail) error
	greeting string // for everybody, and nothing more; empty: the ordinary one
	password string // that logins need; empty: there are none
	open     map[net.Conn]bool
}

// Start starts a server that takes every mail; it stops with the test.
func Start(tb testing.TB) *Server {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	s := &Server{Addr: l.Addr().String(), open: make(map[net.Conn]bool)}
	srv := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &session{server: s}, nil }))
	srv.Domain, srv.ErrorLog = "relay.example", slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	srv.AllowInsecureAuth = true
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(door{l, s}) }()
	tb.Cleanup(func() {
		srv.Close()
		l.Close() // if the library has not begun to accept yet
		if err := <-ended; err != nil && !errors.Is(err, net.ErrClosed) {
			tb.Error(err)
		}
	})
	return s
}

// Answer makes answer decide about each stage ("mail", "rcpt", "data") of every
// mail from now on. address is the sender or the recipient. answer may return a
// [*smtp.SMTPError] and may block. Nil takes every mail.
func (s *Server) Answer(answer func(stage, address string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

// Judge makes judge decide about each mail when it is all there, as [Server.Answer]
// does about the stages. Nil takes every mail.
func (s *Server) Judge(judge func(mailer.Mail) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.judge = judge
}

// Greet makes the server say line in place of its greeting, and hang up: "554 no". Who
// is connected is cut off. An empty one lets everybody in.
func (s *Server) Greet(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.greeting = line
	s.cutOff()
}

// Login makes the server offer logins, and refuse those with another password. Who is
// connected is cut off. Before, none are offered.
func (s *Server) Login(password string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.password = password
	s.cutOff()
}

func (s *Server) cutOff() {
	for c := range s.open {
		_ = c.Close()
	}
	clear(s.open)
}

// door is where connections come in.
type door struct {
	net.Listener
	server *Server
}

func (d door) Accept() (net.Conn, error) {
	for {
		c, err := d.Listener.Accept()
		if err != nil || d.server.admit(c) {
			return c, err
		}
	}
}

// admit is false where the greeting has ended a connection.
func (s *Server) admit(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.greeting != "" {
		_, _ = io.WriteString(c, s.greeting+"\r\n")
		_ = c.Close()
		return false
	}
	s.open[c] = true
	return true
}

// Take returns the mails that came since the last call, one for each recipient.
func (s *Server) Take() []mailer.Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	mails := s.mails
	s.mails = nil
	return mails
}

func (s *Server) ask(stage, address string) error {
	s.mu.Lock()
	answer := s.answer
	s.mu.Unlock()
	if answer == nil {
		return nil
	}
	return answer(stage, address)
}

// session is one dialogue.
type session struct {
	server *Server
	from   string
	to     []string
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.from, s.to = from, nil
	return s.server.ask("mail", from)
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if err := s.server.ask("rcpt", to); err != nil {
		return err
	}
	s.to = append(s.to, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.server.mu.Lock()
	judge := s.server.judge
	s.server.mu.Unlock()
	for _, to := range s.to {
		if err := s.server.ask("data", to); err != nil {
			return err
		}
		if judge == nil {
			continue
		}
		if err := judge(mailer.Mail{From: s.from, To: to, Data: data}); err != nil {
			return err
		}
	}
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	for _, to := range s.to {
		s.server.mails = append(s.server.mails, mailer.Mail{From: s.from, To: to, Data: data})
	}
	return nil
}

func (s *session) Reset()        { s.from, s.to = "", nil }
func (s *session) Logout() error { return nil }

// AuthMechanisms and Auth are for the library.
func (s *session) AuthMechanisms() []string {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	if s.server.password == "" {
		return nil
	}
	return []string{sasl.Plain}
}

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, _, password string) error {
		s.server.mu.Lock()
		defer s.server.mu.Unlock()
		if s.server.password != password {
			return &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: "wrong login"}
		}
		return nil
	}), nil
}
