package standin

import (
	"fmt"
	"html"
	"regexp"
	"strings"
	"time"
)

// status is a status of a local account or of somebody elsewhere.
type status struct {
	id            string
	account       *Account // nil where the author is not one of AddAccount
	author        string
	text          string
	html          string
	warning       string
	visibility    string
	replyTo       string
	picture, bot  bool
	poll          bool
	options       []string // the answers of the poll
	noBoosts      bool
	quotes        string
	mentioned     []string
	mentionsLocal *Account
	names         []string // of others whom it mentions
	at, edited    time.Time
	deleted       bool
}

type notification struct {
	id       string
	kind     string
	follower string
	status   *status
	at       time.Time
}

// entity is a JSON object of the API.
type entity map[string]any

// stamp writes a time as Mastodon does.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// authorEntity is the account of somebody who is not one of AddAccount.
func (s *Server) authorEntity(handle string) entity {
	name, domain, remote := strings.Cut(handle, "@")
	profile := s.URL + "/@" + name
	if remote {
		profile = "https://" + domain + "/@" + name
	}
	return entity{"id": "A" + strings.ToUpper(name), "username": name, "acct": handle, "display_name": name,
		"url": profile, "uri": profile, "bot": false, "locked": false, "note": "<p></p>",
		"created_at": "2022-11-05T00:00:00.000Z", "emojis": []any{}, "fields": []any{}}
}

func (a *Account) entity() entity {
	return entity{"id": a.id, "username": a.username, "acct": a.username, "display_name": a.username,
		"url": a.URL(), "uri": a.server.URL + "/users/" + a.username, "bot": true, "locked": false, "note": "<p></p>",
		"created_at": "2022-11-05T00:00:00.000Z", "emojis": []any{}, "fields": []any{}}
}

func (s *Server) statusEntity(st *status) entity {
	account, url := s.authorEntity(st.author), ""
	account["bot"] = st.bot
	if st.account != nil {
		account = st.account.entity()
	}
	url = fmt.Sprintf("%s/%s", account["url"], st.id)
	media := []any{}
	if st.picture {
		media = append(media, entity{"id": "M" + st.id, "type": "image", "url": s.URL + "/media/" + st.id + ".png", "description": nil})
	}
	e := entity{"id": st.id, "created_at": stamp(st.at), "in_reply_to_id": orNull(st.replyTo), "in_reply_to_account_id": s.answered(st),
		"sensitive": st.warning != "", "spoiler_text": st.warning, "visibility": st.visibility, "language": "de",
		"uri": url, "url": url, "replies_count": 0, "reblogs_count": 0, "favourites_count": 0, "edited_at": nil,
		"content": st.html, "reblog": nil, "account": account, "media_attachments": media,
		"mentions": s.mentionEntities(st), "tags": []any{}, "emojis": []any{}, "card": nil, "poll": nil, "quote": nil}
	if !st.edited.IsZero() {
		e["edited_at"] = stamp(st.edited)
	}
	if st.poll {
		e["poll"] = pollEntity(st)
	}
	if st.quotes != "" {
		e["quote"] = entity{"state": "accepted", "quoted_status_id": st.quotes}
	}
	return e
}

// answered is the id of the account that a status answers.
func (s *Server) answered(st *status) any {
	parent := s.statuses[st.replyTo]
	switch {
	case parent == nil:
		return nil
	case parent.account != nil:
		return parent.account.id
	}
	return s.authorEntity(parent.author)["id"]
}

func pollEntity(st *status) entity {
	options := []entity{}
	for _, title := range st.options {
		options = append(options, entity{"title": title, "votes_count": 0})
	}
	return entity{"id": "P" + st.id, "expired": false, "multiple": false, "options": options}
}

func (s *Server) mentionEntities(st *status) []entity {
	list := []entity{}
	if a := st.mentionsLocal; a != nil {
		list = append(list, entity{"id": a.id, "username": a.username, "url": a.URL(), "acct": a.username})
	}
	for _, handle := range st.names {
		person := s.authorEntity(handle)
		list = append(list, entity{"id": person["id"], "username": person["username"], "url": person["url"], "acct": handle})
	}
	return list
}

func (s *Server) notificationEntity(n *notification) entity {
	e := entity{"id": n.id, "type": n.kind, "created_at": stamp(n.at), "group_key": "ungrouped-" + n.id}
	if n.status == nil {
		e["account"] = s.authorEntity(n.follower)
		return e
	}
	st := s.statusEntity(n.status)
	e["status"], e["account"] = st, st["account"]
	return e
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// mentionHTML is a status that mentions a, and others, as a server renders it.
func (s *Server) mentionHTML(a *Account, m Mention) string {
	named := linkTo(a.URL(), a.username)
	for _, handle := range m.Names {
		person := s.authorEntity(handle)
		named += " " + linkTo(fmt.Sprint(person["url"]), fmt.Sprint(person["username"]))
	}
	return "<p>" + named + " " + textHTML(m.Text) + "</p>"
}

func linkTo(profile, name string) string {
	return fmt.Sprintf(`<span class="h-card" translate="no"><a href="%s" class="u-url mention">@<span>%s</span></a></span>`,
		html.EscapeString(profile), html.EscapeString(name))
}

// webLink is what Mastodon makes a link of, closely enough.
var webLink = regexp.MustCompile(`https?://\S+`)

// textHTML renders plain text within a paragraph: lines, links with their
// parts hidden, characters escaped.
func textHTML(text string) string {
	var b strings.Builder
	last := 0
	for _, at := range webLink.FindAllStringIndex(text, -1) {
		b.WriteString(escape(text[last:at[0]]))
		b.WriteString(linkHTML(text[at[0]:at[1]]))
		last = at[1]
	}
	b.WriteString(escape(text[last:]))
	return b.String()
}

func escape(text string) string {
	paragraphs := strings.ReplaceAll(html.EscapeString(text), "\n\n", "</p><p>")
	return strings.ReplaceAll(paragraphs, "\n", "<br />")
}

func linkHTML(link string) string {
	scheme, rest, _ := strings.Cut(link, "://")
	shown, hidden := rest, ""
	if len(rest) > 30 {
		shown, hidden = rest[:30], rest[30:]
	}
	return fmt.Sprintf(`<a href="%s" target="_blank" rel="nofollow noopener"><span class="invisible">%s://</span><span class="ellipsis">%s</span><span class="invisible">%s</span></a>`,
		html.EscapeString(link), scheme, html.EscapeString(shown), html.EscapeString(hidden))
}

// handle finds mentions, as Mastodon's Account::MENTION_RE does.
var handle = regexp.MustCompile(`(?i)(^|[^=/\pL\pN_])@([a-z0-9_]+(?:[.-]+[a-z0-9_]+)*(?:@[\pL\pN_.-]+[\pL\pN_]+)?)`)

// mentionsIn returns whom a status with this text would notify.
func mentionsIn(text string) []string {
	var list []string
	for _, m := range handle.FindAllStringSubmatch(text, -1) {
		list = append(list, strings.ToLower(m[2]))
	}
	return list
}

// length counts characters as Mastodon does: a link counts as 23.
func length(text string) int {
	return len([]rune(webLink.ReplaceAllString(text, strings.Repeat("x", 23))))
}
