package mastodon

import (
	"encoding/json"
	"strings"
	"time"

	gomastodon "github.com/mattn/go-mastodon"

	"ticketfrei/bots"
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

// incoming is the report that a mention is. It is none where ok is false: other
// kinds of notifications, and the account's own statuses.
func (a account) incoming(n notification) (in bots.Incoming, ok bool) {
	st := n.Status
	if n.Type != "mention" || st == nil || st.ID == "" || string(st.Account.ID) == a.AccountID {
		return bots.Incoming{}, false
	}
	return bots.Incoming{
		ID:         string(st.ID),
		Author:     a.fullHandle(st.Account.Acct),
		Text:       a.textOf(st),
		Visibility: visibilityOf(st),
		Time:       st.time(),
	}, true
}

// textOf is what the status says. A content warning is part of it: people put
// the place there.
func (a account) textOf(st *status) string {
	own := mentionOf{urls: []string{a.URL}, handle: a.Handle}
	for _, m := range st.Mentions {
		if string(m.ID) == a.AccountID {
			own.urls = append(own.urls, m.URL)
		}
	}
	return strings.TrimSpace(tidy(st.Warning) + "\n" + plainText(st.Content, own))
}

func visibilityOf(st *status) report.Visibility {
	if st.Visibility == "public" || st.Visibility == "unlisted" {
		return report.Public
	}
	return report.Private
}

// fullHandle completes the handle of somebody on the bot's own instance.
func (a account) fullHandle(acct string) string {
	acct = strings.ToLower(acct)
	if strings.Contains(acct, "@") {
		return acct
	}
	_, domain, _ := strings.Cut(a.Handle, "@")
	return acct + "@" + domain
}
