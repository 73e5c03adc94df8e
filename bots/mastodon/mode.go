package mastodon

import (
	"fmt"
	"strings"

	"ticketfrei/internal/config"
)

// mode says how the accounts hear of mentions. Where an instance does not do what a mode
// needs, an account falls back to the one before.
type mode string

const (
	modePoll   mode = "poll"   // ask every half a minute
	modeStream mode = "stream" // an open connection for each account
	modePush   mode = "push"   // the instance calls (Web Push)
)

// options is the section [mastodon] of the configuration.
type options struct {
	Mode mode `toml:"mode"`
}

const defaults = `# How the bots hear of new messages: "stream" keeps a connection to the instance open for
# each bot; "poll" asks twice a minute and keeps none; "push" has the instance call
# web.url, which must be https then, and keeps none. Where an instance cannot do that,
# its bots stream, and where it cannot do that either, they poll.
mode = "stream"
`

func section(o *options) *config.Section {
	return &config.Section{Name: name, Defaults: defaults, Target: o}
}

// setMode takes over what stands in the configuration. The error ends the start.
func (d *driver) setMode(m mode) error {
	switch m {
	case modePoll, modeStream:
	case modePush:
		if !d.isCallable() {
			d.host.Log.Warn("setting mastodon.mode: no instance can call without https in web.url: the bots stream", "web.url", d.host.Config.Web.URL)
			m = modeStream
		}
	default:
		return fmt.Errorf(`setting mastodon.mode: %q is not known; write "stream", "poll" or "push"`, m)
	}
	d.mode = m
	return nil
}

// isCallable tells whether instances can be asked to call: they do so by https alone.
func (d *driver) isCallable() bool {
	url := d.host.Config.Web.URL
	return strings.HasPrefix(url, "https://") || d.host.Config.Network.AllowPrivate
}
