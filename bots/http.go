package bots

import (
	"net"
	"net/http"
	"time"

	"code.dny.dev/ssrf"
)

// LoopHeader is the header of reports that leave Ticketfrei by HTTP, and of its feeds. Where
// it takes in what others tell, it passes over what has this: it would go round in circles.
const LoopHeader = "X-Ticketfrei-Report"

// HTTPTimeout bounds one exchange with a network's server.
const HTTPTimeout = 30 * time.Second

// NewHTTPClient returns the client for talking to hosts that a user named. It
// connects to public addresses only (errors are ssrf.ErrProhibitedIP), unless
// allowPrivate is set: what a name resolves to is checked when the connection
// is made, so that a name cannot point elsewhere a moment later. Its connections
// are among those of o.
func NewHTTPClient(allowPrivate bool, o Outgoing) *http.Client {
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}
	if !allowPrivate {
		dialer.Control = ssrf.New(ssrf.WithAnyPort()).Safe
	}
	return &http.Client{
		Timeout: HTTPTimeout,
		Transport: userAgent{&http.Transport{
			DialContext:           o.Dial(dialer),
			ForceAttemptHTTP2:     true,
			MaxIdleConns:          o.idle(256),
			MaxIdleConnsPerHost:   64, // as many bots of one server start at a time
			IdleConnTimeout:       90 * time.Second,
			TLSHandshakeTimeout:   10 * time.Second,
			ResponseHeaderTimeout: HTTPTimeout,
			ReadBufferSize:        2 << 10, // most connections become a stream and wait
			WriteBufferSize:       1 << 10,
		}},
	}
}

// userAgent says who asks: administrators of other servers want to know.
type userAgent struct{ http.RoundTripper }

func (t userAgent) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Header.Get("User-Agent") == "" {
		r = r.Clone(r.Context())
		r.Header.Set("User-Agent", "Ticketfrei/3")
	}
	return t.RoundTripper.RoundTrip(r)
}

// CloseIdleConnections is what http.Client asks its transport for.
func (t userAgent) CloseIdleConnections() {
	(&http.Client{Transport: t.RoundTripper}).CloseIdleConnections()
}
