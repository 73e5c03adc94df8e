package scaffold

import (
	"context"

	"ticketfrei/bots/kit/account"
)

// fields are what the form asks for that the kit serves below /settings/scaffold/.
var fields = []account.Field{{Name: "url", Secret: true}}

// Check finds out which room the webhook writes into.
func (d driver) Check(ctx context.Context, typed account.Typed) (account.Account, error) {
	var room struct{ ID, Name string }
	c := d.webhook(typed["url"])
	err := c.Get(ctx, "", nil, &room)
	return account.Account{Remote: room.ID, Handle: room.Name, Token: typed["url"]}, err
}
