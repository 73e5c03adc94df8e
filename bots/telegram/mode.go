package telegram

import (
	"fmt"
	"net/url"
	"slices"
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
		if problem, hint := whyNotCalled(c); problem != "" {
			advice = append(advice, config.Error{Key: "mode", Problem: "is webhook, but " + problem + ": bots poll instead", Hint: hint})
		}
	default:
		wrong = append(wrong, config.Error{Key: "mode", Problem: fmt.Sprintf("%q is not known", o.Mode), Hint: "write one of poll, webhook"})
	}
	return wrong, advice
}

// hookPorts are the ports that Telegram calls (core.telegram.org/bots/api#setwebhook).
var hookPorts = []string{"", "443", "80", "88", "8443"}

// whyNotCalled says why Telegram would not call this server, and what mends that. Both
// are empty where it would. A server of one's own calls any address, so where the
// settings allow private ones there is nothing to say.
func whyNotCalled(c *config.Config) (problem, hint string) {
	const write = `set web.url to the https address that visitors use, such as "https://ticketfrei.example.org"`
	u, err := url.Parse(c.Web.URL)
	switch {
	case err != nil || c.Network.AllowPrivate:
		return "", ""
	case u.Scheme != "https":
		return fmt.Sprintf("Telegram calls https addresses only, and web.url is %s", c.Web.URL), write
	case !config.IsPublic(u.Hostname()):
		return fmt.Sprintf("Telegram cannot reach web.url, %s, from the internet", c.Web.URL), write
	case !slices.Contains(hookPorts, u.Port()):
		return fmt.Sprintf("Telegram calls the ports 443, 80, 88 and 8443 only, and web.url has %s", u.Port()),
			"serve the pages at port 443, and leave the port out of web.url"
	}
	return "", ""
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
	if problem, _ := whyNotCalled(h.Config); o.Mode == modeWebhook && problem == "" {
		d.hooks = newHooks(h)
		d.transport.IdleConnTimeout = hookIdle
	}
	return d, nil
}
