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
	"path"
	"regexp"
	"sync"
	"time"

	"github.com/mymmrac/telego"
	"github.com/mymmrac/telego/telegoapi"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/account"
	"ticketfrei/bots/kit/remote"
)

const (
	// callTimeout bounds one call but for getUpdates, which waits on purpose.
	callTimeout = 30 * time.Second
	// pollGrace is how much later than it was asked to getUpdates may answer.
	pollGrace = 15 * time.Second
	// maxAnswer bounds an answer in bytes: as many updates as are asked for, with
	// the longest texts, are less.
	maxAnswer = 4 << 20
	// maxUpdates is how many updates are asked for at once.
	maxUpdates = 20
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
func newTransport(o bots.Outgoing) *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         o.Dial(dialer),
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
// every bot. Its errors are for people, and hold no URL and so no token.
type client struct {
	// api is the library's client, made when something is sent first: it
	// compiles a regular expression each time.
	api     func() (*telego.Bot, error)
	caller  caller
	dialing dialing
}

// client returns a client for the token. base is the API server; empty means
// that of the setting. The error says that this is no token.
func (d *driver) client(base, token string) (*client, error) {
	if base == "" {
		base = d.api
	}
	if !anyToken.MatchString(token) {
		return nil, bots.Say(telego.ErrInvalidToken, "telegram.error.no_token")
	}
	call := caller{d.transport, base + "/bot" + token + "/"}
	return &client{caller: call, dialing: d.dialing, api: sync.OnceValues(func() (*telego.Bot, error) {
		return telego.NewBot(inPlaceOfToken, telego.WithAPICaller(call), telego.WithLogger(quiet{}), telego.WithRequestConstructor(constructor{}))
	})}, nil
}

// anyToken is a token that another program used: of those that are typed it is known what
// @BotFather writes, see tokenPattern.
var anyToken = regexp.MustCompile(`^\d{5,20}:[A-Za-z0-9_-]{30,64}$`)

// inPlaceOfToken is what the library has in place of a token: the caller puts the right one in. So
// the library cannot show it, nor refuse one for its length, of which Telegram says nothing.
const inPlaceOfToken = "0:" + "the-library-is-not-told-any-tokens-"

// quiet drops the library's log lines: they hold what riders write.
type quiet struct{}

func (quiet) Debugf(string, ...any) {}
func (quiet) Errorf(string, ...any) {}

// constructor makes the bodies of calls. The library's own writes down parameters that
// are not set, as the chat of a message that is answered, which a strict server refuses.
type constructor struct{ telegoapi.DefaultConstructor }

// JSONRequest returns the body that has the parameters.
func (constructor) JSONRequest(parameters any) (*telegoapi.RequestData, error) {
	raw, err := json.Marshal(parameters)
	if err != nil {
		return nil, fmt.Errorf("parameters of a call: %w", err)
	}
	return &telegoapi.RequestData{ContentType: telegoapi.ContentTypeJSON, BodyRaw: raw}, nil
}

// caller makes the calls.
type caller struct {
	transport *http.Transport
	url       string // of the bot's methods; holds the token
}

// Call posts data to the method that url ends with and reads the answer. It has an error
// where that is not "ok".
func (c caller) Call(ctx context.Context, url string, data *telegoapi.RequestData) (*telegoapi.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+path.Base(url), bytes.NewReader(data.BodyRaw))
	if err != nil {
		return nil, errNoRequest
	}
	req.Header.Set("Content-Type", data.ContentType)
	return c.exchange(req)
}

// errTooLarge is an answer of more than maxAnswer.
var errTooLarge = errors.New("the answer is too large")

// errNoRequest stands for an error that would repeat the URL.
var errNoRequest = errors.New("the request cannot be made")

// exchange makes a request and reads the answer.
func (c caller) exchange(req *http.Request) (*telegoapi.Response, error) {
	req.Header.Set("User-Agent", "Ticketfrei/3")
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	if len(body) > maxAnswer {
		return nil, &remote.Error{Name: "Telegram", Status: resp.StatusCode, Trouble: remote.NotTheAPI, Cause: errTooLarge}
	}
	var answer telegoapi.Response
	err = json.Unmarshal(body, &answer)
	if resp.StatusCode >= http.StatusInternalServerError || err != nil || !answer.Ok && (answer.Error == nil || answer.ErrorCode == 0) {
		return nil, notTheAPI(resp.StatusCode)
	}
	return &answer, nil
}

// get makes a call with its parameters in the query and decodes its result.
// Without a body a request is one packet: thousands of bots ask all the time.
// Where d is nil, it does not wait for its turn to find a connection.
func (c *client) get(ctx context.Context, call string, d dialing, out any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.caller.url+call, nil)
	if err != nil {
		return explain(ctx, errNoRequest)
	}
	found := func() {}
	if d != nil {
		req, found = d.find(req)
	}
	answer, err := c.caller.exchange(req)
	found()
	switch {
	case err != nil:
		return explain(ctx, err)
	case !answer.Ok:
		return explain(ctx, answer.Error)
	case json.Unmarshal(answer.Result, out) != nil:
		return notTheAPI(http.StatusOK)
	}
	return nil
}

// me returns whose token it is.
func (c *client) me(ctx context.Context) (account.Account, error) {
	ctx, done := context.WithTimeout(ctx, callTimeout)
	defer done()
	var me telego.User
	if err := c.get(ctx, "getMe", c.dialing, &me); err != nil {
		return account.Account{}, err
	}
	if me.ID == 0 || me.Username == "" {
		return account.Account{}, notTheAPI(http.StatusOK)
	}
	return newAccount(me.ID, me.Username, me.FirstName), nil
}

// newAccount is a bot as its city knows it, still without its token.
func newAccount(id int64, username, name string) account.Account {
	return account.Account{Remote: formatID(id), Handle: "@" + username, Name: name, URL: "https://t.me/" + username}
}

// allowedUpdates is what Telegram is asked for, and allowedInQuery the same as part of a
// query.
const allowedUpdates = `["` + telego.MessageUpdates + `","` + telego.EditedMessageUpdates + `","` + telego.MyChatMemberUpdates + `"]`

var allowedInQuery = url.QueryEscape(allowedUpdates)

// updates returns what is new from offset on, most at once, as soon as there is
// something, or nothing after wait. Each update is decoded by itself later: one that
// cannot be read must not keep those after it from arriving.
func (c *client) updates(ctx context.Context, offset, most int, wait time.Duration, d dialing) (list []json.RawMessage, err error) {
	ctx, done := context.WithTimeout(ctx, wait+pollGrace)
	defer done()
	err = c.get(ctx, fmt.Sprintf("getUpdates?offset=%d&limit=%d&timeout=%d&allowed_updates=%s", offset, most, int(wait/time.Second), allowedInQuery), d, &list)
	return list, err
}

// waiting returns the ids of what waits, at most 100, the oldest first. It confirms nothing: another
// program may go on. known is false where one fetches it just now.
func (c *client) waiting(ctx context.Context) (ids []int, known bool, err error) {
	const all = 100 // core.telegram.org/bots/api#getupdates
	list, err := c.updates(ctx, 0, all, 0, c.dialing)
	if errors.Is(err, errConflict) || errors.Is(err, errWebhook) {
		return nil, false, nil
	}
	for _, raw := range list {
		if u, err := parseUpdate(raw); err == nil {
			ids = append(ids, u.ID)
		}
	}
	return ids, err == nil, err
}

// send sends a text as it is, without previews of the links in it, and returns
// the id of the message. answers is what it answers; nil where that is nothing.
func (c *client) send(ctx context.Context, to, text string, answers *telego.ReplyParameters) (id int, err error) {
	chat, thread, err := parsePlace(to)
	if err != nil {
		return 0, err
	}
	err = c.call(ctx, func(ctx context.Context, api *telego.Bot) error {
		m, err := api.SendMessage(ctx, &telego.SendMessageParams{ChatID: chat, MessageThreadID: thread, Text: text, ReplyParameters: answers,
			LinkPreviewOptions: &telego.LinkPreviewOptions{IsDisabled: true}})
		if err == nil {
			id = m.MessageID
		}
		return err
	})
	return id, err
}

// remove deletes a message.
func (c *client) remove(ctx context.Context, in string, id int) error {
	chat, _, err := parsePlace(in)
	if err != nil {
		return err
	}
	return c.call(ctx, func(ctx context.Context, api *telego.Bot) error {
		return api.DeleteMessage(ctx, &telego.DeleteMessageParams{ChatID: chat, MessageID: id})
	})
}

// takeOver makes getUpdates work: it is refused while a webhook is set.
func (c *client) takeOver(ctx context.Context) error {
	return c.call(ctx, func(ctx context.Context, api *telego.Bot) error {
		return api.DeleteWebhook(ctx, &telego.DeleteWebhookParams{})
	})
}

// call makes a call through the library.
func (c *client) call(ctx context.Context, call func(context.Context, *telego.Bot) error) error {
	ctx, done := context.WithTimeout(ctx, callTimeout)
	defer done()
	api, err := c.api()
	if err == nil {
		err = call(ctx, api)
	}
	return explain(ctx, err)
}
