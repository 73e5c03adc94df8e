package mail

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"ticketfrei/bots/mail/gate"
	"ticketfrei/internal/config"
	"ticketfrei/internal/slow"
)

// behindRelay makes this machine a relay of ours.
func behindRelay(c *config.Config) {
	c.Mail.TrustedNetworks = config.Networks{netip.MustParsePrefix("127.0.0.0/8")}
}

// small runs the server of the bench's network with so many connections, and
// returns its address and the sessions that begin.
func (b *bench) small(connections int) (address string, sessions <-chan *session) {
	b.t.Helper()
	host := b.network.host
	host.Connections = connections
	n, err := New(host)
	if err != nil {
		b.t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.t.Fatal(err)
	}
	srv := n.smtpServer(b.t.Context())
	begun := make(chan *session, 1000)
	begin := srv.Backend
	srv.Backend = smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		s, err := begin.NewSession(c)
		begun <- s.(*session)
		return s, err
	})
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(gate.New(l, n.admission())) }()
	b.t.Cleanup(func() {
		srv.Close()
		if err := <-ended; err != nil {
			b.t.Error(err)
		}
	})
	return l.Addr().String(), begun
}

// announced connects as a relay that brings a client.
func announced(t *testing.T, address, client string) *dialogue {
	t.Helper()
	d := dial(t, address)
	d.write(fmt.Sprintf("PROXY TCP4 %s 192.0.2.250 4711 25\r\n", client))
	return d
}

// mail sends a mail and expects that it is taken.
func (d *dialogue) mail() {
	d.t.Helper()
	d.say("MAIL FROM:<rider@example.org>", "250 ")
	d.say("RCPT TO:<nuernberg@"+domain+">", "250 ")
	d.say("DATA", "354 ")
	d.write(dotted(simple))
	if got := d.multi(); !strings.HasPrefix(got, "250 ") {
		d.t.Fatal(got)
	}
}

// TestIdleConnectionsMakeRoom opens far more connections than there are places, all
// from behind a gateway.
func TestIdleConnectionsMakeRoom(t *testing.T) {
	b := newBench(t, nil)
	b.city("nuernberg")
	address, _ := b.small(10)
	oldest := dial(t, address).greet()
	mail := dial(t, address).greet()
	mail.say("MAIL FROM:<rider@example.org>", "250 ")
	for range 50 {
		dial(t, address).greet()
	}
	if got := oldest.reply(); !strings.HasPrefix(got, "421 4.4.2 ") {
		t.Errorf("the oldest was told %s", got)
	}
	mail.say("RCPT TO:<nuernberg@"+domain+">", "250 ")
	mail.say("DATA", "354 ")
	mail.write("From: rider@example.org\r\n\r\nU1 ")
	for range 50 {
		dial(t, address).greet()
	}
	mail.write("Plärrer\r\n.\r\n")
	if got := mail.multi(); !strings.HasPrefix(got, "250 ") {
		t.Errorf("a mail that was being taken got %s", got)
	}
	dial(t, address).greet().mail()
	if n := len(b.take()); n != 2 {
		t.Errorf("heard %d mails, want 2", n)
	}
}

// TestSlowMailsMakeRoom has a few clients take their time within mails, as many as
// they may, and never be silent for long.
func TestSlowMailsMakeRoom(t *testing.T) {
	for name, begin := range map[string]func(*dialogue){
		"a command": func(d *dialogue) { d.say("NOOP", "250 ") },
		"text": func(d *dialogue) {
			d.say("RCPT TO:<nuernberg@"+domain+">", "250 ")
			d.say("DATA", "354 ")
			d.write("Subject: U")
		},
		"a chunk": func(d *dialogue) {
			d.say("RCPT TO:<nuernberg@"+domain+">", "250 ")
			d.say("BDAT 1\r\nS", "250 ")
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, behindRelay)
			b.city("nuernberg")
			address, _ := b.small(10)
			for i := range 10 {
				d := announced(t, address, fmt.Sprintf("192.0.2.%d", 10+i/2)).greet()
				d.say("MAIL FROM:<rider@example.org>", "250 ")
				begin(d)
			}
			announced(t, address, "192.0.2.1").greet().mail()
			if n := len(b.take()); n != 1 {
				t.Errorf("heard %d mails, want 1", n)
			}
		})
	}
}

// TestSilentInAMailMakesRoom has clients begin a mail each, and no more.
func TestSilentInAMailMakesRoom(t *testing.T) {
	slow.Test(t, "waits until those who began a mail have been silent for long")
	b := newBench(t, nil)
	b.city("nuernberg")
	address, _ := b.small(4)
	for range 4 {
		dial(t, address).greet().say("MAIL FROM:<rider@example.org>", "250 ")
	}
	for deadline := time.Now().Add(15 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		d := dial(t, address)
		if strings.HasPrefix(d.reply(), "220 ") {
			d.say("EHLO client.example", "250 ")
			d.mail()
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("they keep everybody out")
		}
	}
}

// TestOneClientLeavesRoomForOthers has one client open far more connections than
// are for one, while another takes its time.
func TestOneClientLeavesRoomForOthers(t *testing.T) {
	b := newBench(t, behindRelay)
	b.city("nuernberg")
	address, _ := b.small(10)
	patient := announced(t, address, "192.0.2.1").greet()
	for range 50 { // some may be told to come later, until one before them is closed
		d := announced(t, address, "192.0.2.7")
		d.reply()
		d.write("EHLO client.example\r\n")
		d.reply()
	}
	patient.mail()
	announced(t, address, "192.0.2.2").greet().mail()
	t.Run("and is told when all its own are busy", func(t *testing.T) {
		for range 2 { // a quarter of ten
			d := announced(t, address, "192.0.2.9").greet()
			d.say("MAIL FROM:<rider@example.org>", "250 ")
			d.say("RCPT TO:<nuernberg@"+domain+">", "250 ")
			d.say("DATA", "354 ")
			d.write("From: rider@example.org\r\n\r\n")
		}
		d := announced(t, address, "192.0.2.9")
		d.reply()
		if got := d.reply(); !strings.HasPrefix(got, "421 4.7.0 ") {
			t.Errorf("got %s", got)
		}
	})
}

// TestWhoBringsAMail looks at what a session knows of its client.
func TestWhoBringsAMail(t *testing.T) {
	tests := []struct {
		name         string
		before, then string // what is sent first; what is said after EHLO
		client       string // empty where it is not known
	}{
		{"a relay of ours for itself", "", "", ""},
		{"PROXY", "PROXY TCP4 192.0.2.7 192.0.2.250 4711 25\r\n", "", "192.0.2.7"},
		{"PROXY, IPv6", "PROXY TCP6 2001:db8::7 2001:db8::250 4711 25\r\n", "", "2001:db8::7"},
		{"XCLIENT", "", "XCLIENT ADDR=192.0.2.7 HELO=phone.example", "192.0.2.7"},
		{"XCLIENT without a name", "", "XCLIENT ADDR=192.0.2.7 NAME=[UNAVAILABLE]", "192.0.2.7"},
	}
	b := newBench(t, behindRelay)
	b.city("nuernberg")
	address, sessions := b.small(100)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := dial(t, address)
			d.write(tt.before)
			d.greet()
			if tt.then != "" {
				d.say(tt.then, "220 ")
				d.say("EHLO client.example", "250 ")
			}
			d.mail()
			s := <-sessions
			addr, known := s.client()
			if known != (tt.client != "") || known && addr.String() != tt.client {
				t.Errorf("client %s %t, want %s", addr, known, tt.client)
			}
		})
	}
}

func TestXCLIENTIsOffered(t *testing.T) {
	b := newBench(t, behindRelay)
	d := dial(t, b.smtp)
	d.reply()
	if got := d.say("EHLO relay.example", "250 "); !strings.Contains(got, "\nXCLIENT ADDR HELO ") || !strings.Contains(got, "\nSIZE ") {
		t.Errorf("greeted with %s", got)
	}
	d.say("HELO relay.example", "250 ")
	d.say("XCLIENT ADDR=nonsense", "501 5.5.4 ")
	d.say("XCLIENT ADDR=192.0.2.7", "220 ")
	if got := d.say("EHLO phone.example", "250 "); strings.Contains(got, "XCLIENT") {
		t.Errorf("the client was greeted with %s", got)
	}
	d.say("XCLIENT ADDR=192.0.2.8", "501 ")
}

// TestStrangersCannotSayWhoTheyAre has somebody who is no relay of ours.
func TestStrangersCannotSayWhoTheyAre(t *testing.T) {
	b := newBench(t, func(c *config.Config) {
		c.Mail.TrustedNetworks = config.Networks{netip.MustParsePrefix("192.0.2.0/24")}
	})
	d := dial(t, b.smtp)
	d.reply()
	if got := d.say("EHLO client.example", "250 "); strings.Contains(got, "XCLIENT") {
		t.Errorf("offered to a stranger: %s", got)
	}
	d.say("XCLIENT ADDR=192.0.2.7", "501 5.5.2 ")
	for _, header := range []string{"PROXY TCP4 192.0.2.7 192.0.2.250 4711 25\r\n",
		"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x07\xc0\x00\x02\xfa\x12\x67\x00\x19"} {
		d := dial(t, b.smtp)
		d.reply()
		d.write(header + "EHLO client.example\r\n")
		if got := d.reply(); !strings.HasPrefix(got, "421 ") {
			t.Errorf("a PROXY header of a stranger got %s", got)
		}
		if _, err := d.text.ReadLine(); err == nil {
			t.Error("the connection goes on")
		}
	}
}

func TestStartSaysThatNobodyIsSeen(t *testing.T) {
	b := newBench(t, nil)
	for range 3 {
		dial(t, b.smtp).greet()
	}
	if n := b.log.count("mail.trusted_networks"); n != 1 {
		t.Errorf("the log says %d times that nobody is seen", n)
	}
	b = newBench(t, behindRelay)
	dial(t, b.smtp).greet()
	if n := b.log.count("mail.trusted_networks"); n != 0 {
		t.Errorf("behind a relay of ours the log says %d times that nobody is seen", n)
	}
}

func TestWaitForAMailIsAMinute(t *testing.T) {
	b := newBench(t, nil)
	if got := b.network.admission().Idle; got != time.Minute {
		t.Errorf("the server waits %s for a mail", got)
	}
}
