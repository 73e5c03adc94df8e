package telegram

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/chat"
	"ticketfrei/internal/config"
)

// The values of telegram.mode.
const (
	modePoll    = "poll"
	modeWebhook = "webhook"
)

// check looks at telegram.mode: see config.Section.
func (o *options) check(c *config.Config) (wrong, advice []config.Error) {
	switch o.Mode {
	case modePoll:
	case modeWebhook:
		if problem, hint := o.whyNotCalled(c); problem != "" {
			advice = append(advice, config.Error{Key: "mode", Problem: "is webhook, but " + problem + ": bots poll instead", Hint: hint})
		}
	default:
		wrong = append(wrong, config.Error{Key: "mode", Problem: fmt.Sprintf("%q is not known", o.Mode), Hint: "write one of poll, webhook"})
	}
	return wrong, advice
}

// telegramAPI is Telegram's own server, the default of telegram.api.
const telegramAPI = "https://api.telegram.org"

// hookPorts are the ports that Telegram calls (core.telegram.org/bots/api#setwebhook).
var hookPorts = []string{"", "443", "80", "88", "8443"}

// whyNotCalled says why Telegram would not call this server, and what mends that. Both
// are empty where it would. A server of one's own calls any address, so where the
// settings allow private ones there is nothing to say of it.
func (o *options) whyNotCalled(c *config.Config) (problem, hint string) {
	own := strings.TrimRight(o.API, "/") != telegramAPI
	if own && c.Network.AllowPrivate {
		return "", ""
	}
	problem, hint = c.Uncallable("Telegram")
	if u, err := url.Parse(c.Web.URL); problem == "" && err == nil && !slices.Contains(hookPorts, u.Port()) {
		problem = fmt.Sprintf("Telegram calls the ports 443, 80, 88 and 8443 only, and web.url has %s", u.Port())
		hint = "serve the pages at port 443, and leave the port out of web.url"
	}
	if own && problem != "" {
		hint += "; or set network.allow_private = true, as telegram.api is a server of your own, which may call any address"
	}
	return problem, hint
}

// hookIdle is how long a connection to Telegram waits for the next call where no bot
// keeps one busy.
const hookIdle = 30 * time.Second

// open returns the driver that the settings ask for.
func open(h bots.Host, o *options) (chat.Driver, error) {
	d, err := newDriver(h, o.API)
	if err != nil {
		return nil, err
	}
	if problem, _ := o.whyNotCalled(h.Config); o.Mode == modeWebhook && problem == "" {
		d.hooks = newHooks(h, d.kept)
		d.transport.IdleConnTimeout = hookIdle
	}
	return d, nil
}
