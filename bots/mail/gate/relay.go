package gate

import (
	"bufio"
	"errors"
	"io"
	"net/netip"
	"strings"
	"time"

	"github.com/pires/go-proxyproto"
)

// replyTimeout bounds the writing of an answer of our own.
const replyTimeout = 10 * time.Second

// relay reads what a relay of ours sends, and takes out what it says of its
// client: a header of the PROXY protocol, which comes first, or the command XCLIENT
// before the first mail. What follows is the client's own, and is not looked at.
type relay struct {
	conn   *Conn
	in     *bufio.Reader
	began  bool
	opaque bool   // nothing is looked at any more
	rest   []byte // of a line, still to be read
	hello  bool   // EHLO was said and is not answered yet
}

func newRelay(c *Conn) *relay { return &relay{conn: c, in: bufio.NewReader(c.Conn)} }

// Read is that of Conn, without what was taken out.
func (r *relay) Read(p []byte) (int, error) {
	if !r.began {
		r.began = true
		if err := r.readHeader(); err != nil {
			return 0, err
		}
	}
	for len(r.rest) == 0 {
		if r.opaque {
			return r.in.Read(p)
		}
		line, err := r.in.ReadSlice('\n')
		if len(line) == 0 {
			return 0, err
		}
		if r.rest, err = r.look(line); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// readHeader reads the header of the PROXY protocol, if there is one.
func (r *relay) readHeader() error {
	header, err := proxyproto.Read(r.in)
	if errors.Is(err, proxyproto.ErrNoProxyProtocol) {
		return nil
	}
	if err != nil {
		return err
	}
	source, _, ok := header.TCPAddrs()
	if header.Command.IsLocal() || !ok {
		return nil // the relay speaks for itself
	}
	if !r.announce(source.AddrPort().Addr()) {
		return r.refuse()
	}
	return nil
}

// look returns what the server is to read of a line: nothing of XCLIENT.
func (r *relay) look(line []byte) ([]byte, error) {
	word, args, _ := strings.Cut(strings.TrimRight(string(line), "\r\n"), " ")
	switch strings.ToUpper(word) {
	case "XCLIENT":
		return nil, r.xclient(args)
	case "EHLO":
		r.hello = true
	case "HELO", "NOOP", "RSET":
	default:
		r.opaque = true
	}
	return line, nil
}

// xclient does what XCLIENT asks for and answers it.
func (r *relay) xclient(args string) error {
	said, err := parseXCLIENT(args)
	if err != nil {
		return r.reply("501 5.5.4 " + err.Error())
	}
	if said.withAddr && !r.announce(said.addr) {
		return r.refuse()
	}
	return r.reply("220 " + r.conn.gate.rules.Name + " ESMTP") // as at the beginning
}

// announce takes over the client's address, the zero Addr if it is not known. From
// then on it is the client who speaks. It is false where that client has no room.
func (r *relay) announce(addr netip.Addr) bool {
	r.opaque = !r.conn.gate.rules.Trusted(addr)
	return r.conn.announce(addr.Unmap().WithZone(""))
}

// refuse tells a client that there is no room, and ends the connection.
func (r *relay) refuse() error {
	if err := r.reply(strings.TrimRight(r.conn.gate.rules.Refusal, "\r\n")); err != nil {
		return err
	}
	return io.EOF
}

func (r *relay) reply(line string) error {
	_ = r.conn.SetWriteDeadline(time.Now().Add(replyTimeout))
	_, err := io.WriteString(r.conn.Conn, line+"\r\n")
	return err
}

// extension is the line that offers XCLIENT in the answer to EHLO.
const extension = "250-XCLIENT ADDR HELO NAME PORT PROTO\r\n"

// answer is what the server says, with the extension where it greets. It says each
// line by itself.
func (r *relay) answer(line []byte) []byte {
	greets := r.hello && strings.HasPrefix(string(line), "250-")
	r.hello = false
	if !greets {
		return line
	}
	return append(line[:len(line):len(line)], extension...)
}
