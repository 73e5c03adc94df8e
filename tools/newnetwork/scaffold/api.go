package scaffold

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"time"

	"ticketfrei/bots"
)

// The toy API stands here for that of the real network. A server speaks it at
// an address that the moderator names; its account there is the city's bot.
// Every request carries "Authorization: Bearer <token>".
//
//	GET /me
//	    200 {"name": "kontis", "newest": "41"}
//	    Whose token it is, and the id of the newest message.
//	GET /messages?after=41&wait=20
//	    200 {"messages": [{"id": "42", "author": "rider", "text": "…",
//	         "private": false, "picture": false, "time": "2024-05-03T10:00:00Z"}]}
//	    What people wrote to the account after message 41, oldest first. While
//	    there is nothing, the server holds the request for up to 20 s and then
//	    answers with an empty list.
//	POST /posts {"key": "…", "text": "…", "to": "rider"}
//	    200 {"id": "7"}
//	    Posts for everybody to see, or for one reader where "to" is given. The
//	    same key again is the same post. At most 500 characters.
//	DELETE /posts/7
//	    204, or 404 where it is not there.
//
// Every other status is an error, with {"error": "words"} where it has some:
// 401 the token is not accepted, 410 the reader in "to" is not there any more,
// 422 this text is not taken, 429 wait as many seconds as Retry-After says.

const (
	// longPoll is how long the server may hold a request for messages. It
	// stays below bots.HTTPTimeout, which bounds the exchange.
	longPoll = 20 * time.Second
	// maxText is how many characters a post may have.
	maxText = 500
	// maxAnswer bounds the body of an answer: the server is a stranger's.
	maxAnswer = 1 << 20
)

// How long to wait after a 429: what the server asks for within these bounds,
// usualWait where it does not say.
const (
	shortestWait = time.Second
	longestWait  = 15 * time.Minute
	usualWait    = time.Minute
)

var (
	// errUnreachable is a server that gives no answer.
	errUnreachable = errors.New("cannot be reached")
	// errOtherAPI is an answer that the toy API does not give.
	errOtherAPI = errors.New("answers in a way that is not understood")
)

// handle is what names of accounts look like. They are shown on pages and in
// texts, so nothing else is taken from the server.
var handle = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)

// client talks to one server as one account.
type client struct {
	http    *http.Client
	address string // "https://toy.example", without a slash at the end
	token   string
}

// profile is the account that a token belongs to.
type profile struct {
	Name   string `json:"name"`
	Newest string `json:"newest"` // id of the newest message; empty where there is none
}

// message is what somebody wrote to the account.
type message struct {
	ID      string    `json:"id"`
	Author  string    `json:"author"`
	Text    string    `json:"text"`
	Private bool      `json:"private"`
	Picture bool      `json:"picture"`
	Time    time.Time `json:"time"`
}

// post is a text on its way out. Key names it for ever: sent again, it is the
// same post. To is empty where everybody may see it.
type post struct {
	Key  string `json:"key"`
	Text string `json:"text"`
	To   string `json:"to,omitempty"`
}

// me asks whose token it is.
func (c *client) me(ctx context.Context) (profile, error) {
	var p profile
	if err := c.do(ctx, http.MethodGet, "/me", nil, &p); err != nil {
		return profile{}, err
	}
	if !handle.MatchString(p.Name) {
		return profile{}, c.says(errOtherAPI)
	}
	return p, nil
}

// messages returns those after the message with that id, oldest first. It
// waits for some, up to longPoll.
func (c *client) messages(ctx context.Context, after string) ([]message, error) {
	query := url.Values{"after": {after}, "wait": {strconv.Itoa(int(longPoll.Seconds()))}}
	var page struct {
		Messages []message `json:"messages"`
	}
	err := c.do(ctx, http.MethodGet, "/messages?"+query.Encode(), nil, &page)
	return page.Messages, err
}

// post posts p and returns the id that the server gave it.
func (c *client) post(ctx context.Context, p post) (id string, err error) {
	var made struct {
		ID string `json:"id"`
	}
	err = c.do(ctx, http.MethodPost, "/posts", p, &made)
	return made.ID, err
}

// remove deletes a post.
func (c *client) remove(ctx context.Context, id string) error {
	return c.do(ctx, http.MethodDelete, "/posts/"+url.PathEscape(id), nil, nil)
}

// do makes one exchange: body, where there is one, goes out as JSON, and the
// answer is read into out. Its errors have the contract's kinds.
func (c *client) do(ctx context.Context, method, path string, body, out any) error {
	req, err := c.request(ctx, method, path, body)
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return c.noAnswer(ctx, err)
	}
	defer resp.Body.Close()
	answer := io.LimitReader(resp.Body, maxAnswer)
	if resp.StatusCode/100 != 2 {
		return c.answerError(resp, answer)
	}
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(answer).Decode(out); err != nil {
		return c.says(fmt.Errorf("%w: %w", errOtherAPI, err))
	}
	return nil
}

func (c *client) request(ctx context.Context, method, path string, body any) (*http.Request, error) {
	var raw []byte
	if body != nil {
		var err error
		if raw, err = json.Marshal(body); err != nil {
			return nil, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, c.address+path, bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("Content-Type", "application/json")
	return req, nil
}

// says names the server in an error, as people know it.
func (c *client) says(err error) error {
	host := c.address
	if u, parseErr := url.Parse(c.address); parseErr == nil {
		host = u.Host
	}
	return fmt.Errorf("%s %w", host, err)
}

// noAnswer is the error of an exchange that did not come about. The URL in
// errors of net/http is left out: moderators read this.
func (c *client) noAnswer(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	return c.says(fmt.Errorf("%w: %w", errUnreachable, err))
}

// apiError is an answer that is no success.
type apiError struct {
	status int
	words  string // the server's own; empty where it gave none
}

func (e *apiError) Error() string {
	if e.words != "" {
		return "says: " + e.words
	}
	return fmt.Sprintf("answers %d %s", e.status, http.StatusText(e.status))
}

// answerError gives an error of the server its kind, which decides what the
// program does about it: see bots.Error.
func (c *client) answerError(resp *http.Response, body io.Reader) error {
	var said struct {
		Error string `json:"error"`
	}
	// An answer that is not JSON has no words that could be shown.
	_ = json.NewDecoder(body).Decode(&said)
	err := c.says(&apiError{status: resp.StatusCode, words: fit(said.Error, 200)})
	switch resp.StatusCode {
	case http.StatusUnauthorized:
		return bots.Refused(err)
	case http.StatusTooManyRequests:
		return bots.RetryAfter(waitOf(resp.Header), err)
	case http.StatusGone:
		return bots.Gone(err)
	case http.StatusBadRequest, http.StatusNotFound, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return bots.Permanent(err)
	}
	return err // temporary
}

// waitOf reads Retry-After in seconds (RFC 9110, 10.2.3).
func waitOf(h http.Header) time.Duration {
	seconds, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil {
		return usualWait
	}
	return min(max(time.Duration(seconds)*time.Second, shortestWait), longestWait)
}

// statusOf is the HTTP status of an error that the server answered with, or 0.
func statusOf(err error) int {
	if e, ok := errors.AsType[*apiError](err); ok {
		return e.status
	}
	return 0
}
