package mailer

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// remote is a real SMTP server on loopback that does what the test says.
type remote struct {
	addr string
	srv  *smtp.Server

	mu      sync.Mutex
	conns   int
	mails   []Mail
	tls     []bool
	hellos  []string
	logins  []string
	failAt  string          // stage that is refused: "mail", "rcpt", "data"
	with    *smtp.SMTPError // what it is refused with
	text    string          // if set, only mails with it are refused
	datas   int             // how many mails came as far as their text
	block   chan struct{}   // if set, MAIL waits until it is closed
	waiting chan struct{}   // if set, told of every MAIL that waits
}

func startRemote(t *testing.T, configure func(*smtp.Server)) *remote {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return startRemoteAt(t, l, configure)
}

func startRemoteAt(t *testing.T, l net.Listener, configure func(*smtp.Server)) *remote {
	t.Helper()
	r := &remote{addr: l.Addr().String()}
	r.srv = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		_, secure := c.TLSConnectionState()
		r.mu.Lock()
		defer r.mu.Unlock()
		r.hellos = append(r.hellos, c.Hostname())
		return &remoteSession{remote: r, secure: secure}, nil
	}))
	r.srv.Domain, r.srv.ErrorLog = "mx.example", quiet{}
	if configure != nil {
		configure(r.srv)
	}
	ended := make(chan error, 1)
	go func() { ended <- r.srv.Serve(counted{l, r}) }()
	t.Cleanup(func() {
		r.srv.Close()
		l.Close() // if the library has not begun to accept yet
		<-ended
	})
	return r
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

// counted counts the connections.
type counted struct {
	net.Listener
	remote *remote
}

func (l counted) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		l.remote.mu.Lock()
		l.remote.conns++
		l.remote.mu.Unlock()
	}
	return c, err
}

func (r *remote) refuse(stage string, code int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failAt, r.with = stage, &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 1, 1}, Message: "no  thanks"}
}

// seen returns the mails since the last call and the number of connections so
// far.
func (r *remote) seen() ([]Mail, int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	mails := r.mails
	r.mails = nil
	return mails, r.conns
}

type remoteSession struct {
	remote *remote
	secure bool
	mail   Mail
}

func (s *remoteSession) answer(stage string) error {
	s.remote.mu.Lock()
	defer s.remote.mu.Unlock()
	if s.remote.failAt == stage {
		return s.remote.with
	}
	return nil
}

func (s *remoteSession) Mail(from string, _ *smtp.MailOptions) error {
	s.remote.mu.Lock()
	block, waiting := s.remote.block, s.remote.waiting
	s.remote.mu.Unlock()
	if waiting != nil {
		waiting <- struct{}{}
	}
	if block != nil {
		<-block
	}
	s.mail.From = from
	return s.answer("mail")
}

func (s *remoteSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.mail.To = to
	return s.answer("rcpt")
}

func (s *remoteSession) Data(r io.Reader) error {
	var err error
	if s.mail.Data, err = io.ReadAll(r); err != nil {
		return err
	}
	s.remote.mu.Lock()
	s.remote.datas++
	fine := !strings.Contains(string(s.mail.Data), s.remote.text)
	s.remote.mu.Unlock()
	if err := s.answer("data"); err != nil && !fine {
		return err
	}
	s.remote.mu.Lock()
	defer s.remote.mu.Unlock()
	s.remote.mails = append(s.remote.mails, s.mail)
	s.remote.tls = append(s.remote.tls, s.secure)
	return nil
}

func (s *remoteSession) Reset()        {}
func (s *remoteSession) Logout() error { return nil }

// authSession asks for a login.
type authSession struct {
	*remoteSession
	mechanism string
}

func (s *authSession) AuthMechanisms() []string { return []string{s.mechanism} }

func (s *authSession) Auth(string) (sasl.Server, error) {
	check := func(user, password string) error {
		s.remote.mu.Lock()
		defer s.remote.mu.Unlock()
		s.remote.logins = append(s.remote.logins, user)
		if password != "s3cr@t" {
			return &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: "wrong password"}
		}
		return nil
	}
	if s.mechanism == sasl.Plain {
		return sasl.NewPlainServer(func(_, user, password string) error { return check(user, password) }), nil
	}
	return &loginServer{check: check}, nil
}

// loginServer is AUTH LOGIN, of which the library has only the client.
type loginServer struct {
	check func(user, password string) error
	user  string
	asked bool
}

func (l *loginServer) Next(response []byte) ([]byte, bool, error) {
	if !l.asked {
		l.user, l.asked = string(response), true
		return []byte("Password:"), false, nil
	}
	return nil, true, l.check(l.user, string(response))
}
