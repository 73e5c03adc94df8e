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
	InReplyTo   gomastodon.ID     `json:"in_reply_to_account_id"` // whom it answers
	CreatedAt   string            `json:"created_at"`
	EditedAt    string            `json:"edited_at"`
	Reblogged   bool              `json:"reblogged"` // by the account
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

// The kinds of notifications that are read, and one that is made of an event of the
// stream: a status that is gone.
const (
	mentioned = "mention"
	updated   = "update" // of a status that the account has boosted
	deleted   = "delete"
)

// message is the message that a notification is, or what its author has made of it. It
// is none where ok is false: other kinds of notifications, the account's own statuses,
// and what is said to somebody else.
func (c *conn) message(n notification) (m post.Message, ok bool) {
	if n.Status == nil || n.Status.ID == "" || c.isOwn(n.Status.Account) {
		return post.Message{}, false
	}
	switch n.Type {
	case mentioned:
		return c.read(n.Status), !c.answersOther(n.Status)
	case updated:
		return c.edited(n.Status), true
	case deleted:
		return post.Message{ID: string(n.Status.ID), Deleted: true}, true
	}
	return post.Message{}, false
}

// edited is what the author of a status says now.
func (c *conn) edited(st *status) post.Message {
	m := c.read(st)
	m.Edited = true
	return m
}

// answersOther tells whether a status answers somebody: not the account, and not its
// author, who goes on with what was said before. That the account is named in it too is
// how apps answer.
func (c *conn) answersOther(st *status) bool {
	to := st.InReplyTo
	return to != "" && string(to) != c.account.Remote && to != st.Account.ID
}

func (c *conn) isOwn(p person) bool { return string(p.ID) == c.account.Remote }

// read makes of a status what the kit knows.
func (c *conn) read(st *status) post.Message {
	words, others := c.textOf(st)
	return post.Message{ID: string(st.ID), Author: c.fullHandle(st.Account.Acct), Text: words,
		Visibility: visibilityOf(st), Unlisted: st.Visibility == "unlisted", Automatic: st.Account.Bot, Language: st.Language,
		Picture: len(st.Attachments) > 0, More: others || st.holdsMore(), Time: st.time(),
		Reply: st.InReplyTo != "" && string(st.InReplyTo) == c.account.Remote}
}

// maxText bounds what is kept of a text, and maxContent what is read of the HTML that
// it is made of, in bytes. Both are more than any report has, in any script.
const (
	maxText    = 32 << 10
	maxContent = 64 << 10
)

// textOf is what the status says, without the names of people; others tells whether
// there were any but the account's. A content warning is part of it, as people put the
// place there, and so are the answers of a poll.
func (c *conn) textOf(st *status) (words string, others bool) {
	n := c.namesIn(st)
	parts := append([]string{n.words(cut(st.Warning, maxText)), n.plainText(cut(st.Content, maxContent))}, n.options(st.Poll)...)
	return cut(text.Tidy(strings.Join(parts, "\n")), maxText), n.others
}

// maxOptions bounds the answers of a poll that are read.
const maxOptions = 20

// options are the answers of a poll.
func (n *names) options(raw json.RawMessage) (list []string) {
	var poll struct {
		Options []struct {
			Title string `json:"title"`
		} `json:"options"`
	}
	if len(raw) == 0 || json.Unmarshal(raw, &poll) != nil {
		return nil
	}
	for _, o := range poll.Options[:min(len(poll.Options), maxOptions)] {
		list = append(list, n.words(cut(o.Title, maxText)))
	}
	return list
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
