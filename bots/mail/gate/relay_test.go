package gate

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/pires/go-proxyproto"
)

// proxied is a header of the PROXY protocol for a client; version 1 or 2.
func proxied(t testing.TB, version byte, client string) string {
	t.Helper()
	source := net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(client), 4711))
	dest := &net.TCPAddr{IP: net.ParseIP("192.0.2.250"), Port: 25}
	if source.AddrPort().Addr().Is6() {
		dest.IP = net.ParseIP("2001:db8::250")
	}
	raw, err := proxyproto.HeaderProxyFromAddrs(version, source, dest).Format()
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// local is the header with which a proxy speaks for itself.
func local(t testing.TB) string {
	t.Helper()
	raw, err := (&proxyproto.Header{Version: 2, Command: proxyproto.LOCAL}).Format()
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// isLoopback is a rule: this machine is a relay of ours.
func isLoopback(a netip.Addr) bool { return a.IsLoopback() }

// TestWhatARelaySays sends what relays do, and looks at what is left for the
// server, what is answered, and who the client is then.
func TestWhatARelaySays(t *testing.T) {
	const ready = "220 mail.example ESMTP\r\n"
	const no = "501 5.5.4 bad XCLIENT attribute\r\n"
	const mail = "MAIL FROM:<rider@example.org>\r\n"
	tests := []struct {
		name, sent     string
		left, answered string
		client         string // empty: not known
	}{
		{"nothing", "EHLO relay\r\n" + mail, "EHLO relay\r\n" + mail, "", ""},
		{"PROXY 1", proxied(t, 1, "192.0.2.7") + "EHLO x\r\n", "EHLO x\r\n", "", "192.0.2.7"},
		{"PROXY 2", proxied(t, 2, "192.0.2.7") + "EHLO x\r\n", "EHLO x\r\n", "", "192.0.2.7"},
		{"PROXY 1, IPv6", proxied(t, 1, "2001:db8::7"), "", "", "2001:db8::7"},
		{"PROXY 2, IPv6", proxied(t, 2, "2001:db8::7"), "", "", "2001:db8::7"},
		{"PROXY of a proxy itself", local(t) + mail, mail, "", ""},
		{"PROXY UNKNOWN", "PROXY UNKNOWN\r\n" + mail, mail, "", ""},
		{"PROXY twice", proxied(t, 1, "192.0.2.7") + proxied(t, 1, "192.0.2.8"), proxied(t, 1, "192.0.2.8"), "", "192.0.2.7"},
		{"PROXY of a gateway", proxied(t, 1, "172.17.0.1"), "", "", ""},
		{"XCLIENT behind PROXY", proxied(t, 1, "192.0.2.7") + "XCLIENT ADDR=192.0.2.8\r\n", "XCLIENT ADDR=192.0.2.8\r\n", "", "192.0.2.7"},
		{"XCLIENT behind a relay behind PROXY", proxied(t, 1, "127.0.0.2") + "XCLIENT ADDR=192.0.2.8\r\n", "", ready, "192.0.2.8"},
		{"XCLIENT", "EHLO relay\r\nXCLIENT ADDR=192.0.2.7 HELO=phone.example NAME=[UNAVAILABLE]\r\n" + mail,
			"EHLO relay\r\n" + mail, ready, "192.0.2.7"},
		{"XCLIENT in small letters", "xclient addr=ipv6:2001:db8::7\r\n", "", ready, "2001:db8::7"},
		{"XCLIENT, bytes written otherwise", "XCLIENT ADDR=192.0.2.+37 HELO=a+2Bb\r\n", "", ready, "192.0.2.7"},
		{"XCLIENT, IPv4 as IPv6", "XCLIENT ADDR=IPV6:::ffff:192.0.2.7\r\n", "", ready, "192.0.2.7"},
		{"XCLIENT in two commands", "XCLIENT HELO=phone.example\r\nXCLIENT ADDR=192.0.2.7\r\n", "", ready + ready, "192.0.2.7"},
		{"XCLIENT without an address", "XCLIENT ADDR=[UNAVAILABLE] HELO=[UNAVAILABLE]\r\n" + mail, mail, ready, ""},
		{"XCLIENT, and the client tries too", "XCLIENT ADDR=192.0.2.7\r\nXCLIENT ADDR=192.0.2.8\r\n", "XCLIENT ADDR=192.0.2.8\r\n", ready, "192.0.2.7"},
		{"XCLIENT not known, and the client tries too", "XCLIENT ADDR=[UNAVAILABLE]\r\nXCLIENT ADDR=192.0.2.8\r\n", "XCLIENT ADDR=192.0.2.8\r\n", ready, ""},
		{"XCLIENT in a mail", "EHLO relay\r\n" + mail + "XCLIENT ADDR=192.0.2.7\r\n", "EHLO relay\r\n" + mail + "XCLIENT ADDR=192.0.2.7\r\n", "", ""},
		{"XCLIENT, a name that is none", "XCLIENT HELO=a+00b ADDR=192.0.2.7\r\n", "", ready, "192.0.2.7"},
		{"XCLIENT without anything", "XCLIENT\r\n", "", no, ""},
		{"XCLIENT, unknown attribute", "XCLIENT ADDR=192.0.2.7 COLOUR=red\r\n", "", no, ""},
		{"XCLIENT, no value", "XCLIENT ADDR\r\n", "", no, ""},
		{"XCLIENT, no address", "XCLIENT ADDR=phone.example\r\n", "", no, ""},
		{"XCLIENT, zone", "XCLIENT ADDR=IPV6:fe80::1%eth0\r\n", "", no, ""},
		{"XCLIENT, broken byte", "XCLIENT HELO=a+1\r\n", "", no, ""},
		{"half a line", "EHLO rel", "EHLO rel", "", ""},
		{"a long line", strings.Repeat("x", 9000) + "\r\n", strings.Repeat("x", 9000) + "\r\n", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := open(t, Rules{All: 3, Each: 3, Trusted: isLoopback,
				Gateway: func(a netip.Addr) bool { return a == netip.MustParseAddr("172.17.0.1") }})
			client, c := e.enter()
			if _, err := io.WriteString(client, tt.sent); err != nil {
				t.Fatal(err)
			}
			_ = client.(*net.TCPConn).CloseWrite()
			left, err := io.ReadAll(c)
			if err != nil || string(left) != tt.left {
				t.Errorf("left for the server: %q %v, want %q", left, err, tt.left)
			}
			addr, known := c.Client()
			if known != (tt.client != "") || known && addr.String() != tt.client {
				t.Errorf("client %s %t, want %s", addr, known, tt.client)
			}
			c.Close()
			if answered, err := io.ReadAll(client); err != nil || string(answered) != tt.answered {
				t.Errorf("answered %q %v, want %q", answered, err, tt.answered)
			}
		})
	}
}

func TestBrokenHeaderEndsTheConnection(t *testing.T) {
	e := open(t, Rules{All: 3, Each: 3, Trusted: isLoopback})
	for _, header := range []string{"PROXY TCP4 nonsense\r\n", "PROXY TCP4 192.0.2.7", string(proxyproto.SIGV2) + "\xff"} {
		client, c := e.enter()
		if _, err := io.WriteString(client, header); err != nil {
			t.Fatal(err)
		}
		_ = client.(*net.TCPConn).CloseWrite()
		if n, err := c.Read(make([]byte, 100)); err == nil || n > 0 {
			t.Errorf("%q was taken", header)
		}
		c.Close()
	}
}

// TestHeaderOfAStranger has somebody claim to be somebody else who is no relay of
// ours.
func TestHeaderOfAStranger(t *testing.T) {
	e := open(t, Rules{All: 3, Each: 3})
	for version := range byte(2) {
		client, c := e.enter()
		if _, err := io.WriteString(client, proxied(t, version+1, "192.0.2.7")+"EHLO x\r\n"); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(make([]byte, 100)); !errors.Is(err, errProxyHeader) {
			t.Errorf("version %d: %v", version+1, err)
		}
		if addr, _ := c.Client(); addr != netip.MustParseAddr("127.0.0.1") {
			t.Errorf("taken for %s", addr)
		}
		c.Close()
	}
}

// TestClientBehindARelay has a relay bring many connections of one client: they are
// counted together, and the relay is not.
func TestClientBehindARelay(t *testing.T) {
	e := open(t, Rules{All: 9, Each: 2, Trusted: isLoopback})
	bring := func(client string) (net.Conn, *Conn) {
		conn, c := e.enter()
		if _, err := io.WriteString(conn, proxied(t, 1, client)+"EHLO x\r\n"); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(make([]byte, 100)); err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		return conn, c
	}
	_, first := bring("192.0.2.7")
	_, second := bring("192.0.2.7")
	third, refused := bring("192.0.2.7") // the others are busy: the server works for them
	if got, err := bufio.NewReader(third).ReadString('\n'); err != nil || got != "421 no room\r\n" {
		t.Errorf("answered %q %v", got, err)
	}
	refused.Close()
	for range 3 {
		bring("192.0.2.8")
		e.enter() // says nothing of a client
	}
	if first.Broken() || second.Broken() {
		t.Error("another client's connection had to go")
	}
}

// FuzzXCLIENT looks for what a client could make of an announcement.
func FuzzXCLIENT(f *testing.F) {
	f.Add("ADDR=192.0.2.7 HELO=phone.example")
	f.Add("addr=IPV6:2001:db8::7 NAME=[UNAVAILABLE] PORT=1")
	f.Add("HELO=a+2Bb ADDR=[TEMPUNAVAIL]")
	f.Add("HELO=+0d+0a ADDR=IPV6:::ffff:1.2.3.4")
	f.Fuzz(func(t *testing.T, args string) {
		s, err := parseXCLIENT(args)
		if err != nil {
			return
		}
		if s.addr.Zone() != "" || s.addr.Is4In6() || s.addr.IsValid() && !s.withAddr {
			t.Errorf("address %+v", s)
		}
	})
}

// FuzzRelay sends anything as a relay: what is no announcement reaches the server
// as it is.
func FuzzRelay(f *testing.F) {
	f.Add([]byte("EHLO relay\r\nNOOP\r\nMAIL FROM:<>\r\nXCLIENT ADDR=192.0.2.7\r\n"), 7)
	f.Add([]byte("EHLO relay\r\nSTARTTLS\r\n\x16\x03\x01"), 1)
	f.Add([]byte("PROXX\r\n\r\n\x00"), 3)
	f.Fuzz(func(t *testing.T, sent []byte, size int) {
		if strings.Contains(strings.ToUpper(string(sent)), "XCLIENT") ||
			strings.HasPrefix(string(sent), string(proxyproto.SIGV1)) || strings.HasPrefix(string(sent), string(proxyproto.SIGV2)) {
			return
		}
		client, server := net.Pipe()
		go func() {
			_, _ = client.Write(sent)
			client.Close()
		}()
		c := &Conn{Conn: server, gate: &Gate{rules: Rules{Trusted: nobody}}}
		left, err := io.ReadAll(inPieces{newRelay(c), 1 + (size&0xff+0x100)%0x100})
		if err != nil || string(left) != string(sent) {
			t.Errorf("%q reached the server as %q, %v", sent, left, err)
		}
	})
}

// inPieces reads at most so many bytes at a time.
type inPieces struct {
	io.Reader
	size int
}

func (p inPieces) Read(b []byte) (int, error) { return p.Reader.Read(b[:min(len(b), p.size)]) }
