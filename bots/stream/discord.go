package stream

import (
	"encoding/json"
	"strings"
	"time"

	"ticketfrei/bots/kit/text"
	"ticketfrei/internal/report"
)

// What a message of Discord may hold (discord.com/developers/docs/resources/message), in
// characters. All texts of an embed together may have 6000.
var (
	discordContent = text.UTF16(2000)
	discordTitle   = text.UTF16(256)
	discordValue   = text.UTF16(1024)
)

// discordMessage is a message of a webhook of Discord.
type discordMessage struct {
	Content string          `json:"content"`
	Embeds  []discordEmbed  `json:"embeds,omitempty"`
	Allowed discordMentions `json:"allowed_mentions"`
	Flags   int             `json:"flags,omitempty"`
}

// discordMentions is whom a message may call.
type discordMentions struct {
	Parse []string `json:"parse"`
	Roles []string `json:"roles,omitempty"`
}

type discordEmbed struct {
	Title     string         `json:"title"`
	URL       string         `json:"url,omitempty"`
	Color     int            `json:"color"`
	Timestamp time.Time      `json:"timestamp"`
	Fields    []discordField `json:"fields,omitempty"`
}

type discordField struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Inline bool   `json:"inline"`
}

// The colours of cards: a report, an all-clear.
const (
	reportColor = 0xb5121b
	clearColor  = 0x1b7f3b
)

// noPreviews is the flag of a message whose links are not shown as cards.
const noPreviews = 1 << 2

// discord returns the message of an event. mention is who is called; "" nobody.
func (n *Network) discord(s *Stream, e event, city report.City, mention string) discordMessage {
	m := discordMessage{Content: e.text, Allowed: discordMentions{Parse: []string{}}, Flags: noPreviews}
	switch {
	case mention == "":
	case strings.HasPrefix(mention, "@"): // nobody else may say so in our name
		m.Content, m.Allowed.Parse = mention+" "+text.Calm(e.text), []string{"everyone"}
	default:
		m.Content, m.Allowed.Roles = mention+" "+e.text, []string{strings.Trim(mention, "<@&>")}
	}
	m.Content = discordContent.Fit(m.Content)
	if s.Look == LookCard {
		m.Embeds, m.Flags = []discordEmbed{n.discordCard(e, city)}, 0
	}
	return m
}

func (n *Network) discordCard(e event, city report.City) discordEmbed {
	card := discordEmbed{Title: discordTitle.Fit(headingOf(e, city)), URL: n.page(e, city), Color: reportColor, Timestamp: e.at.UTC()}
	if e.read.Clear {
		card.Color = clearColor
	}
	for _, f := range n.facts(e, city) {
		card.Fields = append(card.Fields, discordField{Name: discordTitle.Fit(f.name), Value: discordValue.Fit(f.value), Inline: true})
	}
	return card
}

// discordID reads the id of a message from the answer to it.
func discordID(answer []byte) string {
	var message struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(answer, &message) != nil || !digits.MatchString(message.ID) {
		return ""
	}
	return message.ID
}
