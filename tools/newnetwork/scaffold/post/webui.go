package scaffold

import (
	"context"
	"net/url"

	"ticketfrei/bots/kit/account"
)

// fields are what the form of the card asks for. The kit's router below
// /settings/scaffold/ takes it: the login is checked, shown and confirmed. Riders use
// the service itself: nothing is below /city/{slug}/scaffold/. A driver that is a
// post.Router adds to both.
var fields = []account.Field{{Name: "server"}, {Name: "token", Secret: true}}

// Check finds out whose account it is. A new one begins to listen after the newest
// message: nobody wants last week's reports.
func (d *driver) Check(ctx context.Context, typed account.Typed) (account.Account, error) {
	server, err := account.Server("server", typed["server"], d.host.Config.Network.AllowPrivate)
	if err != nil {
		return account.Account{}, err
	}
	a := account.Account{Server: server, Token: typed["token"]}
	var me struct{ ID, Name, Newest string }
	err = d.api(a).Get(ctx, "/account", nil, &me)
	a.Remote, a.Handle, a.Cursor, a.URL = me.ID, "@"+me.Name, me.Newest, server+"/@"+url.PathEscape(me.Name)
	return a, err
}
