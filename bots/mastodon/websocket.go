package mastodon

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// socket is the reading end of a WebSocket (RFC 6455). Thousands are open at
// once and wait: one of the libraries holds buffers of 8 KB for each, and 3 KB
// of what is needed for writing, compressing and closing politely.
type socket struct {
	conn io.ReadWriteCloser
	in   *bufio.Reader
	// alive is called at every frame that is no part of a message: pings above
	// all, which are also answered.
	alive func()
}

// The kinds of frames (section 11.8), and the bits of their first two bytes.
const (
	frameContinues = 0x0
	frameText      = 0x1
	frameBinary    = 0x2
	frameClose     = 0x8
	framePing      = 0x9
	framePong      = 0xA

	bitFinal  = 0x80
	bitsKind  = 0x0F
	bitMasked = 0x80
)

// maxControl is the longest payload of a control frame, and the longest that
// needs no length of its own.
const maxControl = 125

// socketBuffer is what a socket keeps in memory; what is longer is read past it.
const socketBuffer = 256

var (
	errFrame  = errors.New("a frame that is against RFC 6455")
	errTooBig = fmt.Errorf("an event of more than %d bytes", maxEvent)
)

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
	return &socket{conn: conn, in: bufio.NewReaderSize(conn, socketBuffer), alive: alive}, nil
}

// acceptOf is how a server shows that it has read the key (section 4.2.2).
func acceptOf(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// next waits for the next message. It is io.EOF where the server said goodbye.
func (s *socket) next() ([]byte, error) {
	var message []byte
	for begun := false; ; {
		first, length, err := s.header()
		if err != nil {
			return nil, err
		}
		kind, final := first&bitsKind, first&bitFinal != 0
		if kind >= frameClose {
			if err := s.control(kind, final, length); err != nil {
				return nil, err
			}
			continue
		}
		// The bits between the two would be those of extensions.
		if first&^(bitFinal|bitsKind) != 0 || kind > frameBinary || begun != (kind == frameContinues) {
			return nil, errFrame
		}
		if length > maxEvent-uint64(len(message)) {
			return nil, errTooBig
		}
		begun = true
		part := make([]byte, length)
		if _, err := io.ReadFull(s.in, part); err != nil {
			return nil, err
		}
		if message = append(message, part...); final {
			return message, nil
		}
	}
}

// header reads what stands before the payload of a frame.
func (s *socket) header() (first byte, length uint64, err error) {
	var b [8]byte
	if _, err := io.ReadFull(s.in, b[:2]); err != nil {
		return 0, 0, err
	}
	first, length = b[0], uint64(b[1])
	if length&bitMasked != 0 { // servers do not mask
		return 0, 0, errFrame
	}
	more := 0
	switch length {
	case maxControl + 1:
		more = 2
	case maxControl + 2:
		more = 8
	default:
		return first, length, nil
	}
	b = [8]byte{}
	_, err = io.ReadFull(s.in, b[8-more:])
	return first, binary.BigEndian.Uint64(b[:]), err
}

// control reads a control frame and does what it asks for.
func (s *socket) control(kind byte, final bool, length uint64) error {
	if !final || length > maxControl {
		return errFrame
	}
	payload := make([]byte, length)
	if _, err := io.ReadFull(s.in, payload); err != nil {
		return err
	}
	s.alive()
	switch kind {
	case frameClose:
		return io.EOF
	case framePing:
		return s.pong(payload)
	case framePong:
		return nil
	}
	return errFrame
}

// pong answers a ping. The mask of zeros leaves the payload as it is: masks
// guard proxies from what scripts in browsers send, and this is the server's
// own.
func (s *socket) pong(payload []byte) error {
	frame := append([]byte{bitFinal | framePong, bitMasked | byte(len(payload)), 0, 0, 0, 0}, payload...)
	_, err := s.conn.Write(frame)
	return err
}
