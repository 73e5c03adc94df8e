package socket_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"ticketfrei/internal/socket"
)

// serve starts a server of WebSockets and returns its address. handle talks to
// each one; the way it ended is sent to ended.
func serve(t *testing.T, handle func(c *socket.ServerConn)) (address string, ended <-chan error) {
	t.Helper()
	ends := make(chan error, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := socket.Accept(w, r)
		if err != nil {
			ends <- err
			return
		}
		go handle(c)
		ends <- c.Wait()
	}))
	t.Cleanup(server.Close)
	return "ws" + strings.TrimPrefix(server.URL, "http"), ends
}

func dial(t *testing.T, address string, alive func()) *socket.Conn {
	t.Helper()
	ctx, done := context.WithTimeout(t.Context(), 10*time.Second)
	defer done() // it ends before the WebSocket does
	c, err := socket.Dial(ctx, &http.Client{Transport: &http.Transport{}, Timeout: time.Minute}, address, alive)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func next(t *testing.T, c *socket.Conn, want string) {
	t.Helper()
	if got, err := c.Next(); err != nil || string(got) != want {
		t.Fatalf("read %d bytes, %v; want %d", len(got), err, len(want))
	}
}

func TestMessages(t *testing.T) {
	long := strings.Repeat("ü", 40_000)
	address, ended := serve(t, func(c *socket.ServerConn) {
		_ = c.Text([]byte("U1 Plärrer"))
		_ = c.Ping()
		_, _ = c.Write([]byte("\x01\x01a\x89\x01!\x80\x01b")) // in parts, a ping between
		_ = c.Text([]byte(long))
		_ = c.Goodbye()
	})
	signs := 0
	c := dial(t, address, func() { signs++ })
	next(t, c, "U1 Plärrer")
	next(t, c, "ab")
	next(t, c, long)
	_, err := c.Next()
	if closed, ok := errors.AsType[*socket.ClosedError](err); !ok || closed.Code != 1000 {
		t.Errorf("ended with %v, want a goodbye", err)
	}
	if signs != 3 {
		t.Errorf("%d signs of life, want two pings and a goodbye", signs)
	}
	// The client has answered the goodbye.
	if closed, ok := errors.AsType[*socket.ClosedError](<-ended); !ok || closed.Code != 1000 {
		t.Errorf("the server ended without a goodbye")
	}
}

func TestWhatCannotBeRead(t *testing.T) {
	for name, tt := range map[string]struct {
		sent string
		want error
	}{
		"too large": {"\x81\x7f\x00\x00\x00\x00\x00\x04\x00\x01" + strings.Repeat("x", socket.MaxMessage+1), socket.ErrTooLarge},
		"garbage":   {"HTTP/1.1 200 OK\r\n", nil},
		"cut":       {"\x81\x05ab", io.ErrUnexpectedEOF},
	} {
		t.Run(name, func(t *testing.T) {
			address, _ := serve(t, func(c *socket.ServerConn) {
				_, _ = c.Write([]byte(tt.sent))
				_ = c.Close()
			})
			if _, err := dial(t, address, func() {}).Next(); err == nil || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("error %v, want %v", err, tt.want)
			}
		})
	}
}

func TestCloseWakesWhoWaits(t *testing.T) {
	accepted := make(chan struct{})
	address, ended := serve(t, func(*socket.ServerConn) { close(accepted) })
	c := dial(t, address, func() {})
	<-accepted
	time.AfterFunc(10*time.Millisecond, func() { _ = c.Close() })
	if _, err := c.Next(); err == nil {
		t.Error("Next returned a message")
	}
	if err := <-ended; err == nil {
		t.Error("the server did not notice")
	}
}

func TestOtherAnswers(t *testing.T) {
	const token = "s3cr3t"
	tests := map[string]struct {
		handler http.HandlerFunc
		status  int
		body    string
	}{
		"refused": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"error":"no"}`)
		}, http.StatusUnauthorized, `{"error":"no"}`},
		"a page":      {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }, 200, "<html>"},
		"a long page": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat("x", 1<<20)) }, 200, strings.Repeat("x", 64<<10)},
		"wrong key": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Connection", "Upgrade")
			w.Header().Set("Upgrade", "websocket")
			w.Header().Set("Sec-WebSocket-Accept", "x")
			w.WriteHeader(http.StatusSwitchingProtocols)
		}, 101, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(tt.handler)
			t.Cleanup(server.Close)
			_, err := socket.Dial(t.Context(), server.Client(), "ws"+strings.TrimPrefix(server.URL, "http")+"?token="+token, func() {})
			e, ok := errors.AsType[*socket.StatusError](err)
			if !ok || e.Status != tt.status || string(e.Body) != tt.body {
				t.Errorf("error %v", err)
			}
			server.Close()
			_, err = socket.Dial(t.Context(), server.Client(), "ws"+strings.TrimPrefix(server.URL, "http")+"?token="+token, func() {})
			if err == nil || strings.Contains(err.Error(), token) {
				t.Errorf("nobody there: %v", err)
			}
		})
	}
	if _, err := socket.Dial(t.Context(), http.DefaultClient, "ws://a b?"+token, func() {}); err == nil || strings.Contains(err.Error(), token) {
		t.Errorf("no URL: %v", err)
	}
}

func TestServerTakesNothingElse(t *testing.T) {
	address, ended := serve(t, func(*socket.ServerConn) {})
	resp, err := http.Get("http" + strings.TrimPrefix(address, "ws"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusBadRequest || <-ended == nil {
		t.Errorf("a request without upgrade was answered %d", resp.StatusCode)
	}
}

// TestServerHears has clients that are not our own: the server echoes their
// protocol, their frames may come with the request, and they are cut off if
// they talk too much.
func TestServerHears(t *testing.T) {
	const request = "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: t0ken, chat\r\n\r\n"
	const masked = "\x00\x00\x00\x00"
	for name, tt := range map[string]struct{ frames, answer string }{
		"ping and goodbye": {"\x81\x82" + masked + "hi" + "\x89\x81" + masked + "!" + "\x88\x80" + masked, "\x8a\x01!\x88\x00"},
		"too much":         {"\x81\xfe\xff\xff" + masked, ""},
		"unmasked":         {"\x81\x02hi", ""},
	} {
		t.Run(name, func(t *testing.T) {
			address, ended := serve(t, func(*socket.ServerConn) {})
			conn, err := net.Dial("tcp", strings.TrimPrefix(address, "ws://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_, _ = io.WriteString(conn, request+tt.frames)
			_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
			got, _ := io.ReadAll(conn) // to the end of the connection, in whatever way it ends
			head, frames, _ := strings.Cut(string(got), "\r\n\r\n")
			if !strings.Contains(head, " 101 ") || !strings.Contains(head, "Sec-WebSocket-Protocol: t0ken\r\n") && !strings.HasSuffix(head, "Sec-WebSocket-Protocol: t0ken") {
				t.Errorf("answered %q", head)
			}
			if frames != tt.answer || <-ended == nil {
				t.Errorf("answered %q, want %q", frames, tt.answer)
			}
		})
	}
}

func TestProtocols(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	if socket.IsUpgrade(r) || len(socket.Protocols(r)) != 0 {
		t.Error("an ordinary request is taken for a WebSocket's")
	}
	r.Header.Set("Upgrade", "WebSocket")
	r.Header.Add("Sec-WebSocket-Protocol", "a, b,")
	r.Header.Add("Sec-WebSocket-Protocol", "c")
	if got := socket.Protocols(r); !socket.IsUpgrade(r) || strings.Join(got, " ") != "a b c" {
		t.Errorf("offers %q", got)
	}
}
