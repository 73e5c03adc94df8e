package standin

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"time"
	"unicode/utf16"
)

// length is how long a text is in the unit in which it is longest.
func length(s string) int { return len(utf16.Encode([]rune(s))) }

// checks collects what is wrong.
type checks []string

func (c *checks) hold(ok bool, format string, args ...any) {
	if !ok {
		*c = append(*c, fmt.Sprintf(format, args...))
	}
}

func (c *checks) text(name, s string, least, most int) {
	c.hold(length(s) >= least && length(s) <= most, "%s has %d characters, not %d to %d", name, length(s), least, most)
}

func (c *checks) link(name, s string) {
	u, err := url.Parse(s)
	c.hold(err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http"), "%s is %q", name, s)
}

// discordMessage is what Discord knows of what we send
// (discord.com/developers/docs/resources/message#embed-object-embed-limits).
type discordMessage struct {
	Content string `json:"content"`
	Embeds  []struct {
		Title     string `json:"title"`
		URL       string `json:"url"`
		Color     int    `json:"color"`
		Timestamp string `json:"timestamp"`
		Fields    []struct {
			Name   string `json:"name"`
			Value  string `json:"value"`
			Inline bool   `json:"inline"`
		} `json:"fields"`
	} `json:"embeds"`
	Allowed *struct {
		Parse []string `json:"parse"`
		Roles []string `json:"roles"`
	} `json:"allowed_mentions"`
	Flags int `json:"flags"`
}

func (m *discordMessage) read(r *http.Request) []string {
	c := checks(decode(r, m))
	c.text("content", m.Content, 0, 2000)
	c.hold(m.Content != "" || len(m.Embeds) > 0, "the message is empty")
	c.hold(len(m.Embeds) <= 10, "%d embeds", len(m.Embeds))
	c.hold(m.Flags&^(1<<2|1<<12) == 0, "flags %d", m.Flags)
	c.hold(m.Allowed != nil && m.Allowed.Parse != nil, "it does not say whom it may call")
	all := 0
	for _, e := range m.Embeds {
		all += length(e.Title)
		c.text("title", e.Title, 0, 256)
		c.link("url", e.URL)
		c.hold(e.Color >= 0 && e.Color <= 0xffffff, "color %d", e.Color)
		_, err := time.Parse(time.RFC3339, e.Timestamp)
		c.hold(err == nil, "timestamp %q", e.Timestamp)
		c.hold(len(e.Fields) <= 25, "%d fields", len(e.Fields))
		for _, f := range e.Fields {
			all += length(f.Name) + length(f.Value)
			c.text("field name", f.Name, 1, 256)
			c.text("field value", f.Value, 1, 1024)
		}
	}
	c.hold(all <= 6000, "all embeds have %d characters", all)
	if m.Allowed != nil {
		for _, p := range m.Allowed.Parse {
			c.hold(slices.Contains([]string{"roles", "users", "everyone"}, p), "parse %q", p)
		}
		c.hold(len(m.Allowed.Roles) <= 100, "%d roles", len(m.Allowed.Roles))
	}
	return c
}

func (m *discordMessage) titles() (list []string) {
	for _, e := range m.Embeds {
		list = append(list, e.Title)
	}
	return list
}

// slackMessage is what Slack knows of what we send
// (docs.slack.dev/reference/block-kit/blocks).
type slackMessage struct {
	Text   string `json:"text"`
	Blocks []struct {
		Type     string       `json:"type"`
		Text     *slackWords  `json:"text"`
		Elements []slackWords `json:"elements"`
	} `json:"blocks"`
	UnfurlLinks bool `json:"unfurl_links"`
	UnfurlMedia bool `json:"unfurl_media"`
}

type slackWords struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	Emoji    bool   `json:"emoji"`
	Verbatim bool   `json:"verbatim"`
}

// command is what Slack takes for more than a text: anything in angle brackets but links.
var (
	command = regexp.MustCompile(`<[^>]*>|<|>`)
	ourLink = regexp.MustCompile(`^<https?://[^|<>]+\|[^|<>]*>$`)
	entity  = regexp.MustCompile(`&(amp|lt|gt);|&`)
)

// escaped tells whether nothing in a text is a command, and every "&" stands for itself.
func escaped(s string) bool {
	for _, found := range command.FindAllString(s, -1) {
		if !ourLink.MatchString(found) {
			return false
		}
	}
	return !slices.Contains(entity.FindAllString(s, -1), "&")
}

func (m *slackMessage) read(r *http.Request) []string {
	c := checks(decode(r, m))
	c.text("text", m.Text, 1, 4000)
	c.hold(escaped(m.Text), "text is not escaped: %.60q", m.Text)
	c.hold(len(m.Blocks) <= 50, "%d blocks", len(m.Blocks))
	for _, b := range m.Blocks {
		switch b.Type {
		case "header":
			c.words(b.Text, "plain_text", 150)
		case "section":
			c.words(b.Text, "mrkdwn", 3000)
		case "context":
			c.hold(len(b.Elements) >= 1 && len(b.Elements) <= 10, "%d elements", len(b.Elements))
			for i := range b.Elements {
				c.words(&b.Elements[i], "mrkdwn", 3000)
			}
		default:
			c.hold(false, "a block of type %q", b.Type)
		}
	}
	return c
}

func (c *checks) words(w *slackWords, kind string, most int) {
	if w == nil || w.Type != kind {
		c.hold(false, "no text of type %s", kind)
		return
	}
	c.text(kind, w.Text, 1, most)
	c.hold(kind != "mrkdwn" || escaped(w.Text), "%s is not escaped: %.60q", kind, w.Text)
}
