package mail

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strings"
	"testing"
	"time"
)

// dialogue speaks SMTP, byte by byte as the test says.
type dialogue struct {
	t    *testing.T
	conn net.Conn
	text *textproto.Reader
}

// dial connects and reads the greeting.
func dial(t *testing.T, addr string) *dialogue {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	d := &dialogue{t: t, conn: conn, text: textproto.NewReader(bufio.NewReader(conn))}
	return d
}

func (d *dialogue) write(s string) {
	d.t.Helper()
	if _, err := io.WriteString(d.conn, s); err != nil {
		d.t.Fatal(err)
	}
}

// reply reads one reply and returns it: the code and the text.
func (d *dialogue) reply() string {
	d.t.Helper()
	code, text, err := d.text.ReadCodeLine(0)
	if err != nil && code == 0 {
		d.t.Fatalf("reading a reply: %v", err)
	}
	return fmt.Sprintf("%d %s", code, text)
}

// multi reads a reply that may have several lines.
func (d *dialogue) multi() string {
	d.t.Helper()
	code, text, err := d.text.ReadResponse(0)
	if err != nil && code == 0 {
		d.t.Fatalf("reading a reply: %v", err)
	}
	return fmt.Sprintf("%d %s", code, text)
}

// say sends a line and expects a reply that begins with want.
func (d *dialogue) say(line, want string) string {
	d.t.Helper()
	d.write(line + "\r\n")
	got := d.multi()
	if !strings.HasPrefix(got, want) {
		d.t.Fatalf("%s: got %q, want %s", line, got, want)
	}
	return got
}

// greet reads the greeting and says EHLO.
func (d *dialogue) greet() *dialogue {
	d.t.Helper()
	if got := d.reply(); !strings.HasPrefix(got, "220 ") {
		d.t.Fatalf("greeting: %q", got)
	}
	d.say("EHLO client.example", "250 ")
	return d
}

// startTLS upgrades the connection and returns its certificate's serial number.
func (d *dialogue) startTLS() string {
	d.t.Helper()
	d.say("STARTTLS", "220 ")
	c := tls.Client(d.conn, &tls.Config{InsecureSkipVerify: true})
	if err := c.Handshake(); err != nil {
		d.t.Fatal(err)
	}
	d.conn, d.text = c, textproto.NewReader(bufio.NewReader(c))
	return c.ConnectionState().PeerCertificates[0].SerialNumber.String()
}

// send sends one mail over a new connection and returns the last reply.
func (b *bench) send(from string, to []string, mail string) string {
	b.t.Helper()
	d := dial(b.t, b.smtp).greet()
	defer d.conn.Close()
	d.say("MAIL FROM:<"+from+">", "250 ")
	for _, address := range to {
		d.say("RCPT TO:<"+address+">", "250 ")
	}
	d.say("DATA", "354 ")
	d.write(dotted(mail))
	return d.multi()
}

// crlf is a mail with the line ends that the network has.
func crlf(mail string) string {
	mail = strings.ReplaceAll(strings.ReplaceAll(mail, "\r\n", "\n"), "\n", "\r\n")
	if !strings.HasSuffix(mail, "\r\n") {
		mail += "\r\n"
	}
	return mail
}

// dotted is a mail as it goes through DATA: dots doubled, the end.
func dotted(mail string) string {
	mail = crlf(mail)
	if strings.HasPrefix(mail, ".") {
		mail = "." + mail
	}
	return strings.ReplaceAll(mail, "\r\n.", "\r\n..") + ".\r\n"
}
