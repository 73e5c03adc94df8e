// Package remote is the HTTP client of a network. It bounds what comes back, and
// makes one kind of error of everything that can go wrong, with texts for people.
package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Client talks to one server as one account. It may be used from many
// goroutines.
type Client struct {
	// HTTP makes the exchanges. Where the address comes from a stranger it must
	// be the guarded client of the host.
	HTTP *http.Client
	// Base is what all paths are below: "https://zulip.example/api/v1".
	Base string
	// Name is what people call the server; empty means the host of Base.
	Name string
	// Header is sent with every request to the host of Base, and not elsewhere:
	// it holds the login.
	Header http.Header
	// Kinds says what the network's own codes mean.
	Kinds Kinds
	// Parse reads an answer that is no success; nil means ParseJSON.
	Parse Parse
	// MaxAnswer bounds an answer in bytes; 0 means 8 MiB.
	MaxAnswer int64
	// UsualWait is how long to wait where a server asks to slow down and does
	// not say for how long; 0 means a minute.
	UsualWait time.Duration
	// Now tells the time; nil means time.Now.
	Now func() time.Time
}

// defaultMaxAnswer has room for a page of long messages with their authors.
const defaultMaxAnswer = 8 << 20

// With returns the client with one more header. With an Idempotency-Key it
// answers for one call: the request is not sent again behind the caller's back,
// as some servers ignore the key and would post twice.
func (c *Client) With(name, value string) *Client {
	changed := *c
	changed.Header = c.Header.Clone()
	if changed.Header == nil {
		changed.Header = http.Header{}
	}
	changed.Header.Set(name, value)
	return &changed
}

// Get asks for path and decodes the answer into out, as Do does.
func (c *Client) Get(ctx context.Context, path string, query url.Values, out any) error {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return c.Do(ctx, http.MethodGet, path, nil, out)
}

// Post posts body as JSON and decodes the answer into out, as Do does.
func (c *Client) Post(ctx context.Context, path string, body, out any) error {
	return c.Do(ctx, http.MethodPost, path, body, out)
}

// Form sends a form and decodes the answer into out, as Do does.
func (c *Client) Form(ctx context.Context, method, path string, form url.Values, out any) error {
	return c.send(ctx, method, path, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()), out)
}

// Do makes one exchange: body goes out as JSON, unless it is nil, and the answer
// is decoded into out, unless that is nil. The error is an *Error, or that of
// ctx where it was cancelled.
func (c *Client) Do(ctx context.Context, method, path string, body, out any) error {
	if body == nil {
		return c.send(ctx, method, path, "", nil, out)
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode request: %w", err)
	}
	return c.send(ctx, method, path, "application/json", bytes.NewReader(raw), out)
}

var errNoURL = errors.New("not the URL of a server")

func (c *Client) send(ctx context.Context, method, path, contentType string, body io.Reader, out any) error {
	resp, err := c.exchange(ctx, method, path, contentType, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return c.Explain(ctx, c.read(resp, out))
}

// exchange makes a request and returns the answer, whose body is to be closed.
func (c *Client) exchange(ctx context.Context, method, path, contentType string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.Base+path, body)
	if err != nil {
		// The cause would repeat the URL.
		return nil, &Error{Name: c.name(), Trouble: Unreachable, Cause: errNoURL}
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := c.Library().Do(req)
	if err != nil {
		return nil, c.Explain(ctx, err)
	}
	return resp, nil
}

// read decodes an answer into out.
func (c *Client) read(resp *http.Response, out any) error {
	if resp.StatusCode/100 != 2 {
		return c.fail(resp.StatusCode, NotTheAPI, nil) // a redirect that is not followed
	}
	if out == nil {
		return c.readDone(resp)
	}
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return c.fail(resp.StatusCode, troubleOfReading(err), err)
	}
	if len(raw) == 0 && resp.StatusCode == http.StatusNoContent {
		return nil
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return c.fail(resp.StatusCode, NotTheAPI, err)
	}
	return nil
}

// readDone reads an answer that says no more than that something was done: it may be
// empty, JSON or a word, and the page of a firewall says nothing. It is read to its end,
// so that the connection can be used again.
func (c *Client) readDone(resp *http.Response) error {
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	if err != nil {
		return c.fail(resp.StatusCode, troubleOfReading(err), err)
	}
	raw = bytes.TrimSpace(raw)
	html := strings.Contains(strings.ToLower(resp.Header.Get("Content-Type")), "html")
	if bytes.HasPrefix(raw, []byte("<")) || html && len(raw) > 0 && !json.Valid(raw) {
		return c.fail(resp.StatusCode, NotTheAPI, nil)
	}
	return nil
}

// troubleOfReading is what it means that an answer could not be read to its end.
func troubleOfReading(err error) Trouble {
	if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
		return NotTheAPI
	}
	if isTimeout(err) {
		return NoAnswer
	}
	return Broken
}

func (c *Client) fail(status int, t Trouble, cause error) *Error {
	return &Error{Name: c.name(), Status: status, Trouble: t, Cause: cause}
}

// name is what people call the server.
func (c *Client) name() string {
	if c.Name != "" {
		return c.Name
	}
	if u, err := url.Parse(c.Base); err == nil && u.Host != "" {
		return u.Host
	}
	return c.Base
}

func (c *Client) now() time.Time {
	if c.Now == nil {
		return time.Now()
	}
	return c.Now()
}
