package mastodon

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"
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
		sent, want, pong string
		err              error
	}{
		"short":              {sent: "\x81\x02ab", want: "ab"},
		"of 300 bytes":       {sent: "\x81\x7e\x01\x2c" + long, want: long},
		"with a long length": {sent: "\x81\x7f\x00\x00\x00\x00\x00\x00\x00\x02ab", want: "ab"},
		"in parts, with a ping between": {sent: "\x01\x01a\x89\x01!\x80\x01b", want: "ab",
			pong: "\x8a\x81\x00\x00\x00\x00!"},
		"after a pong":           {sent: "\x8a\x00\x81\x01a", want: "a"},
		"goodbye":                {sent: "\x88\x02\x03\xe8", err: io.EOF},
		"cut":                    {sent: "\x81\x02a", err: io.ErrUnexpectedEOF},
		"too big":                {sent: "\x81\x7f\x7f\xff\xff\xff\xff\xff\xff\xff", err: errTooBig},
		"too big in parts":       {sent: "\x01\x01a\x80\x7f\x00\x00\x00\x00\x00\x10\x00\x00", err: errTooBig},
		"masked":                 {sent: "\x81\x81\x00\x00\x00\x00a", err: errFrame},
		"compressed":             {sent: "\xc1\x01a", err: errFrame},
		"of no known kind":       {sent: "\x83\x01a", err: errFrame},
		"going on with nothing":  {sent: "\x80\x01a", err: errFrame},
		"begun twice":            {sent: "\x01\x01a\x81\x01b", err: errFrame},
		"a ping that is too big": {sent: "\x89\x7e\x01\x2c" + long, err: errFrame},
		"a ping in parts":        {sent: "\x09\x00", err: errFrame},
	} {
		t.Run(name, func(t *testing.T) {
			w := &wire{Reader: strings.NewReader(c.sent)}
			s := &socket{conn: w, in: bufio.NewReaderSize(w, socketBuffer), alive: func() {}}
			got, err := s.next()
			if string(got) != c.want || !errors.Is(err, c.err) {
				t.Errorf("next = %q, %v; want %q, %v", got, err, c.want, c.err)
			}
			if w.written.String() != c.pong {
				t.Errorf("answered %q, want %q", w.written.String(), c.pong)
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
