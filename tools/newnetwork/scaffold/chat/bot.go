// Package scaffold is a chat network to begin with: complete, but for the toy API
// that it speaks. docs/ADDING-A-NETWORK.md goes on from here.
package scaffold

import (
	"context"
	"embed"
	"net/http"
	"net/url"
	"time"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/account"
	"ticketfrei/bots/kit/chat"
	"ticketfrei/bots/kit/pace"
	"ticketfrei/bots/kit/remote"
	kit "ticketfrei/bots/kit/standin"
	"ticketfrei/bots/kit/text"
	"ticketfrei/internal/report"
	"ticketfrei/tools/newnetwork/scaffold/chat/standin"
)

// name of the network: its directory, tables, texts and routes.
const name = "scaffold"

//go:embed settings.tmpl en.toml de.toml
var files embed.FS

// Definition is the network as the program lists it.
func Definition() bots.Definition {
	return chat.Network{
		Name: name, Files: files, Migrations: migrations, Fields: fields,
		Pace:        pace.Limits{All: 20}, // the API takes 25 messages a second
		Length:      text.Runes(2000),
		Concurrency: 4,
		New:         func(h bots.Host) (chat.Driver, error) { return &driver{h}, nil },
	}.Definition()
}

// The toy API stands here for that of the real service. Every request carries
// "Authorization: Bearer <token>".
//
//	GET /account                 whose token it is, and the id of the newest event
//	    {"id": "1", "name": "kontis", "newest": "41"}
//	GET /events?after=41&wait=20 what happened after 41; waits 20 s for something
//	    {"events": [{"id": "42", "kind": "message", "chat": "anna", "author": "anna",
//	      "text": "…", "private": true, "media": false, "language": "de", "time": "…"}]}
//	    Other kinds: "joined" and "left", a group that took the account in or threw
//	    it out. The chat of a person alone has the id of the person. And "deleted":
//	    its author has deleted the "message" of that id.
//	POST /messages               writes to a chat
//	    {"chat": "anna", "text": "…"} is answered with {"id": "7"}
//	DELETE /messages/7           takes it back
//
// Errors are {"error": "words"}: 401 the token is not valid, 410 the chat or the
// message is gone, 429 to be tried again after the seconds of Retry-After.
var kinds = remote.Kinds{"410": remote.Gone}

// driver is the way to the service.
type driver struct{ host bots.Host }

func (d *driver) api(a account.Account) *remote.Client {
	return &remote.Client{HTTP: d.host.HTTP, Base: a.Server, Kinds: kinds,
		Header: http.Header{"Authorization": {"Bearer " + a.Token}}}
}

// Open returns the account at work.
func (d *driver) Open(a account.Account, _ chat.Log) (chat.Conn, error) {
	return &conn{d, a, d.api(a)}, nil
}

// StandIn starts what stands in for the service in the demo.
func (d *driver) StandIn(string) (kit.Shown, error) {
	return kit.Show(standin.Start, d, "you", "somebody")
}

// What the network can do beyond the least.
var (
	_ kit.Demo     = (*driver)(nil)
	_ chat.Checker = (*conn)(nil)
	_ chat.Deleter = (*conn)(nil)
)

// conn is one account at work.
type conn struct {
	driver  *driver
	account account.Account
	api     *remote.Client
}

// Check asks whose token it is. It runs before Receive.
func (c *conn) Check(ctx context.Context) (account.Account, error) {
	return c.driver.Check(ctx, account.Typed{"server": c.account.Server, "token": c.account.Token})
}

// event is what happened, as the API says it.
type event struct {
	ID, Kind, Chat, Author, Text, Language, Message string
	Private, Media                                  bool
	Time                                            time.Time
}

// Receive hands over what happens after cursor until ctx ends. When hear returns
// nil, the event is on disk, and the next call begins after it.
func (c *conn) Receive(ctx context.Context, cursor string, hear chat.Hear) error {
	for {
		var page struct{ Events []event }
		err := c.api.Get(ctx, "/events", url.Values{"after": {cursor}, "wait": {"20"}}, &page)
		if err != nil {
			return err
		}
		for _, e := range page.Events {
			if err := hear(ctx, e.ID, c.read(e)); err != nil {
				return err
			}
			cursor = e.ID
		}
		if len(page.Events) > 0 {
			continue
		}
		if err := pace.Sleep(ctx, time.Second); err != nil { // not every server waits
			return err
		}
	}
}

// read makes of an event what the kit knows.
func (c *conn) read(e event) chat.Event {
	switch e.Kind {
	case "joined":
		return chat.Joined{Chat: e.Chat}
	case "left":
		return chat.Left{Chat: e.Chat}
	case "deleted":
		return chat.Message{ID: e.Message, Chat: e.Chat, Deleted: true}
	}
	m := chat.Message{ID: e.ID, Chat: e.Chat, Author: e.Author, Private: e.Private, Media: e.Media, Language: e.Language, Time: e.Time}
	m.Text, m.Addressed = chat.Mention(e.Text, c.account.Handle)
	command, other := chat.Command(m.Text, c.account.Handle)
	if m.Command = command; other {
		m.Author = "" // it is meant for another bot
	}
	return m
}

// Post writes to a chat.
func (c *conn) Post(ctx context.Context, to, text string) (report.Receipt, error) {
	var made struct{ ID string }
	err := c.api.Post(ctx, "/messages", map[string]string{"chat": to, "text": text}, &made)
	return report.Receipt{ID: made.ID}, err
}

// Delete takes a message back.
func (c *conn) Delete(ctx context.Context, _, message string) error {
	return c.api.Do(ctx, http.MethodDelete, "/messages/"+url.PathEscape(message), nil, nil)
}
