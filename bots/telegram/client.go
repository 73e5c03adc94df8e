package telegram

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/mymmrac/telego"
	"github.com/mymmrac/telego/telegoapi"
)

const (
	// callTimeout bounds one call but for getUpdates, which waits on purpose.
	callTimeout = 30 * time.Second
	// pollGrace is how much later than it was asked to getUpdates may answer.
	pollGrace = 15 * time.Second
	// maxAnswer bounds an answer in bytes: 100 updates with long texts are far
	// less.
	maxAnswer = 16 << 20
)

// checkURL tells whether text is the URL of a server.
func checkURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return errors.New(`not the URL of a server: write it as "https://api.telegram.org"`)
	}
	return nil
}

// newTransport returns the transport for all bots. It may connect anywhere: the
// server's URL is the operator's own setting. There is a connection for every
// bot that waits where the server speaks HTTP/1.1 only, hence the small
// buffers and the many idle ones.
//
// It is used without an http.Client: that would keep a kilobyte more on the stack
// of each bot that waits, 16 KB in place of 8, for what is not wanted here.
// Redirects must not be followed: the URL holds the token.
func newTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         dialer.DialContext,
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: 1 << 15,
		IdleConnTimeout:     90 * time.Second,
		TLSHandshakeTimeout: 10 * time.Second,
		ReadBufferSize:      2 << 10,
		WriteBufferSize:     1 << 10,
		// Every bot's token is in its URL: remembering those of the last requests
		// for the sake of shorter headers costs a fifth of what an idle bot does.
		HTTP2: &http.HTTP2Config{MaxEncoderHeaderTableSize: 1},
	}
}

// client talks to the Bot API as one bot. It holds little: there is one for
// every bot.
type client struct {
	// api is the library's client, made when something is sent first: it
	// compiles a regular expression each time.
	api     func() (*telego.Bot, error)
	caller  caller
	url     string // of the bot's methods; holds the token
	dialing dialing
}

// client returns a client for the token. base is the API server; empty means
// that of the setting. The error is telego.ErrInvalidToken.
func (n *network) client(base, token string) (*client, error) {
	if base == "" {
		base = n.api
	}
	if token == "" || findToken(token) != token {
		return nil, telego.ErrInvalidToken
	}
	call := caller{n.transport}
	return &client{caller: call, dialing: n.dialing, url: base + "/bot" + token + "/", api: sync.OnceValues(func() (*telego.Bot, error) {
		return telego.NewBot(token, telego.WithAPIServer(base), telego.WithAPICaller(call), telego.WithLogger(quiet{}))
	})}, nil
}

// quiet drops the library's log lines: they hold the token.
type quiet struct{}

func (quiet) Debugf(string, ...any) {}
func (quiet) Errorf(string, ...any) {}

// caller makes the calls. Its errors hold no URL and so no token.
type caller struct{ transport *http.Transport }

// answerError is an answer that is none of the Bot API.
type answerError struct{ status int }

func (e *answerError) Error() string { return fmt.Sprintf("status %d", e.status) }

// Call posts data to url and reads the answer. It has an error where it is not
// "ok".
func (c caller) Call(ctx context.Context, url string, data *telegoapi.RequestData) (*telegoapi.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(data.BodyRaw))
	if err != nil {
		return nil, errors.New("the request cannot be made")
	}
	req.Header.Set("Content-Type", data.ContentType)
	return c.exchange(req)
}

// exchange makes a request and reads the answer.
func (c caller) exchange(req *http.Request) (*telegoapi.Response, error) {
	req.Header.Set("User-Agent", "Ticketfrei/3")
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	var answer telegoapi.Response
	err = json.Unmarshal(body, &answer)
	if resp.StatusCode >= http.StatusInternalServerError || err != nil || !answer.Ok && answer.Error == nil {
		return nil, &answerError{resp.StatusCode}
	}
	return &answer, nil
}

// me returns whose token it is.
func (c *client) me(ctx context.Context) (*telego.User, error) {
	ctx, done := context.WithTimeout(ctx, callTimeout)
	defer done()
	result, err := c.get(ctx, "getMe", c.dialing)
	if err != nil {
		return nil, err
	}
	var me telego.User
	if err := json.Unmarshal(result, &me); err != nil || me.ID == 0 || me.Username == "" {
		return nil, &answerError{http.StatusOK}
	}
	return &me, nil
}

// get makes a call with its parameters in the query and returns its result.
// Without a body a request is one packet: thousands of bots ask all the time.
// Where d is nil, it does not wait for its turn to find a connection.
func (c *client) get(ctx context.Context, call string, d dialing) (json.RawMessage, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+call, nil)
	if err != nil {
		return nil, errors.New("the request cannot be made")
	}
	found := func() {}
	if d != nil {
		req, found = d.find(req)
	}
	answer, err := c.caller.exchange(req)
	found()
	if err != nil {
		return nil, err
	}
	if !answer.Ok {
		return nil, answer.Error
	}
	return answer.Result, nil
}

// allowedUpdates is what getUpdates is asked for, as part of a query.
var allowedUpdates = url.QueryEscape(`["` + telego.MessageUpdates + `","` + telego.MyChatMemberUpdates + `"]`)

// updates returns what is new from offset on, as soon as there is something, or
// nothing after wait. It decodes each update by itself: one that cannot be read
// must not keep those after it from arriving.
func (c *client) updates(ctx context.Context, offset int, wait time.Duration, d dialing) ([]json.RawMessage, error) {
	ctx, done := context.WithTimeout(ctx, wait+pollGrace)
	defer done()
	result, err := c.get(ctx, fmt.Sprintf("getUpdates?offset=%d&timeout=%d&allowed_updates=%s", offset, int(wait/time.Second), allowedUpdates), d)
	if err != nil {
		return nil, err
	}
	var list []json.RawMessage
	if err := json.Unmarshal(result, &list); err != nil {
		return nil, &answerError{http.StatusOK}
	}
	return list, nil
}

// send sends a text as it is, without previews of the links in it, and returns
// the id of the message.
func (c *client) send(ctx context.Context, chat int64, text string) (int, error) {
	ctx, done := context.WithTimeout(ctx, callTimeout)
	defer done()
	api, err := c.api()
	if err != nil {
		return 0, err
	}
	m, err := api.SendMessage(ctx, &telego.SendMessageParams{ChatID: telego.ChatID{ID: chat}, Text: text,
		LinkPreviewOptions: &telego.LinkPreviewOptions{IsDisabled: true}})
	if err != nil {
		return 0, err
	}
	return m.MessageID, nil
}

// remove deletes a message.
func (c *client) remove(ctx context.Context, chat int64, id int) error {
	ctx, done := context.WithTimeout(ctx, callTimeout)
	defer done()
	api, err := c.api()
	if err != nil {
		return err
	}
	return api.DeleteMessage(ctx, &telego.DeleteMessageParams{ChatID: telego.ChatID{ID: chat}, MessageID: id})
}

// takeOver makes getUpdates work: it is refused while a webhook is set.
func (c *client) takeOver(ctx context.Context) error {
	ctx, done := context.WithTimeout(ctx, callTimeout)
	defer done()
	api, err := c.api()
	if err != nil {
		return err
	}
	return api.DeleteWebhook(ctx, &telego.DeleteWebhookParams{})
}

// setMenu sets the commands that clients of a language offer; "" is for all
// others.
func (c *client) setMenu(ctx context.Context, language string, menu []telego.BotCommand) error {
	ctx, done := context.WithTimeout(ctx, callTimeout)
	defer done()
	api, err := c.api()
	if err != nil {
		return err
	}
	return api.SetMyCommands(ctx, &telego.SetMyCommandsParams{Commands: menu, LanguageCode: language})
}
