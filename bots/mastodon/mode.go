package mastodon

import (
	"fmt"

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

// check says what is wrong with the settings, and what does not fit the others.
func (o *options) check(c *config.Config) (wrong, advice []config.Error) {
	if o.Mode != modeStream && o.Mode != modePoll && o.Mode != modePush {
		wrong = append(wrong, config.Error{Key: "mode", Problem: fmt.Sprintf("%q is not known", o.Mode), Hint: "write one of stream, poll, push"})
	}
	if problem, hint := whyNotCalled(c); o.Mode == modePush && problem != "" {
		advice = append(advice, config.Error{Key: "mode", Problem: "is push, but " + problem + ": bots stream instead", Hint: hint})
	}
	return wrong, advice
}

// works is the mode as far as it fits the other settings.
func (o *options) works(c *config.Config) mode {
	if problem, _ := whyNotCalled(c); o.Mode == modePush && problem != "" {
		return modeStream
	}
	return o.Mode
}

// whyNotCalled says why instances would not call this server, and what mends that. Both
// are empty where they would. Those of one's own network call any address.
func whyNotCalled(c *config.Config) (problem, hint string) {
	if c.Network.AllowPrivate {
		return "", ""
	}
	return c.Uncallable("an instance")
}
