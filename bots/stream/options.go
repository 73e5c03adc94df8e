package stream

import (
	"fmt"
	"net/url"
	"strings"

	"ticketfrei/internal/config"
)

// options is the section [stream] of the configuration.
type options struct {
	Discord string `toml:"discord"`
	Slack   string `toml:"slack"`
	Stdout  bool   `toml:"stdout"`
	SNS     string `toml:"sns_hosts"`
}

const defaults = `# The hosts whose webhooks are taken for those of Discord, and of Slack. One that is not
# reached by https has its scheme before it, as http://127.0.0.1:8070.
discord = "discord.com, discordapp.com, ptb.discord.com, canary.discord.com"
slack = "hooks.slack.com"
# Lets moderators write what happens in their city to the program's standard output, one
# JSON object a line, with the target stdout: of a stream.
stdout = false
# Hosts that are taken for Amazon's SNS beside sns.<region>.amazonaws.com, as discord has
# them: for tests.
sns_hosts = ""
`

func (o *options) section() *config.Section {
	return &config.Section{Name: Name, Defaults: defaults, Target: o, Check: o.check}
}

func (o *options) check(*config.Config) (wrong, advice []config.Error) {
	for key, list := range map[string]string{"discord": o.Discord, "slack": o.Slack, "sns_hosts": o.SNS} {
		if _, err := hosts(list); err != nil {
			wrong = append(wrong, config.Error{Key: key, Problem: err.Error(), Hint: "write hosts with commas between them, as discord.com, ptb.discord.com"})
		}
	}
	return wrong, nil
}

// chats are the beginnings of the addresses of services whose form is known, as
// "https://discord.com".
type chats struct{ discord, slack, sns []string }

func (o *options) chats() (c chats, err error) {
	if c.discord, err = hosts(o.Discord); err == nil {
		c.slack, err = hosts(o.Slack)
	}
	if err == nil {
		c.sns, err = hosts(o.SNS)
	}
	if err != nil {
		return c, fmt.Errorf("settings of stream: %w", err)
	}
	return c, nil
}

func hosts(list string) (all []string, err error) {
	for _, entry := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' }) {
		if !strings.Contains(entry, "://") {
			entry = "https://" + entry
		}
		u, err := url.Parse(entry)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
			return nil, fmt.Errorf("%q is no host", entry)
		}
		all = append(all, originOf(u))
	}
	return all, nil
}
