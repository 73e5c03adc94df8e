package app

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/netip"

	"ticketfrei/internal/clients"
	"ticketfrei/internal/config"
)

// door is a listener that lets visitors in. Each client's network has so many
// connections at most. When it is full, the connection goes that has waited longest
// for its client, also for one that does not read; one whose request is being
// answered stays.
type door struct {
	net.Listener
	room *clients.Room
	// anybody tells behind which addresses everybody may be: they are not counted
	// by themselves.
	anybody func(netip.Addr) bool
}

// Accept returns the next connection for which there is room. The others are
// closed.
func (d *door) Accept() (net.Conn, error) {
	for {
		c, err := d.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if g := d.admit(c); g != nil {
			return g, nil
		}
		c.Close()
	}
}

func (d *door) admit(c net.Conn) *guest {
	var network netip.Prefix
	if addr := clients.AddrOf(c); addr.IsValid() && !d.anybody(addr) { // a Unix socket is a proxy's
		network = clients.Network(addr)
	}
	place, ok := d.room.Enter(network, func() { c.Close() })
	if !ok {
		return nil
	}
	return &guest{Conn: c, place: place}
}

// guest is a connection that came through the door.
type guest struct {
	net.Conn
	place *clients.Place
}

// Close closes the connection and makes room for another.
func (g *guest) Close() error {
	g.place.Leave()
	return g.Conn.Close()
}

// CloseWrite tells the client that no more comes: http.Server does so before it closes.
func (g *guest) CloseWrite() error {
	if half, ok := g.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// Write writes to the connection. The client may not read: then it is idle.
func (g *guest) Write(p []byte) (int, error) {
	g.place.SetWaiting(true)
	defer g.place.SetWaiting(false)
	return g.Conn.Write(p)
}

// ReadFrom is a Write that http.Server uses for files.
func (g *guest) ReadFrom(r io.Reader) (int64, error) {
	g.place.SetWaiting(true)
	defer g.place.SetWaiting(false)
	return io.Copy(g.Conn, r) // which a TCP connection does by itself
}

// placeKey is the key of a request's *clients.Place in its context.
type placeKey struct{}

// withPlace is for http.Server.ConnContext; see whileBusy.
func withPlace(ctx context.Context, c net.Conn) context.Context {
	if place := placeOf(c); place != nil {
		return context.WithValue(ctx, placeKey{}, place)
	}
	return ctx
}

// placeOf is the place of a connection; nil if it came through no door.
func placeOf(c net.Conn) *clients.Place {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	if g, ok := c.(*guest); ok {
		return g.place
	}
	return nil
}

// whileBusy keeps the connection of a request that is being answered, until it is
// idle.
func whileBusy(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if place, ok := r.Context().Value(placeKey{}).(*clients.Place); ok {
			place.SetBusy(true)
			if r.ProtoMajor == 1 && r.ContentLength != 0 { // with HTTP/2 others share the connection
				body := &awaited{ReadCloser: r.Body, place: place}
				r.Body = body
				defer body.leave()
			}
		}
		next.ServeHTTP(w, r)
	})
}

// awaited is the body of a request, which may be long in coming: meanwhile there is
// nothing to do.
type awaited struct {
	io.ReadCloser
	place *clients.Place
	over  bool
}

func (a *awaited) Read(p []byte) (int, error) {
	a.place.SetBusy(false)
	defer a.place.SetBusy(true)
	n, err := a.ReadCloser.Read(p)
	a.over = err != nil
	return n, err
}

// leave leaves the rest to http.Server, which waits for it.
func (a *awaited) leave() {
	if !a.over {
		a.place.SetBusy(false)
	}
}

// untilIdle is for http.Server.ConnState; see whileBusy.
func untilIdle(c net.Conn, state http.ConnState) {
	if place := placeOf(c); place != nil && state == http.StateIdle {
		place.SetBusy(false)
	}
}

// openDoor puts a door before a listener for visitors. All doors have one room.
func (s *server) openDoor(l net.Listener, listen string) net.Listener {
	say := func(gateway netip.Addr) {
		s.unseen.Do(func() {
			s.log.Info("who visits the pages is not seen: everybody may come from this address, so limits by client do not apply to it. "+
				"Use the host's network, or put a proxy in front that names the visitor, and list it in web.trusted_proxies", "address", gateway)
		})
	}
	proxies := s.cfg.Web.TrustedProxies
	_, isSocket := config.Socket(listen)
	if gateway, ok := clients.Behind(listen); ok && len(proxies) == 0 && !isSocket {
		say(gateway)
	}
	return &door{Listener: l, room: s.visitors, anybody: func(addr netip.Addr) bool {
		if proxies.Contains(addr) {
			return true
		}
		gateway := clients.IsGateway(addr)
		if gateway && !addr.IsLoopback() { // from loopback the image's health check comes too
			say(addr)
		}
		return gateway
	}}
}
