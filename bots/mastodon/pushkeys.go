package mastodon

import (
	"crypto/ecdh"
	"strconv"

	"ticketfrei/internal/secret"
	"ticketfrei/internal/webpush"
)

func (c *conn) keys() *webpush.Keys {
	return newPushKeys(c.host().Secrets, strconv.FormatInt(c.account.BotID, 10), c.account.Token)
}

// newPushKeys returns the keys by which an account reads its calls. They come from the
// program's key and the account's token, so that they need not be stored.
func newPushKeys(box *secret.Box, of ...string) *webpush.Keys {
	k := &webpush.Keys{Auth: box.Key("mastodon.push.auth", of...)[:webpush.AuthLength]}
	for n := 0; k.Private == nil; n++ {
		// One of four billion is no key of the curve.
		raw := box.Key("mastodon.push.private", append(of, strconv.Itoa(n))...)
		k.Private, _ = ecdh.P256().NewPrivateKey(raw)
	}
	return k
}
