package stream

import (
	"strings"

	"ticketfrei/bots/kit/text"
	"ticketfrei/internal/report"
	"ticketfrei/internal/zone"
)

// What a message of Slack may hold (docs.slack.dev/reference/block-kit/blocks), in
// characters.
var (
	slackHeader = text.UTF16(150)
	slackText   = text.UTF16(3000)
)

// slackMessage is a message of a webhook of Slack. It calls nobody: names in its texts are
// not looked for.
type slackMessage struct {
	Text        string       `json:"text"`
	Blocks      []slackBlock `json:"blocks,omitempty"`
	UnfurlLinks bool         `json:"unfurl_links"`
	UnfurlMedia bool         `json:"unfurl_media"`
}

// slackBlock is a part of a message.
type slackBlock struct {
	Type     string      `json:"type"`
	Text     *slackWords `json:"text,omitempty"`
	Elements []any       `json:"elements,omitempty"`
}

type slackWords struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	Emoji    *bool  `json:"emoji,omitempty"`    // of plain_text
	Verbatim bool   `json:"verbatim,omitempty"` // of mrkdwn: nothing in it becomes a link or a name
}

// escapeSlack writes a text so that nothing in it is a command of Slack, as <!channel>.
var escapeSlack = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace

// fitSlack escapes a text so that it fits: escaped, it is up to five times as long.
func fitSlack(s string, limit text.Limit, most int) string {
	for room := most; room > 0; room = room * 3 / 4 {
		if escaped := escapeSlack(text.UTF16(room).Fit(s)); limit.Len(escaped) <= most {
			return escaped
		}
	}
	return ""
}

// slack returns the message of an event.
func (n *Network) slack(s *Stream, e event, city report.City) slackMessage {
	words := fitSlack(e.text, slackText, 3000)
	m := slackMessage{Text: words}
	if s.Look != LookCard {
		return m
	}
	plain := false
	at := e.at.In(zone.Of(city, n.host.Config.Reports.Zone)).Format("02.01. 15:04")
	m.Blocks = []slackBlock{
		{Type: "header", Text: &slackWords{Type: "plain_text", Text: slackHeader.Fit(headingOf(e, city)), Emoji: &plain}},
		{Type: "section", Text: &slackWords{Type: "mrkdwn", Text: words, Verbatim: true}},
		{Type: "context", Elements: []any{slackWords{Type: "mrkdwn", Text: at + " · <" + escapeSlack(n.page(e, city)) + "|" + fitSlack(city.Name, slackText, 200) + ">"}}},
	}
	return m
}
