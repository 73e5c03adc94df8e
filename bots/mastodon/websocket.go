package mastodon

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// socket is the reading end of a WebSocket. Thousands are open at once and
// wait, so its buffer is that of a sign of life; what is longer is read past it.
type socket struct {
	conn   io.ReadWriteCloser
	frames wsutil.Reader
	answer wsutil.FrameHandlerFunc // to pings and goodbyes
}

// dialSocket opens a WebSocket at url, "wss://…". ctx is that of the dialing
// alone. What the server answers instead is an answerError.
func dialSocket(ctx context.Context, h *http.Client, url string, alive func()) (*socket, error) {
	// "ws" and "wss" are "http" and "https" with other first letters.
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http"+strings.TrimPrefix(url, "ws"), nil)
	if err != nil {
		return nil, err
	}
	key := base64.StdEncoding.EncodeToString([]byte(rand.Text()[:16]))
	for name, value := range map[string]string{"Connection": "Upgrade", "Upgrade": "websocket",
		"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key} {
		req.Header.Set(name, value)
	}
	resp, err := h.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= http.StatusBadRequest {
		defer resp.Body.Close()
		return nil, answerError(resp.StatusCode, resp.Body)
	}
	conn, ok := resp.Body.(io.ReadWriteCloser)
	if !ok || resp.StatusCode != http.StatusSwitchingProtocols || resp.Header.Get("Sec-WebSocket-Accept") != acceptOf(key) {
		resp.Body.Close()
		return nil, fmt.Errorf("no WebSocket but status %d", resp.StatusCode)
	}
	return newSocket(conn, alive), nil
}

// newSocket reads from a connection that has become a WebSocket. alive is called
// at every frame that is no part of a message: pings above all.
func newSocket(conn io.ReadWriteCloser, alive func()) *socket {
	reply := wsutil.ControlFrameHandler(conn, ws.StateClientSide)
	s := &socket{conn: conn, answer: func(h ws.Header, r io.Reader) error {
		alive()
		return reply(h, r)
	}}
	s.frames = wsutil.Reader{Source: bufio.NewReaderSize(conn, 256), State: ws.StateClientSide,
		MaxFrameSize: maxEvent, MaxMessageSize: maxEvent, OnIntermediate: s.answer}
	return s
}

// acceptOf is how a server shows that it has read the key (section 4.2.2).
func acceptOf(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// next waits for the next message. The error is a wsutil.ClosedError where the
// server said goodbye.
func (s *socket) next() ([]byte, error) {
	for {
		h, err := s.frames.NextFrame()
		if err != nil {
			return nil, err
		}
		if !h.OpCode.IsControl() {
			return io.ReadAll(&s.frames)
		}
		if err := s.answer(h, &s.frames); err != nil {
			return nil, err
		}
	}
}
