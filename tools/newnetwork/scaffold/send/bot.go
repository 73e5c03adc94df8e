// Package scaffold is a network that only sends, to begin with. It posts to a toy
// webhook: POST {"text": "…"} is answered with {"id": "7"}, GET with the room, {"id": "1",
// "name": "kontis"}; 404 says that it is gone. See docs/ADDING-A-NETWORK.md.
package scaffold

import (
	"context"
	"embed"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/account"
	"ticketfrei/bots/kit/post"
	"ticketfrei/bots/kit/remote"
	kit "ticketfrei/bots/kit/standin"
	"ticketfrei/bots/kit/text"
	"ticketfrei/internal/report"
	"ticketfrei/tools/newnetwork/scaffold/send/standin"
)

//go:embed settings.tmpl en.toml de.toml
var files embed.FS

// Definition is the network as the program lists it.
func Definition() bots.Definition {
	return post.Network{Name: "scaffold", Files: files, Migrations: migrations, Fields: fields, Length: text.Runes(2000),
		New: func(h bots.Host) (post.Driver, error) { return driver{h}, nil }}.Definition()
}

// driver is the way to the service, conn one webhook at work.
type driver struct{ host bots.Host }
type conn struct{ remote.Client }

var _ kit.Demo = driver{}

// StandIn starts what stands in for the service in the demo.
func (d driver) StandIn(string) (kit.Shown, error) { return kit.Show(standin.Start, d) }

// Open returns the webhook at work.
func (d driver) Open(a account.Account, _ post.Log) (post.Conn, error) {
	return d.webhook(a.Token), nil
}

func (d driver) webhook(url string) conn {
	return conn{remote.Client{HTTP: d.host.HTTP, Base: url, Kinds: remote.Kinds{"404": remote.Refused}}}
}

// Publish posts a report.
func (c conn) Publish(ctx context.Context, p post.Post) (report.Receipt, error) {
	var made struct{ ID string }
	err := c.Post(ctx, "", map[string]string{"text": p.Text}, &made)
	return report.Receipt{ID: made.ID}, err
}
