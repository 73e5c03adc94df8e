package remote

import (
	"net/http"
	"net/url"
)

// Library returns an HTTP client for a library that speaks the network's API: it
// has the bounds, headers and errors of c. Errors of the library's calls go
// through Explain.
func (c *Client) Library() *http.Client {
	changed := *c.HTTP
	changed.Transport = c.Transport(c.HTTP.Transport)
	return &changed
}

// Transport wraps base, nil for the default one, so that it
//
//   - adds Header to requests to the host of Base, and asks for JSON,
//   - never sends a request with an Idempotency-Key again by itself,
//   - bounds answers to MaxAnswer,
//   - returns an *Error in place of an answer from 400 on: libraries wait for up
//     to an hour at a 429, and drop what shows that an answer is not the API's.
//
// What a connection becomes that changes its protocol, as a WebSocket, is left
// as it is.
func (c *Client) Transport(base http.RoundTripper) http.RoundTripper {
	if base == nil {
		base = http.DefaultTransport
	}
	return &transport{client: c, base: base}
}

type transport struct {
	client *Client
	base   http.RoundTripper
}

// RoundTrip makes one exchange.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.base.RoundTrip(t.complete(req))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return resp, nil // its body is also written to
	}
	if resp.StatusCode >= http.StatusBadRequest {
		defer resp.Body.Close()
		return nil, t.client.answer(resp)
	}
	longest := t.client.MaxAnswer
	if longest <= 0 {
		longest = defaultMaxAnswer
	}
	resp.Body = http.MaxBytesReader(nil, resp.Body, longest)
	return resp, nil
}

// complete returns the request with the client's headers.
func (t *transport) complete(req *http.Request) *http.Request {
	req = req.Clone(req.Context())
	if t.client.trusts(req.URL) {
		for name, values := range t.client.Header {
			if req.Header.Get(name) == "" {
				req.Header[http.CanonicalHeaderKey(name)] = values
			}
		}
	}
	if req.Header.Get("Accept") == "" {
		req.Header.Set("Accept", "application/json") // else some answer mistakes with pages
	}
	if req.Header.Get("Idempotency-Key") != "" {
		// With that header net/http takes the request for one that it may send
		// again by itself.
		req.GetBody = nil
	}
	return req
}

// trusts tells whether a URL is on the host of Base. A redirect may lead
// elsewhere, or from TLS to none.
func (c *Client) trusts(u *url.URL) bool {
	base, err := url.Parse(c.Base)
	return err == nil && u.Host == base.Host && (u.Scheme == base.Scheme || u.Scheme == "https")
}

// CloseIdleConnections is what http.Client asks its transport for.
func (t *transport) CloseIdleConnections() {
	(&http.Client{Transport: t.base}).CloseIdleConnections()
}
