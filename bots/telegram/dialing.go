package telegram

import (
	"net/http"
	"net/http/httptrace"
	"sync"
	"time"
)

// dialWait is how long a request waits for another's connection: longer than a
// handshake with a server that works takes.
const dialWait = 250 * time.Millisecond

// dialing lets the bots that start, with a getMe and a first poll, find their
// connections one after the other. When all are full of polls, every one of them
// would open its own, although the first holds hundreds: ten thousand bots made
// some thirty handshakes for each connection that was kept. So there are six.
type dialing chan struct{}

func newDialing() dialing { return make(dialing, 1) }

// find waits until req may look for its connection and returns it with a note
// of when it has one. done is to be called when it has failed. Nobody waits for
// ever: a server that does not answer must not keep those that have connections
// from using them.
func (d dialing) find(req *http.Request) (noted *http.Request, done func()) {
	late := time.NewTimer(dialWait)
	defer late.Stop()
	select {
	case d <- struct{}{}:
	case <-late.C:
		return req, func() {}
	case <-req.Context().Done():
		return req, func() {}
	}
	done = sync.OnceFunc(func() { <-d })
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { done() }}
	return req.WithContext(httptrace.WithClientTrace(req.Context(), trace)), done
}
