// Package socket holds both ends of a WebSocket (RFC 6455): the reading end of a
// client, and the writing end of a server.
package socket

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// MaxMessage bounds what a client keeps of one message, in bytes.
const MaxMessage = 256 << 10

// ErrTooLarge is a message of more than MaxMessage. It is skipped.
var ErrTooLarge = errors.New("the message is too large")

// StatusError is a server's answer other than a WebSocket.
type StatusError struct {
	Status int
	Header http.Header
	Body   []byte // the beginning of the answer's body
}

func (e *StatusError) Error() string { return fmt.Sprintf("no WebSocket but status %d", e.Status) }

// ClosedError means that the other end said goodbye. Its words are not kept.
type ClosedError struct {
	Code int // RFC 6455, 7.4; 1005 if it gave none
}

func (e *ClosedError) Error() string { return fmt.Sprintf("the WebSocket was closed: %d", e.Code) }

// Conn is the reading end of a WebSocket. Thousands are open and idle at once,
// so its buffer only fits a sign of life. Longer messages are read past it.
type Conn struct {
	conn   io.ReadWriteCloser
	frames wsutil.Reader
	answer wsutil.FrameHandlerFunc // answers pings and goodbyes
}

// Dial opens a WebSocket at a URL, "wss://…", through h, whose Timeout does not
// apply. ctx bounds only the dialing. alive is called at every frame that is
// not part of a message, such as a ping. If the server answers anything else,
// the error is a *StatusError. Errors do not hold the URL, which may hold a
// token.
func Dial(ctx context.Context, h *http.Client, address string, alive func()) (*Conn, error) {
	// "ws" and "wss" become "http" and "https".
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http"+strings.TrimPrefix(address, "ws"), nil)
	if err != nil {
		return nil, errors.New("not the URL of a WebSocket")
	}
	key := base64.StdEncoding.EncodeToString([]byte(rand.Text()[:16]))
	for name, value := range map[string]string{"Connection": "Upgrade", "Upgrade": "websocket",
		"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key} {
		req.Header.Set(name, value)
	}
	dialing := *h
	dialing.Timeout = 0 // it would end the WebSocket too
	resp, err := dialing.Do(req)
	if err != nil {
		return nil, withoutURL(err)
	}
	conn, ok := resp.Body.(io.ReadWriteCloser)
	if !ok || resp.StatusCode != http.StatusSwitchingProtocols || resp.Header.Get("Sec-WebSocket-Accept") != acceptOf(key) {
		defer resp.Body.Close()
		return nil, statusError(resp)
	}
	return newConn(conn, alive), nil
}

func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

func statusError(resp *http.Response) *StatusError {
	e := &StatusError{Status: resp.StatusCode, Header: resp.Header}
	if e.Status != http.StatusSwitchingProtocols { // the body of a WebSocket would not end
		e.Body, _ = io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	}
	return e
}

// newConn reads from a connection that has become a WebSocket.
func newConn(conn io.ReadWriteCloser, alive func()) *Conn {
	reply := wsutil.ControlFrameHandler(conn, ws.StateClientSide)
	c := &Conn{conn: conn, answer: func(h ws.Header, r io.Reader) error {
		alive()
		return reply(h, r)
	}}
	c.frames = wsutil.Reader{Source: bufio.NewReaderSize(conn, 256), State: ws.StateClientSide, OnIntermediate: c.answer}
	return c
}

// acceptOf is how a server shows that it has read the key (RFC 6455, 4.2.2).
func acceptOf(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// Next waits for the next message. The error is ErrTooLarge, a *ClosedError, or
// why the connection broke. After ErrTooLarge the next message can be read, after
// another error nothing more.
func (c *Conn) Next() ([]byte, error) {
	message, err := c.next()
	if err != nil {
		return nil, asOurs(err)
	}
	return message, nil
}

func (c *Conn) next() ([]byte, error) {
	for {
		h, err := c.frames.NextFrame()
		if err != nil {
			return nil, err
		}
		if !h.OpCode.IsControl() {
			return c.message()
		}
		if err := c.answer(h, &c.frames); err != nil {
			return nil, err
		}
	}
}

// message reads a message whose first frame has begun.
func (c *Conn) message() ([]byte, error) {
	message, err := io.ReadAll(io.LimitReader(&c.frames, MaxMessage+1))
	if err == nil && len(message) > MaxMessage {
		if err = c.frames.Discard(); err == nil {
			err = ErrTooLarge
		}
	}
	return message, err
}

// asOurs turns an error of the library into one of this package.
func asOurs(err error) error {
	if closed, ok := errors.AsType[wsutil.ClosedError](err); ok {
		return &ClosedError{Code: int(closed.Code)}
	}
	return err
}

// Close closes the connection and wakes whoever waits in Next.
func (c *Conn) Close() error { return c.conn.Close() }
