package socket

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/gobwas/ws"
)

// wire is a connection on which the server has sent something.
type wire struct {
	io.Reader
	written strings.Builder
}

func (w *wire) Write(p []byte) (int, error) { return w.written.Write(p) }
func (w *wire) Close() error                { return nil }

func TestNext(t *testing.T) {
	long, largest := strings.Repeat("x", 300), strings.Repeat("x", MaxMessage)
	for name, c := range map[string]struct {
		sent, want string
		skipped    bool // a message before
		pong       bool
		err        error
	}{
		"short":                         {sent: "\x81\x02ab", want: "ab"},
		"empty":                         {sent: "\x81\x00", want: ""},
		"of 300 bytes":                  {sent: "\x81\x7e\x01\x2c" + long, want: long},
		"in parts, with a ping between": {sent: "\x01\x01a\x89\x01!\x80\x01b", want: "ab", pong: true},
		"after a ping":                  {sent: "\x89\x00\x81\x01a", want: "a", pong: true},
		"after a pong":                  {sent: "\x8a\x00\x81\x01a", want: "a"},
		"cut":                           {sent: "\x81\x02a", err: io.ErrUnexpectedEOF},
		"cut between its parts":         {sent: "\x01\x01a", err: io.ErrUnexpectedEOF},
		"nothing more":                  {sent: "", err: io.EOF},
		"of the largest size":           {sent: "\x81\x7f\x00\x00\x00\x00\x00\x04\x00\x00" + largest, want: largest},
		"too large":                     {sent: "\x81\x7f\x00\x00\x00\x00\x00\x04\x00\x01!" + largest + "\x81\x01a", want: "a", skipped: true},
		"too large in parts":            {sent: "\x01\x01!\x00\x7f\x00\x00\x00\x00\x00\x04\x00\x00" + largest + "\x89\x00\x80\x01!\x81\x01a", want: "a", skipped: true, pong: true},
		"too large and cut":             {sent: "\x81\x7f\x7f\xff\xff\xff\xff\xff\xff\xff" + largest, err: io.ErrUnexpectedEOF},
		"compressed":                    {sent: "\xc1\x01a", err: ws.ErrProtocolNonZeroRsv},
		"a continuation of nothing":     {sent: "\x80\x01a", err: ws.ErrProtocolContinuationUnexpected},
		"a ping of 200 bytes":           {sent: "\x89\x7e\x00\xc8" + long, err: ws.ErrProtocolControlPayloadOverflow},
	} {
		t.Run(name, func(t *testing.T) {
			w := &wire{Reader: strings.NewReader(c.sent)}
			alive := 0
			conn := newConn(w, func() { alive++ })
			if c.skipped {
				if got, err := conn.Next(); got != nil || !errors.Is(err, ErrTooLarge) {
					t.Errorf("Next = %d bytes, %v; want ErrTooLarge", len(got), err)
				}
			}
			got, err := conn.Next()
			if !errors.Is(err, c.err) || string(got) != c.want {
				t.Errorf("Next = %.50q, %v; want %.50q, %v", got, err, c.want, c.err)
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

// The example of RFC 6455, section 1.3.
func TestAcceptOf(t *testing.T) {
	if got := acceptOf("dGhlIHNhbXBsZSBub25jZQ=="); got != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		t.Errorf("acceptOf = %q", got)
	}
}

func FuzzNext(f *testing.F) {
	f.Add([]byte("\x01\x01a\x89\x01!\x80\x01b\x88\x02\x03\xe8"))
	f.Add([]byte("\x81\x7f\x00\x00\x00\x00\x00\x00\x00\x01a"))
	f.Fuzz(func(t *testing.T, sent []byte) {
		c := newConn(&wire{Reader: strings.NewReader(string(sent))}, func() {})
		for range sent {
			message, err := c.Next()
			if len(message) > len(sent) {
				t.Errorf("%d bytes of %d", len(message), len(sent))
			}
			if err != nil && !errors.Is(err, ErrTooLarge) {
				return
			}
		}
	})
}
