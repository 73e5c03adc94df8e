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
	"time"
)

// TestStartsShareConnections starts many bots at once at a server that takes
// few requests on a connection, of which every poll uses one up.
func TestStartsShareConnections(t *testing.T) {
	const bots, perConnection, atOnce = 1000, 100, 64 // atOnce as the supervisor has it
	var connections atomic.Int64
	polling := make(chan struct{}, bots)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/getUpdates") {
			polling <- struct{}{}
			<-r.Context().Done()
			return
		}
		io.WriteString(w, `{"ok":true,"result":{"id":1,"is_bot":true,"first_name":"Plärrer","username":"plaerrer_bot"}}`)
	}))
	s.EnableHTTP2 = true
	s.Config.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: perConnection}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	s.StartTLS()
	defer s.Close()
	defer s.CloseClientConnections()

	n := &network{api: s.URL, transport: newTransport(), dialing: newDialing()}
	n.transport.TLSClientConfig = s.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	n.transport.TLSClientConfig.NextProtos = nil
	ctx, stop := context.WithCancel(t.Context())
	turns := make(chan struct{}, atOnce)
	var group sync.WaitGroup
	defer group.Wait()
	defer stop()
	for range bots {
		group.Go(func() {
			c, err := n.client("", "12345:"+strings.Repeat("a", 35))
			if err == nil {
				turns <- struct{}{}
				_, err = c.me(ctx)
				<-turns
			}
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = c.updates(ctx, 0, time.Minute, c.dialing) // until the end
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
	if made := connections.Load(); made > 12*bots/perConnection {
		t.Errorf("%d connections were made, %d are needed", made, bots/perConnection)
	} else {
		t.Logf("%d connections were made, %d are needed", made, bots/perConnection)
	}
}

// TestDialingDoesNotHang has one request that finds no connection: the others
// wait for it, but not for ever.
func TestDialingDoesNotHang(t *testing.T) {
	d := newDialing()
	request := func() *http.Request {
		return httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://api.example/", nil)
	}
	_, first := d.find(request())
	began := time.Now()
	_, second := d.find(request())
	if waited := time.Since(began); waited < dialWait {
		t.Errorf("the second waited %v, want %v", waited, dialWait)
	}
	second()
	first()
	began = time.Now()
	_, third := d.find(request())
	defer third()
	if waited := time.Since(began); waited >= dialWait {
		t.Errorf("with nobody before it the third waited %v", waited)
	}
}
