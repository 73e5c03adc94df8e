package mastodon

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	gomastodon "github.com/mattn/go-mastodon"

	"ticketfrei/bots/kit/post"
	"ticketfrei/bots/kit/text"
	"ticketfrei/internal/report"
)

// notification is the part of a notification that is used here. The rest is
// not read: servers differ in it, and one field that does not fit must not
// cost a report.
type notification struct {
	ID     gomastodon.ID `json:"id"`
	Type   string        `json:"type"`
	Status *status       `json:"status"`
}

// status is the part of a status that is used here.
type status struct {
	ID          gomastodon.ID     `json:"id"`
	URL         string            `json:"url"`
	Content     string            `json:"content"`
	Warning     string            `json:"spoiler_text"`
	Visibility  string            `json:"visibility"`
	CreatedAt   string            `json:"created_at"`
	Account     person            `json:"account"`
	Attachments []json.RawMessage `json:"media_attachments"`
	Mentions    []person          `json:"mentions"`
}

// person is an account as statuses name it.
type person struct {
	ID   gomastodon.ID `json:"id"`
	Acct string        `json:"acct"` // "rider@mastodon.example", local ones without the host
	URL  string        `json:"url"`
}

// time is when the status was written; the zero time where that cannot be read.
func (s *status) time() time.Time {
	t, err := time.Parse(time.RFC3339, s.CreatedAt)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// message is the message that a mention is. It is none where ok is false: other
// kinds of notifications, and the account's own statuses.
func (c *conn) message(n notification) (m post.Message, ok bool) {
	st := n.Status
	if n.Type != "mention" || st == nil || st.ID == "" || string(st.Account.ID) == c.account.Remote {
		return post.Message{}, false
	}
	return post.Message{ID: string(st.ID), Author: c.fullHandle(st.Account.Acct), Text: c.textOf(st),
		Visibility: visibilityOf(st), Picture: len(st.Attachments) > 0, Time: st.time()}, true
}

// textOf is what the status says. A content warning is part of it: people put
// the place there.
func (c *conn) textOf(st *status) string {
	own := mentionOf{urls: []string{c.account.URL}, handle: c.account.Handle}
	for _, m := range st.Mentions {
		if string(m.ID) == c.account.Remote {
			own.urls = append(own.urls, m.URL)
		}
	}
	return strings.TrimSpace(text.Tidy(st.Warning) + "\n" + plainText(st.Content, own))
}

func visibilityOf(st *status) report.Visibility {
	if st.Visibility == "public" || st.Visibility == "unlisted" {
		return report.Public
	}
	return report.Private
}

// fullHandle completes the handle of somebody on the bot's own instance.
func (c *conn) fullHandle(acct string) string {
	acct = strings.ToLower(acct)
	if strings.Contains(acct, "@") {
		return acct
	}
	return acct + "@" + c.account.Handle[strings.LastIndexByte(c.account.Handle, '@')+1:]
}

// plainText turns the content of a status into plain text: a line for each
// line and paragraph, links and other people's mentions as they are written,
// and without the mentions of own.
func plainText(content string, own mentionOf) string {
	// Mastodon's pages show line breaks as they stand, as in preformatted text.
	read := text.FromHTML("<pre>"+content, text.HTML{KeepLink: func(href, text string) bool { return !own.is(href, text) }})
	return text.Tidy(own.strip(read))
}

// mentionOf recognises the mentions of one account.
type mentionOf struct {
	urls   []string // of its profile, as links point to it
	handle string   // "@bot@mastodon.example"
}

// is tells whether a link with this target and text mentions the account.
func (m mentionOf) is(href, text string) bool {
	text = strings.ToLower(text)
	if text == m.handle {
		return true
	}
	short := m.handle[:max(0, strings.LastIndexByte(m.handle, '@'))]
	return text == short && slices.ContainsFunc(m.urls, func(u string) bool { return strings.EqualFold(u, href) })
}

// strip removes the full handle where it stands in the text and is no link.
func (m mentionOf) strip(text string) string {
	if m.handle == "" {
		return text
	}
	var kept strings.Builder
	for {
		at := indexFold(text, m.handle)
		if at < 0 {
			break
		}
		end := at + len(m.handle)
		if continues(text[end:]) {
			kept.WriteString(text[:end])
		} else {
			kept.WriteString(text[:at] + " ")
		}
		text = text[end:]
	}
	return kept.String() + text
}

// continues tells whether rest goes on with the same host name.
func continues(rest string) bool {
	if rest == "" {
		return false
	}
	c := rest[0]
	word := func(c byte) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_'
	}
	return word(c) || c == '-' || c == '.' && len(rest) > 1 && word(rest[1])
}

// indexFold is strings.Index without regard to the case of ASCII letters,
// which is what handles are made of.
func indexFold(text, lower string) int {
	for i := 0; i+len(lower) <= len(text); i++ {
		if strings.EqualFold(text[i:i+len(lower)], lower) {
			return i
		}
	}
	return -1
}
