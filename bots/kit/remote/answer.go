package remote

import (
	"cmp"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Kinds says what an API's own codes mean, as "STREAM_DOES_NOT_EXIST": Gone. A
// status in figures, as "403", stands for the answers of the API with that
// status whose code is not there. Neither is asked about answers that are none of
// the API.
type Kinds map[string]Trouble

// Parse reads an answer that is no success: the API's own code, or its words where it
// has none, and how long it asks to wait, zero where the body does not say. ok is
// false where the answer has not the form of the API: then it was given by
// something between.
type Parse func(status int, header http.Header, body []byte) (code string, after time.Duration, ok bool)

// maxErrorBody bounds an answer that is no success, in bytes.
const maxErrorBody = 64 << 10

// answer is the error of an answer that is no success.
func (c *Client) answer(resp *http.Response) *Error {
	// What was read before the connection broke may do.
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	parse := c.Parse
	if parse == nil {
		parse = ParseJSON
	}
	status := resp.StatusCode
	code, after, ok := parse(status, resp.Header, body)
	e := c.fail(status, troubleBetween(status), nil)
	if ok {
		e.Code = onlyCode(code)
		e.Trouble = c.Kinds.of(code, status)
	}
	if e.Trouble == Limited {
		e.After = c.wait(resp.Header, after)
	}
	if !ok {
		e.After = min(e.After, longestBetween)
	}
	return e
}

// Answered is the error of an answer that a library has read itself: one in the
// form of the API, with its code. after is how long the server asks to wait, zero
// where it does not say.
func (c *Client) Answered(status int, code string, after time.Duration) *Error {
	e := c.fail(status, c.Kinds.of(code, status), nil)
	e.Code = onlyCode(code)
	if e.Trouble == Limited {
		e.After = c.wait(nil, after)
	}
	return e
}

// troubleBetween is what an answer means that is none of the API. It never says
// anything about the account or a recipient.
func troubleBetween(status int) Trouble {
	switch {
	case status == http.StatusTooManyRequests:
		return Limited
	case status >= http.StatusInternalServerError:
		return Broken
	}
	return NotTheAPI
}

// of is what an answer of the API means.
func (k Kinds) of(code string, status int) Trouble {
	for _, key := range []string{code, strconv.Itoa(status)} {
		if t, ok := k[key]; ok {
			return t
		}
	}
	switch {
	case status == http.StatusUnauthorized:
		return Refused
	case status == http.StatusTooManyRequests:
		return Limited
	case status >= http.StatusInternalServerError, status == http.StatusRequestTimeout, status == http.StatusTooEarly:
		return Broken
	}
	return Rejected
}

// ParseJSON reads the forms that most APIs have: {"error": "…"}, or a code ("code",
// "errcode", "error_code") with words ("msg", "message", "description", "error",
// "error_description"). An "error" without a code beside it is the code. How long to
// wait stands in "retry_after" or "retry-after", in seconds.
func ParseJSON(_ int, _ http.Header, body []byte) (code string, after time.Duration, ok bool) {
	var fields map[string]any
	if err := json.Unmarshal(body, &fields); err != nil {
		return "", 0, false
	}
	first := func(names ...string) string {
		for _, name := range names {
			if s := scalar(fields[name]); s != "" {
				return s
			}
		}
		return ""
	}
	problem, _ := fields["error"].(string)
	problem = strings.TrimSpace(problem)
	code = first("code", "errcode", "error_code")
	words := first("msg", "message", "description", "error_description")
	if problem == "" && (code == "" || words == "") {
		return "", 0, false
	}
	after, _ = seconds(first("retry_after", "retry-after"))
	return cmp.Or(code, problem), after, true
}

// scalar writes a text or a number; "" for everything else.
func scalar(value any) string {
	switch v := value.(type) {
	case string:
		return strings.TrimSpace(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}

// How long to wait at least and at most, whatever a server asks for.
const (
	shortestWait = time.Second
	longestWait  = 15 * time.Minute
	usualWait    = time.Minute
)

// longestBetween is how long to wait at most where not the API asks for it, but something
// between: it knows nothing of the account, and receivers are to be back within half a
// minute after it has ended.
const longestBetween = 20 * time.Second

// wait is how long to wait after an answer that asks to slow down: what its body
// says, or its headers, or the usual time. It is bounded.
func (c *Client) wait(h http.Header, body time.Duration) time.Duration {
	wait := cmp.Or(body, inHeader(h, c.now()), c.UsualWait, usualWait)
	return min(max(wait, shortestWait), longestWait)
}

// inHeader is how long the headers ask to wait, zero where they do not say.
func inHeader(h http.Header, now time.Time) time.Duration {
	if d, ok := retryAfter(h, now); ok {
		return max(d, shortestWait)
	}
	if d, ok := untilReset(h, now); ok {
		return max(d, shortestWait)
	}
	return 0
}

// retryAfter reads Retry-After, in seconds or as a time (RFC 9110, 10.2.3).
func retryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	value := h.Get("Retry-After")
	if at, err := http.ParseTime(value); err == nil {
		return at.Sub(serverTime(h, now)), true
	}
	return seconds(value)
}

// untilReset reads X-RateLimit-Reset: a time, as Mastodon writes it
// (docs.joinmastodon.org/api/rate-limits), seconds since 1970, or seconds from
// now on.
func untilReset(h http.Header, now time.Time) (time.Duration, bool) {
	value := h.Get("X-RateLimit-Reset")
	if at, err := time.Parse(time.RFC3339, value); err == nil {
		return at.Sub(serverTime(h, now)), true
	}
	const since1970 = 1e9
	if n, err := strconv.ParseInt(value, 10, 64); err == nil && n > since1970 {
		return time.Unix(n, 0).Sub(serverTime(h, now)), true
	}
	return seconds(value)
}

// serverTime is the time by the clock of the server, which its times are of.
func serverTime(h http.Header, now time.Time) time.Time {
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		return date
	}
	return now
}

// seconds reads a number of seconds, with or without a fraction. More than a day
// is a day.
func seconds(value string) (time.Duration, bool) {
	n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if err != nil || math.IsNaN(n) {
		return 0, false
	}
	const day = 24 * 60 * 60
	return time.Duration(min(max(n, 0), day) * float64(time.Second)).Round(time.Millisecond), true
}

// RetryAfter is how long an answer that asks to slow down says to wait, or else the usual
// time. It is bounded.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	c := Client{Now: func() time.Time { return now }}
	return c.wait(h, 0)
}
