// Package dnstest is the name server that the tests of other packages ask.
package dnstest

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"
)

// Server is a name server on loopback that knows what a test tells it. Every
// other name does not exist.
type Server struct {
	udp, tcp string // host:port

	mu      sync.Mutex
	records map[string][]dns.RR // by name
	fails   map[string]bool     // names that are answered with a failure
	silent  map[string]bool     // names that are not answered
	asked   []string
}

// Start starts a server; it stops with the test.
func Start(tb testing.TB) *Server {
	tb.Helper()
	s := &Server{records: map[string][]dns.RR{}, fails: map[string]bool{}, silent: map[string]bool{}}
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	s.udp, s.tcp = packets.LocalAddr().String(), l.Addr().String()
	for _, srv := range []*dns.Server{{PacketConn: packets, Handler: s}, {Listener: l, Handler: s}} {
		started, ended := make(chan struct{}), make(chan error, 1)
		srv.NotifyStartedFunc = func() { close(started) }
		go func() { ended <- srv.ActivateAndServe() }()
		<-started
		tb.Cleanup(func() {
			if err := errors.Join(srv.Shutdown(), <-ended); err != nil {
				tb.Error(err)
			}
		})
	}
	return s
}

// Resolver asks the server, whatever name servers the machine has.
func (s *Server) Resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, StrictErrors: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		address := s.udp
		if strings.HasPrefix(network, "tcp") {
			address = s.tcp
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
}

// TXT adds a text, of any length, to a name.
func (s *Server) TXT(name, text string) {
	var parts []string
	for len(text) > 255 {
		parts, text = append(parts, text[:255]), text[255:]
	}
	s.add(&dns.TXT{Hdr: dns.RR_Header{Name: dns.Fqdn(name), Rrtype: dns.TypeTXT, Class: dns.ClassINET}, Txt: append(parts, text)})
}

// Add adds a record as it stands in a zone file: "example.org. MX 10 mx.example.org.".
func (s *Server) Add(tb testing.TB, record string) {
	tb.Helper()
	rr, err := dns.NewRR(record)
	if err != nil {
		tb.Fatal(err)
	}
	s.add(rr)
}

func (s *Server) add(rr dns.RR) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := strings.ToLower(rr.Header().Name)
	s.records[name] = append(s.records[name], rr)
}

// Fail has the server fail at a name from now on (SERVFAIL).
func (s *Server) Fail(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fails[dns.Fqdn(name)] = true
}

// Silence leaves questions for a name unanswered from now on.
func (s *Server) Silence(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.silent[dns.Fqdn(name)] = true
}

// Asked returns the questions since the last call, such as "TXT example.org".
func (s *Server) Asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.asked
	s.asked = nil
	return asked
}

// ServeDNS is for the library.
func (s *Server) ServeDNS(w dns.ResponseWriter, question *dns.Msg) {
	if answer := s.answer(question); answer != nil {
		if _, udp := w.RemoteAddr().(*net.UDPAddr); udp {
			answer.Truncate(dns.MinMsgSize)
		}
		_ = w.WriteMsg(answer)
	}
}

// answer is nil where there is none.
func (s *Server) answer(question *dns.Msg) *dns.Msg {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := question.Question[0]
	name := strings.ToLower(q.Name)
	s.asked = append(s.asked, dns.TypeToString[q.Qtype]+" "+strings.TrimSuffix(name, "."))
	answer := new(dns.Msg).SetReply(question)
	answer.Authoritative = true
	switch {
	case s.silent[name]:
		return nil
	case s.fails[name]:
		return answer.SetRcode(question, dns.RcodeServerFailure)
	case len(s.records[name]) == 0:
		return answer.SetRcode(question, dns.RcodeNameError)
	}
	for _, rr := range s.records[name] {
		if rr.Header().Rrtype == q.Qtype {
			answer.Answer = append(answer.Answer, rr)
		}
	}
	return answer
}
