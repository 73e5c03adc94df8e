// Package mastodon is the network Mastodon, and what speaks its API: a city's
// bot is an account that people mention and that boosts or posts.
package mastodon

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	gomastodon "github.com/mattn/go-mastodon"
	"golang.org/x/sync/singleflight"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/account"
	kept "ticketfrei/bots/kit/calls"
	"ticketfrei/bots/kit/post"
	"ticketfrei/bots/kit/remote"
	kit "ticketfrei/bots/kit/standin"
	"ticketfrei/bots/mastodon/standin"
	"ticketfrei/internal/config"
)

// name of the network: its directory, tables, texts and routes.
const name = "mastodon"

//go:embed *.tmpl *.toml
var files embed.FS

// Definition returns the network as the program lists it.
func Definition() bots.Definition {
	o := &options{}
	n := network(func(h bots.Host) (post.Driver, error) {
		d := newDriver(h)
		d.mode = o.works(h.Config)
		return d, nil
	})
	n.Settings = &config.Section{Name: name, Defaults: defaults, Target: o, Check: o.check}
	return n.Definition()
}

func network(driver func(bots.Host) (post.Driver, error)) post.Network {
	return post.Network{Name: name, Files: files, Migrations: migrations, Fields: fields, New: driver}
}

// driver is shared by the bots of all cities.
type driver struct {
	host      bots.Host
	mode      mode
	apps      apps
	pushes    pushes
	calls     calls
	kept      *kept.Calls // of instances at other processes
	timings   timings
	instances instanceCache
	reading   reading
}

var (
	_ post.Driver        = (*driver)(nil)
	_ post.Router        = (*driver)(nil)
	_ post.Forgetter     = (*driver)(nil)
	_ account.Replacer   = (*driver)(nil)
	_ account.Identifier = (*driver)(nil)
	_ bots.Hooked        = (*driver)(nil)
	_ kit.Demo           = (*driver)(nil)
)

// timings are the durations that tests make shorter.
type timings struct {
	// silence is how long a stream may bring nothing, not even a heartbeat,
	// until it is taken for dead. Mastodon, GoToSocial and Pleroma send one
	// every 30 s.
	silence time.Duration
	// reopen is how long a stream is used, a third more or less: thousands that
	// were opened together are not opened together again. Opening the next one
	// catches up, which finds what a stream that looks alive has lost.
	reopen time.Duration
	// dial bounds the opening of a stream.
	dial time.Duration
	// shortest is how long a stream must have lived for the next one to be
	// opened at once when it breaks.
	shortest time.Duration
	// forget bounds what is asked of the instance when a bot is disconnected.
	forget time.Duration
	// poll is how often an account without a stream asks for mentions, or a quarter
	// oftener; retry the shortest until it tries a better way again, better the longest.
	poll, retry, better time.Duration
	// missed is how often an account that the instance calls looks for what no call has
	// told of, or a quarter oftener; renew how often it subscribes again.
	missed, renew time.Duration
}

func newDriver(h bots.Host) *driver {
	d := &driver{host: h, mode: modeStream, apps: apps{h.DB, h.Secrets}, pushes: pushes{h.DB}, calls: calls{of: map[int64]*callBox{}},
		timings: timings{silence: 45 * time.Second, reopen: time.Hour, dial: 15 * time.Second,
			shortest: 10 * time.Second, forget: 5 * time.Second,
			poll: 29 * time.Second, retry: time.Second, better: 10 * time.Minute, missed: 5 * time.Minute, renew: 6 * time.Hour},
		instances: instanceCache{known: map[string]instance{}, group: &singleflight.Group{}},
		reading:   make(reading, maxReading)}
	d.kept = kept.New(name, h)
	return d
}

// Close listens for calls no more.
func (d *driver) Close() error {
	d.kept.Close()
	return nil
}

// StandIn starts a stand-in for the demo.
func (d *driver) StandIn(string) (kit.Shown, error) { return standin.Show(d.host.Now) }

// usualWait is how long to wait where an instance asks to slow down and does not
// say for how long: Mastodon counts in windows of 5 minutes.
const usualWait = 5 * time.Minute

// maxAnswer bounds an answer in bytes, but for pages of mentions.
const maxAnswer = 1 << 20

// client talks to one instance as one account, or as none where token is empty.
// It is made for each use: thousands of accounts wait.
type client struct {
	*remote.Client
	token string
}

func (d *driver) client(instance, token string) client {
	c := client{&remote.Client{HTTP: d.host.HTTP, Base: instance, Now: d.host.Now, UsualWait: usualWait, MaxAnswer: maxAnswer,
		Parse: parseAnswer, Kinds: remote.Kinds{"410": remote.Refused, codeScopes: remote.Refused}}, token}
	if token != "" {
		c.Header = http.Header{"Authorization": {"Bearer " + token}}
	}
	return c
}

// parse reads an error of the API, which is {"error": "words"}
// (docs.joinmastodon.org/entities/Error): other JSON is that of a proxy.
func parse(status int, h http.Header, body []byte) (code string, after time.Duration, ok bool) {
	var says struct {
		Error string `json:"error"`
	}
	if err := json.Unmarshal(body, &says); err != nil || strings.TrimSpace(says.Error) == "" {
		return "", 0, false
	}
	return remote.ParseJSON(status, h, body)
}

// api is the library's client. Its errors go through Explain.
func (c client) api() *gomastodon.Client {
	return &gomastodon.Client{Client: *c.Library(), Config: &gomastodon.Config{Server: c.Base, AccessToken: c.token}}
}

// isForbidden tells whether an instance answered 403. That is about this one
// request or about the account as a whole; verify finds out which.
func isForbidden(err error) bool {
	e := remote.As(err)
	return e != nil && e.Status == http.StatusForbidden && e.Trouble == remote.Rejected
}

// verify returns the account that the token belongs to. An account that is
// suspended or disabled is a refusal: the instance says 403 then.
func (c client) verify(ctx context.Context) (person, error) {
	me, err := c.api().GetAccountCurrentUser(ctx)
	if err = c.Explain(ctx, err); isForbidden(err) {
		refused := *remote.As(err)
		refused.Trouble = remote.Refused
		err = &refused
	}
	if err != nil {
		return person{}, err
	}
	return person{ID: me.ID, Acct: me.Acct, URL: me.URL}, nil
}

// conn is one account at work.
type conn struct {
	driver  *driver
	account account.Account
	log     post.Log
	resting *receiver // of Receive: nil where it does not rest
}

var (
	_ post.Checker  = (*conn)(nil)
	_ post.Receiver = (*conn)(nil)
	_ post.Booster  = (*conn)(nil)
	_ post.Deleter  = (*conn)(nil)
	_ post.Finder   = (*conn)(nil)
	_ post.Reviewer = (*conn)(nil)
)

// Open returns the account at work.
func (d *driver) Open(a account.Account, log post.Log) (post.Conn, error) {
	return &conn{driver: d, account: a, log: log}, nil
}

func (c *conn) client() client { return c.driver.client(c.account.Server, c.account.Token) }

// explain is the error of an exchange about one status. Where a 403 is about the
// account, it is that of the account.
func (c *conn) explain(ctx context.Context, err error) error {
	err = c.client().Explain(ctx, err)
	if isForbidden(err) {
		if _, verr := c.client().verify(ctx); verr != nil {
			return said(verr)
		}
	}
	return said(err)
}

// isMisfit tells whether an instance did what it was asked, and answered in a
// form that the library cannot read.
func isMisfit(err error) bool {
	_, misfit := errors.AsType[*json.UnmarshalTypeError](err)
	return misfit
}

// Check makes sure that private mentions of strangers reach the account, which
// shows that the token still holds; where that cannot be set, it asks.
func (c *conn) Check(ctx context.Context) error {
	set, err := c.client().acceptStrangers(ctx)
	if set {
		return nil
	}
	if e := remote.As(err); err != nil && (ctx.Err() != nil || e != nil && e.Trouble == remote.Limited) {
		return err
	}
	if _, verr := c.client().verify(ctx); verr != nil {
		return said(verr)
	}
	if lacksScopes(err) {
		if perr := c.client().mayPost(ctx); perr != nil {
			return perr
		}
	}
	if err != nil {
		c.log.Warn("mastodon.log.strangers", err)
	}
	return nil
}

// acceptStrangers sets the notification policy so that mentions of everybody
// arrive: since Mastodon 4.3 private ones of strangers are held back. Accounts
// that the instance's moderators have limited stay filtered. set is false
// without an error for servers without such a policy.
func (c client) acceptStrangers(ctx context.Context) (set bool, err error) {
	err = c.Form(ctx, http.MethodPatch, "/api/v2/notifications/policy", url.Values{
		"for_private_mentions": {"accept"}, "for_not_following": {"accept"},
		"for_not_followers": {"accept"}, "for_new_accounts": {"accept"}}, nil)
	if e := remote.As(err); e != nil && e.Status == http.StatusNotFound {
		err = c.Form(ctx, http.MethodPatch, "/api/v1/notifications/policy", url.Values{
			"filter_private_mentions": {"false"}, "filter_not_following": {"false"},
			"filter_not_followers": {"false"}, "filter_new_accounts": {"false"}}, nil)
	}
	if e := remote.As(err); e != nil && (e.Status == http.StatusNotFound || e.Status == http.StatusMethodNotAllowed) {
		return false, nil
	}
	return err == nil, err
}
