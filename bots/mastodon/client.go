package mastodon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	gomastodon "github.com/mattn/go-mastodon"
)

// maxAnswer bounds the body of an answer: 80 notifications with long statuses
// and profiles are below 2 MB.
const maxAnswer = 8 << 20

// requestTimeout bounds one request with its answer.
const requestTimeout = 30 * time.Second

// How long to wait after a 429: what the server asks for within these bounds,
// usual where it does not say (Mastodon counts in windows of 5 minutes).
const (
	shortestWait = time.Second
	longestWait  = 15 * time.Minute
	usualWait    = 5 * time.Minute
)

// client talks to one instance as one account, or as none where token is
// empty.
type client struct {
	instance string // "https://mastodon.example"
	token    string
	base     http.RoundTripper
	redirect func(*http.Request, []*http.Request) error
	now      func() time.Time
}

// client returns one that goes through the program's guarded transport.
func (n *network) client(instance, token string) *client {
	c := &client{instance: instance, token: token, base: http.DefaultTransport, now: n.host.Now}
	if h := n.host.HTTP; h != nil {
		c.redirect = h.CheckRedirect
		if h.Transport != nil {
			c.base = h.Transport
		}
	}
	return c
}

// host is the instance as people know it.
func (c *client) host() string { return hostOf(c.instance) }

// api is the library's client, made anew for each call: it is a small struct,
// and key is the Idempotency-Key of this call alone, empty for none.
func (c *client) api(key string) *gomastodon.Client {
	return &gomastodon.Client{
		Client: c.http(key),
		Config: &gomastodon.Config{Server: c.instance, AccessToken: c.token},
	}
}

func (c *client) http(key string) http.Client {
	return http.Client{Transport: &transport{base: c.base, key: key, now: c.now}, CheckRedirect: c.redirect, Timeout: requestTimeout}
}

// get asks for path with query and decodes the answer into out.
func (c *client) get(ctx context.Context, path string, query url.Values, out any) error {
	return c.call(ctx, http.MethodGet, path+"?"+query.Encode(), nil, out)
}

// call is for what the library has no method for, or only one that cannot be
// used: the library's pages of notifications lose min_id after the first.
func (c *client) call(ctx context.Context, method, path string, form url.Values, out any) error {
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(ctx, method, c.instance+path, body)
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	h := c.http("")
	resp, err := h.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return answerError(resp.StatusCode, resp.Body)
	}
	if out == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(out)
}

// answerError is an answer that is no success, with the server's own words.
func answerError(status int, body io.Reader) error {
	var e struct {
		Error string `json:"error"`
	}
	// An answer that is not JSON has no words that could be shown.
	_ = json.NewDecoder(body).Decode(&e)
	return &gomastodon.APIError{StatusCode: status, Message: e.Error}
}

// statusOf is the HTTP status of an error that an instance answered with, or 0.
func statusOf(err error) int {
	if e, ok := errors.AsType[*gomastodon.APIError](err); ok {
		return e.StatusCode
	}
	return 0
}

// limited is the error of an answer 429.
type limited struct{ after time.Duration }

func (l *limited) Error() string { return fmt.Sprintf("too many requests, wait %s", l.after) }

// transport adds the Idempotency-Key, bounds answers, and turns 429 into an
// error: the library would sleep, for up to an hour.
type transport struct {
	base http.RoundTripper
	key  string
	now  func() time.Time
}

// RoundTrip makes one exchange.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if t.key != "" {
		req = req.Clone(req.Context())
		req.Header.Set("Idempotency-Key", t.key)
		// With that header net/http takes the request for one that it may send
		// again by itself. Some servers ignore it and would post twice.
		req.GetBody = nil
	}
	resp, err := t.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusTooManyRequests {
		resp.Body.Close()
		return nil, &limited{after: waitOf(resp.Header, t.now())}
	}
	// The body of a WebSocket is also written to: it stays as it is.
	if resp.StatusCode != http.StatusSwitchingProtocols {
		resp.Body = http.MaxBytesReader(nil, resp.Body, maxAnswer)
	}
	return resp, nil
}

// waitOf reads how long a 429 asks to wait: until X-RateLimit-Reset, a time by
// the server's own clock (docs.joinmastodon.org/api/rate-limits), or Retry-After
// in seconds (RFC 9110).
func waitOf(h http.Header, now time.Time) time.Duration {
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	wait := usualWait
	if reset, err := time.Parse(time.RFC3339, h.Get("X-RateLimit-Reset")); err == nil {
		wait = reset.Sub(now)
	} else if seconds, err := time.ParseDuration(h.Get("Retry-After") + "s"); err == nil {
		wait = seconds
	}
	return min(max(wait, shortestWait), longestWait)
}
