package scaffold

import (
	"context"

	"ticketfrei/bots/kit/account"
)

// fields are what the form asks for that the kit serves below /settings/scaffold/.
var fields = []account.Field{{Name: "url", Secret: true}}

// Check finds out which room the webhook writes into.
func (d driver) Check(ctx context.Context, typed account.Typed) (account.Account, error) {
	server, url, err := account.Webhook("url", typed["url"], d.host.Config.Network.AllowPrivate)
	if err != nil {
		return account.Account{}, err
	}
	var room struct{ ID, Name string }
	c := d.webhook(url)
	err = c.Get(ctx, "", nil, &room)
	return account.Account{Server: server, Remote: room.ID, Handle: room.Name, Token: url}, err
}
