package bots

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

// dialTimeout bounds the making of a connection.
const dialTimeout = 10 * time.Second

// errTooManyConnections is the error of a request for which no connection became
// free in time.
var errTooManyConnections = errors.New("all connections that bots may have are in use: raise the limit of open files (systemd: LimitNOFILE, Docker: --ulimit nofile)")

// Outgoing bounds how many connections all bots together have open. nil sets no
// bound.
type Outgoing chan struct{}

// NewOutgoing allows n connections.
func NewOutgoing(n int) Outgoing { return make(Outgoing, n) }

// Dial is for the DialContext of a transport. It waits for a connection of another
// to be closed for as long as dialling may take.
func (o Outgoing) Dial(dialer *net.Dialer) func(ctx context.Context, network, address string) (net.Conn, error) {
	if o == nil {
		return dialer.DialContext
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, dialTimeout)
		defer cancel()
		select {
		case o <- struct{}{}:
		case <-ctx.Done():
			return nil, errTooManyConnections
		}
		free := sync.OnceFunc(func() { <-o })
		c, err := dialer.DialContext(ctx, network, address)
		if err != nil {
			free()
			return nil, err
		}
		return &outgoing{c, free}, nil
	}
}

// idle is how many idle connections a transport may keep that would keep most.
func (o Outgoing) idle(most int) int {
	if o == nil {
		return most
	}
	return min(most, max(cap(o)/4, 1))
}

// outgoing is one of the connections.
type outgoing struct {
	net.Conn
	free func()
}

// Close closes the connection and makes room for another.
func (c *outgoing) Close() error {
	defer c.free()
	return c.Conn.Close()
}
