package verify

import (
	"context"
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
	result, _ := spf.CheckHostWithSender(net.IP(c.mail.Client.AsSlice()), sender, "postmaster@"+sender,
		spf.WithContext(ctx), spf.WithResolver(c.dns))
	if result != spf.Pass {
		return nobody
	}
	return near
}
