package telegram

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestStartsShareConnections starts many bots at once at a server that takes
// few requests on a connection, of which every poll uses one up. Connections are
// pipes, and time stands still while anybody works: however busy the machine is,
// a handshake takes no longer than pipeDial.
func TestStartsShareConnections(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const bots, perConnection, atOnce = 1000, 100, 64 // atOnce as the supervisor has it
		polling := make(chan struct{}, bots)
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/getUpdates") {
				polling <- struct{}{}
				<-r.Context().Done()
				return
			}
			io.WriteString(w, `{"ok":true,"result":{"id":1,"is_bot":true,"first_name":"Plärrer","username":"plaerrer_bot"}}`)
		}))
		pipes := newPipeListener()
		s.Listener.Close()
		s.Listener = pipes
		s.EnableHTTP2 = true
		s.Config.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: perConnection}
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		s.StartTLS()
		defer s.Close()
		defer s.CloseClientConnections()

		d := &driver{api: s.URL, transport: newTransport(nil), dialing: newDialing()}
		d.transport.DialContext = pipes.dial
		d.transport.TLSClientConfig = s.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
		d.transport.TLSClientConfig.NextProtos = nil
		ctx, stop := context.WithCancel(t.Context())
		turns := make(chan struct{}, atOnce)
		var group sync.WaitGroup
		defer group.Wait()
		defer stop()
		for range bots {
			group.Go(func() {
				c, err := d.client("", "12345:"+strings.Repeat("a", 35))
				if err == nil {
					turns <- struct{}{}
					_, err = c.me(ctx)
					<-turns
				}
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = c.updates(ctx, 0, 1, time.Minute, c.dialing) // until the end
			})
		}
		for range bots {
			select {
			case <-polling:
			case <-time.After(20 * time.Second):
				t.Fatal("not every bot polls")
			}
		}
		// Without turns there are more than thirty for each that is needed.
		if made := pipes.made.Load(); made > 12*bots/perConnection {
			t.Errorf("%d connections were made, %d are needed", made, bots/perConnection)
		} else {
			t.Logf("%d connections were made, %d are needed", made, bots/perConnection)
		}
	})
}

// pipeDial is how long it takes to connect: all others get on meanwhile, as far
// as they can.
const pipeDial = time.Millisecond

// pipeListener is a server's end of connections within the process.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	close  func()
	made   atomic.Int64 // connections
}

func newPipeListener() *pipeListener {
	l := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
	l.close = sync.OnceFunc(func() { close(l.closed) })
	return l
}

func (l *pipeListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	select {
	case <-time.After(pipeDial):
	case <-l.closed:
		return nil, net.ErrClosed
	}
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		l.made.Add(1)
		return client, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { l.close(); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 443} }

// TestDialingDoesNotHang has one request that finds no connection: the others
// wait for it, but not for ever.
func TestDialingDoesNotHang(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDialing()
		request := func() *http.Request {
			return httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://api.example/", nil)
		}
		_, first := d.find(request())
		began := time.Now()
		_, second := d.find(request())
		if waited := time.Since(began); waited != dialWait {
			t.Errorf("the second waited %v, want %v", waited, dialWait)
		}
		second()
		first()
		began = time.Now()
		_, third := d.find(request())
		defer third()
		if waited := time.Since(began); waited != 0 {
			t.Errorf("with nobody before it the third waited %v", waited)
		}
	})
}
