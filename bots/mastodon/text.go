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
	EditedAt    string            `json:"edited_at"`
	Language    string            `json:"language"`
	Account     person            `json:"account"`
	Attachments []json.RawMessage `json:"media_attachments"`
	Poll        json.RawMessage   `json:"poll"`
	Quote       json.RawMessage   `json:"quote"`
	QuoteID     json.RawMessage   `json:"quote_id"` // Fedibird
	Pleroma     struct {
		Quote json.RawMessage `json:"quote"`
	} `json:"pleroma"`
	Mentions []person `json:"mentions"`
}

// person is an account as statuses name it.
type person struct {
	ID   gomastodon.ID `json:"id"`
	Acct string        `json:"acct"` // "rider@mastodon.example", local ones without the host
	URL  string        `json:"url"`
	Bot  bool          `json:"bot"`
}

// time is when the status was written; the zero time where that cannot be read.
func (s *status) time() time.Time {
	t, err := time.Parse(time.RFC3339, s.CreatedAt)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// holdsMore tells whether people see more of the status than its text and pictures.
// The preview of a link is no more: a post with the same link has it too.
func (s *status) holdsMore() bool {
	return slices.ContainsFunc([]json.RawMessage{s.Poll, s.Quote, s.QuoteID, s.Pleroma.Quote},
		func(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" })
}

// message is the message that a mention is. It is none where ok is false: other
// kinds of notifications, and the account's own statuses.
func (c *conn) message(n notification) (m post.Message, ok bool) {
	if n.Type != "mention" || n.Status == nil || n.Status.ID == "" || c.isOwn(n.Status.Account) {
		return post.Message{}, false
	}
	return c.read(n.Status), true
}

func (c *conn) isOwn(p person) bool { return string(p.ID) == c.account.Remote }

// read makes of a status what the kit knows.
func (c *conn) read(st *status) post.Message {
	words, others := c.textOf(st)
	return post.Message{ID: string(st.ID), Author: c.fullHandle(st.Account.Acct), Text: words,
		Visibility: visibilityOf(st), Unlisted: st.Visibility == "unlisted", Automatic: st.Account.Bot, Language: st.Language,
		Picture: len(st.Attachments) > 0, More: others || st.holdsMore(), Time: st.time()}
}

// maxText bounds what is kept of a text, and maxContent what is read of the HTML that
// it is made of, in bytes. Both are more than any report has, in any script.
const (
	maxText    = 32 << 10
	maxContent = 64 << 10
)

// textOf is what the status says, without the names of people; others tells whether
// there were any but the account's. A content warning is part of it: people put the
// place there.
func (c *conn) textOf(st *status) (words string, others bool) {
	n := c.namesIn(st)
	warning, content := cut(st.Warning, maxText), n.plainText(cut(st.Content, maxContent))
	return cut(strings.TrimSpace(n.strip(text.Tidy(warning))+"\n"+content), maxText), n.others
}

// cut returns the beginning of a text that is longer than that.
func cut(s string, longest int) string {
	if len(s) <= longest {
		return s
	}
	return strings.ToValidUTF8(s[:longest], "")
}

// visibilityOf is public only where a server shows the status to everybody: an
// unlisted one was not written for that, and what is unknown is private.
func visibilityOf(st *status) report.Visibility {
	if st.Visibility == "public" {
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
