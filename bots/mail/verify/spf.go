package verify

import (
	"context"
	"errors"
	"net"

	"blitiri.com.ar/go/spf"
)

// server returns how near the domain is that lists the client among its servers.
func (c *check) server(ctx context.Context) nearness {
	sender := domainOf(c.mail.Sender)
	near := c.near(sender)
	if near == nobody || !c.mail.Client.IsValid() {
		return nobody
	}
	// A record may have the sender's name asked for in the DNS (RFC 7208 §7.2).
	// Nobody on the way is to read it there.
	result, why := spf.CheckHostWithSender(net.IP(c.mail.Client.AsSlice()), sender, "postmaster@"+sender,
		spf.WithContext(ctx), spf.WithResolver(c.dns))
	if result != spf.Pass {
		return nobody
	}
	if errors.Is(why, spf.ErrMatchedAll) {
		c.doubt = true // the domain takes the whole world for its servers
		return nobody
	}
	return near
}
