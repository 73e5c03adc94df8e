package socket

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// writeTimeout bounds one write of a server. A client that does not read is
// disconnected.
const writeTimeout = 5 * time.Second

// maxHeard bounds what a server reads as one message: clients have little to say.
const maxHeard = 4 << 10

// ServerConn is the writing end of a WebSocket. It may be used from many
// goroutines.
type ServerConn struct {
	conn   net.Conn
	source io.Reader
	write  sync.Mutex
}

// IsUpgrade tells whether a request asks for a WebSocket.
func IsUpgrade(r *http.Request) bool {
	return strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}

// Protocols returns what the client offers to speak within the WebSocket. Some
// clients use the first one for their token.
func Protocols(r *http.Request) []string {
	var list []string
	for _, header := range r.Header.Values("Sec-WebSocket-Protocol") {
		for protocol := range strings.SplitSeq(header, ",") {
			if protocol = strings.TrimSpace(protocol); protocol != "" {
				list = append(list, protocol)
			}
		}
	}
	return list
}

// Accept turns a request into a WebSocket and takes the first protocol that the
// client offers. It does not check the origin, so it is not for browsers that
// are logged in. If it returns an error, it has answered the request. The
// handler must not return before the WebSocket ends; see Wait.
func Accept(w http.ResponseWriter, r *http.Request) (*ServerConn, error) {
	upgrader := ws.HTTPUpgrader{Timeout: writeTimeout, Protocol: func(string) bool { return true }}
	conn, buffers, _, err := upgrader.Upgrade(r, w)
	if err != nil {
		if conn != nil {
			_ = conn.Close()
		}
		return nil, err
	}
	// The buffers of the HTTP server are large, and many connections are idle.
	// Keep only what was already read into them.
	early, _ := buffers.Reader.Peek(buffers.Reader.Buffered())
	source := io.MultiReader(bytes.NewReader(bytes.Clone(early)), conn)
	return &ServerConn{conn: conn, source: bufio.NewReaderSize(source, 256)}, nil
}

// Text sends a message.
func (c *ServerConn) Text(message []byte) error { return c.send(ws.NewTextFrame(message)) }

// Ping sends a sign of life.
func (c *ServerConn) Ping() error { return c.send(ws.NewPingFrame(nil)) }

// Goodbye tells the client that the WebSocket ends.
func (c *ServerConn) Goodbye() error {
	return c.send(ws.NewCloseFrame(ws.NewCloseFrameBody(ws.StatusNormalClosure, "")))
}

func (c *ServerConn) send(f ws.Frame) error {
	raw, err := ws.CompileFrame(f)
	if err == nil {
		_, err = c.Write(raw)
	}
	return err
}

// Write writes raw bytes to the connection, for stand-ins that misbehave.
func (c *ServerConn) Write(raw []byte) (int, error) {
	c.write.Lock()
	defer c.write.Unlock()
	if err := c.conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return 0, err
	}
	return c.conn.Write(raw)
}

// Wait answers pings and drops messages until the WebSocket ends. Then it
// closes it and returns why: a *ClosedError if the client said goodbye. Call it
// once.
func (c *ServerConn) Wait() error {
	defer c.conn.Close()
	reply := wsutil.ControlFrameHandler(c, ws.StateServerSide)
	frames := wsutil.Reader{Source: c.source, State: ws.StateServerSide,
		MaxFrameSize: maxHeard, MaxMessageSize: maxHeard, OnIntermediate: reply}
	for {
		h, err := frames.NextFrame()
		switch {
		case err != nil:
		case h.OpCode.IsControl():
			err = reply(h, &frames)
		default:
			err = frames.Discard()
		}
		if err != nil {
			return asOurs(err)
		}
	}
}

// Close cuts the connection. Wait then returns.
func (c *ServerConn) Close() error { return c.conn.Close() }
