// Package scaffold is a network that posts, to begin with: complete, but for the toy
// API that it speaks. docs/ADDING-A-NETWORK.md goes on from here.
package scaffold

import (
	"context"
	"embed"
	"net/http"
	"net/url"
	"time"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/account"
	"ticketfrei/bots/kit/pace"
	"ticketfrei/bots/kit/post"
	"ticketfrei/bots/kit/remote"
	kit "ticketfrei/bots/kit/standin"
	"ticketfrei/bots/kit/text"
	"ticketfrei/internal/report"
	"ticketfrei/tools/newnetwork/scaffold/post/standin"
)

// name of the network: its directory, tables, texts and routes.
const name = "scaffold"

//go:embed settings.tmpl en.toml de.toml
var files embed.FS

// Definition is the network as the program lists it.
func Definition() bots.Definition {
	return post.Network{
		Name: name, Files: files, Migrations: migrations, Fields: fields, Length: text.Runes(500), Pace: pace.Limits{All: 20},
		New: func(h bots.Host) (post.Driver, error) { return &driver{h}, nil },
	}.Definition()
}

// The toy API stands here for that of the real service. Every request carries
// "Authorization: Bearer <token>". GET /account is answered with {"id": "1",
// "name": "kontis", "newest": "41"}: whose token it is, and the newest message.
//
//	GET /messages?after=41&wait=20 what people wrote after 41; waits 20 s for some
//	    {"messages": [{"id": "42", "author": "anna", "text": "…",
//	      "visibility": "public", "picture": false, "time": "2024-05-03T10:00:00Z"}]}
//	POST /posts                    posts, to one person alone where there is a "to"
//	    {"key": "…", "text": "…", "to": "anna"} is answered with {"id": "7"}; the
//	    same key again is the same post
//	DELETE /posts/7                takes it back
//
// Errors are {"error": "words"}: 401 the token is not valid, 410 the post is gone,
// 429 to be tried again after the seconds of Retry-After.
var kinds = remote.Kinds{"410": remote.Gone}

// driver is the way to the service.
type driver struct{ host bots.Host }

func (d *driver) api(a account.Account) *remote.Client {
	return &remote.Client{HTTP: d.host.HTTP, Base: a.Server, Kinds: kinds,
		Header: http.Header{"Authorization": {"Bearer " + a.Token}}}
}

// Open returns the account at work.
func (d *driver) Open(a account.Account, _ post.Log) (post.Conn, error) {
	return &conn{d, a, d.api(a)}, nil
}

// StandIn starts what stands in for the service in the demo.
func (d *driver) StandIn(string) (kit.Shown, error) {
	return kit.Show(standin.Start, d)
}

// What the network can do beyond the least. One that is no Receiver only sends.
var (
	_ kit.Demo      = (*driver)(nil)
	_ post.Checker  = (*conn)(nil)
	_ post.Receiver = (*conn)(nil)
	_ post.Deleter  = (*conn)(nil)
)

// conn is one account at work.
type conn struct {
	driver  *driver
	account account.Account
	api     *remote.Client
}

// Check asks whose token it is. It runs before Receive.
func (c *conn) Check(ctx context.Context) error {
	_, err := c.driver.Check(ctx, account.Typed{"server": c.account.Server, "token": c.account.Token})
	return err
}

// Receive hands over what people write after cursor. When hear returns nil, it is on
// disk, and the next call begins after it. The toy's messages have the kit's words.
func (c *conn) Receive(ctx context.Context, cursor string, hear post.Hear) error {
	for {
		var page struct{ Messages []post.Message }
		err := c.api.Get(ctx, "/messages", url.Values{"after": {cursor}, "wait": {"20"}}, &page)
		if n := len(page.Messages); err == nil && n > 0 {
			cursor = page.Messages[n-1].ID
			err = hear(ctx, cursor, page.Messages...)
		} else if err == nil {
			err = pace.Sleep(ctx, time.Second) // not every server waits
		}
		if err != nil {
			return err
		}
	}
}

// Publish posts. The key makes a second attempt the same post.
func (c *conn) Publish(ctx context.Context, p post.Post) (report.Receipt, error) {
	var made struct{ ID string }
	err := c.api.Post(ctx, "/posts", map[string]string{"key": p.Key, "text": p.Text, "to": p.To}, &made)
	return report.Receipt{ID: made.ID, URL: c.account.Server + "/posts/" + url.PathEscape(made.ID)}, err
}

// Delete takes a post back.
func (c *conn) Delete(ctx context.Context, r report.Receipt) error {
	return c.api.Do(ctx, http.MethodDelete, "/posts/"+url.PathEscape(r.ID), nil, nil)
}
