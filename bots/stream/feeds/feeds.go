// Package feeds reads the feeds of operators: RSS, RDF, Atom and JSON Feed.
package feeds

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"code.dny.dev/ssrf"

	"ticketfrei/bots"
)

const (
	// MaxBytes bounds a feed.
	MaxBytes = 1 << 20
	// MaxItems is how many items of a feed are looked at: the newest.
	MaxItems = 1000
	// longestWish is how long a server may ask not to be asked again.
	longestWish = time.Hour
)

const accept = "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml, application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.8, */*;q=0.5"

// Known is what the server said the last time of what was read, so that it need not be
// sent twice.
type Known struct{ ETag, Modified string }

// Page is what a feed says now.
type Page struct {
	Known
	Unchanged bool          // Items are those of the last time, and not read
	Items     []Item        // the oldest first
	Wish      time.Duration // not to be asked again before; 0: no wish
}

// Trouble says why a feed cannot be read.
type Trouble string

// The troubles.
const (
	Unreachable Trouble = "unreachable"
	Slow        Trouble = "slow"    // it did not answer in time
	Private     Trouble = "private" // an address that may not be connected to
	Circle      Trouble = "circle"  // a feed of Ticketfrei
	Large       Trouble = "large"   // more than MaxBytes
	Missing     Trouble = "missing" // 404
	Gone        Trouble = "gone"    // 410: it is not asked again
	Denied      Trouble = "denied"  // 401, 403
	Limited     Trouble = "limited" // 429, 503
	Status      Trouble = "status"  // another status
	NoFeed      Trouble = "no_feed" // something else, as a page
	Broken      Trouble = "broken"  // a feed that cannot be parsed
)

// Error is a trouble with a feed.
type Error struct {
	Trouble Trouble
	Status  int           // HTTP status, where that is the trouble
	After   time.Duration // what the server asked to wait; 0: nothing
	Err     error
}

func (e *Error) Error() string {
	text := "feed: " + string(e.Trouble)
	if e.Status > 0 {
		text += ", status " + strconv.Itoa(e.Status)
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

func (e *Error) Unwrap() error { return e.Err }

// Read reads a feed. The error is an *Error, or that of ctx.
func Read(ctx context.Context, client *http.Client, address string, known Known) (Page, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return Page{}, &Error{Trouble: Unreachable, Err: err}
	}
	r.Header.Set("Accept", accept)
	if known.ETag != "" {
		r.Header.Set("If-None-Match", known.ETag)
	}
	if known.Modified != "" {
		r.Header.Set("If-Modified-Since", known.Modified)
	}
	resp, err := client.Do(r)
	if err != nil {
		return Page{}, notRead(ctx, err)
	}
	defer resp.Body.Close()
	return answer(ctx, resp, known)
}

// notRead is an error of the way to a feed.
func notRead(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	trouble := Unreachable
	var slow net.Error
	switch {
	case errors.Is(err, ssrf.ErrProhibitedIP), errors.Is(err, ssrf.ErrProhibitedNetwork), errors.Is(err, ssrf.ErrProhibitedPort):
		trouble = Private
	case errors.As(err, &slow) && slow.Timeout():
		trouble = Slow
	}
	if failed, ok := errors.AsType[*url.Error](err); ok {
		err = failed.Err // without the address, which may hold a password
	}
	return &Error{Trouble: trouble, Err: err}
}

// answer reads what a server has answered.
func answer(ctx context.Context, resp *http.Response, known Known) (Page, error) {
	if resp.Header.Get(bots.LoopHeader) != "" {
		return Page{}, &Error{Trouble: Circle}
	}
	p := Page{Known: known, Wish: maxAge(resp.Header)}
	switch resp.StatusCode {
	case http.StatusNotModified:
		p.Unchanged = true
		return p, nil
	case http.StatusOK:
	default:
		return Page{}, statusError(resp)
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, MaxBytes+1))
	switch {
	case err != nil:
		return Page{}, notRead(ctx, err)
	case len(raw) > MaxBytes:
		return Page{}, &Error{Trouble: Large}
	}
	p.Known = Known{header(resp, "ETag"), header(resp, "Last-Modified")}
	ttl := time.Duration(0)
	p.Items, ttl, err = Parse(raw)
	p.Wish = min(max(p.Wish, ttl), longestWish)
	return p, err
}

// maxHeader bounds what is kept of a header, in bytes. A longer one is not kept.
const maxHeader = 1000

func header(resp *http.Response, name string) string {
	if text := resp.Header.Get(name); len(text) <= maxHeader {
		return text
	}
	return ""
}

// statusError is what a status means.
func statusError(resp *http.Response) error {
	e := &Error{Trouble: Status, Status: resp.StatusCode, After: retryAfter(resp.Header)}
	switch resp.StatusCode {
	case http.StatusGone:
		e.Trouble = Gone
	case http.StatusNotFound:
		e.Trouble = Missing
	case http.StatusUnauthorized, http.StatusForbidden:
		e.Trouble = Denied
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		e.Trouble = Limited
	}
	return e
}

// maxAge is how long a server says that its answer holds (RFC 9111, 5.2.2.1).
func maxAge(h http.Header) time.Duration {
	for _, directive := range strings.Split(strings.Join(h.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		if strings.EqualFold(name, "max-age") {
			return seconds(strings.Trim(value, `"`))
		}
	}
	return 0
}

// retryAfter is how long a server asks to wait (RFC 9110, 10.2.3).
func retryAfter(h http.Header) time.Duration {
	text := h.Get("Retry-After")
	at, err := http.ParseTime(text)
	if err != nil {
		return seconds(text)
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		now = time.Now()
	}
	return min(max(at.Sub(now), 0), longestWish)
}

// seconds reads a number of seconds, up to longestWish.
func seconds(text string) time.Duration {
	n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 32)
	if err != nil {
		return 0
	}
	return min(time.Duration(n)*time.Second, longestWish)
}
