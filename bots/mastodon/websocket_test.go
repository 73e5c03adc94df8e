package mastodon

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// wire is a connection on which the server has sent something.
type wire struct {
	io.Reader
	written strings.Builder
}

func (w *wire) Write(p []byte) (int, error) { return w.written.Write(p) }
func (w *wire) Close() error                { return nil }

func TestSocketReadsMessages(t *testing.T) {
	long := strings.Repeat("x", 300)
	for name, c := range map[string]struct {
		sent, want string
		pong       bool
		err        error
	}{
		"short":                         {sent: "\x81\x02ab", want: "ab"},
		"of 300 bytes":                  {sent: "\x81\x7e\x01\x2c" + long, want: long},
		"in parts, with a ping between": {sent: "\x01\x01a\x89\x01!\x80\x01b", want: "ab", pong: true},
		"after a ping":                  {sent: "\x89\x00\x81\x01a", want: "a", pong: true},
		"after a pong":                  {sent: "\x8a\x00\x81\x01a", want: "a"},
		"cut":                           {sent: "\x81\x02a", err: io.ErrUnexpectedEOF},
		"too big":                       {sent: "\x81\x7f\x7f\xff\xff\xff\xff\xff\xff\xff", err: wsutil.ErrFrameTooLarge},
		"too big in parts":              {sent: "\x01\x01a\x80\x7f\x00\x00\x00\x00\x00\x10\x00\x00", err: wsutil.ErrMessageTooLarge},
		"compressed":                    {sent: "\xc1\x01a", err: ws.ErrProtocolNonZeroRsv},
	} {
		t.Run(name, func(t *testing.T) {
			w := &wire{Reader: strings.NewReader(c.sent)}
			alive := 0
			s := newSocket(w, func() { alive++ })
			got, err := s.next()
			if !errors.Is(err, c.err) || err == nil && string(got) != c.want {
				t.Errorf("next = %q, %v; want %q, %v", got, err, c.want, c.err)
			}
			if pong := strings.HasPrefix(w.written.String(), "\x8a"); pong != c.pong {
				t.Errorf("answered %q", w.written.String())
			}
			if c.pong && alive == 0 {
				t.Error("a ping is no sign of life")
			}
		})
	}
}

func TestSocketOfAServerThatSaysGoodbye(t *testing.T) {
	s := newSocket(&wire{Reader: strings.NewReader("\x88\x02\x03\xe8")}, func() {})
	_, err := s.next()
	if closed, ok := errors.AsType[wsutil.ClosedError](err); !ok || closed.Code != ws.StatusNormalClosure {
		t.Errorf("error = %v, want the server's goodbye", err)
	}
}

// The example of RFC 6455, section 1.3.
func TestAcceptOf(t *testing.T) {
	if got := acceptOf("dGhlIHNhbXBsZSBub25jZQ=="); got != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		t.Errorf("acceptOf = %q", got)
	}
}
