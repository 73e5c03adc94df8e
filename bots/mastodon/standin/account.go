package standin

import (
	"cmp"
	"strings"
	"time"
)

// Account is a local account of the server, the kind a bot logs in to.
type Account struct {
	server   *Server
	id       string
	username string
	token    string

	// All below is guarded by server.mu.
	suspended     bool
	acceptPrivate bool
	notifications []*notification
	filtered      int
	posts         []*status
	boosts        []Boost
	keys          map[string]string // Idempotency-Key → status id
	streams       map[*stream]struct{}
	used          int // requests in the rate window
	reset         time.Time
	calls         Calls
}

// Post is a status that the account posted.
type Post struct {
	ID         string
	Text       string
	Visibility string
	InReplyTo  string
	Mentions   []string // whom it notified, as "rider@example.org"
	At         time.Time
	Deleted    bool
}

// Boost is a status of somebody else that the account boosted.
type Boost struct {
	StatusID string
	Text     string
	Author   string
	At       time.Time
	Undone   bool
	id       string // of the boost itself
}

// Mention is a status of somebody that mentions an account.
type Mention struct {
	Author     string // "rider@example.org", or "rider" for a local account
	Text       string // without the mention, which is put before it
	HTML       string // the whole content, in place of one made from Text
	Visibility string // "public", "unlisted", "private" or "direct"
	Warning    string // the content warning
	Picture    bool   // has a picture attached
	Bot        bool   // its author is said to be a program
	Poll       bool
	Options    []string // the answers of a poll
	ReplyTo    string   // the id of a status that it answers
	NoBoosts   bool     // its author lets nobody boost it
	Quotes     string   // the id of a status that it quotes
	Names      []string // other people whom it mentions, as "anna@example.org"
	ID         string   // of the status, in place of one made
	At         time.Time
}

// AddAccount makes an account with a token that may do everything.
func (s *Server) AddAccount(username string) *Account {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := s.next()
	return s.addAccount(id, username, secretText("token", s.serial))
}

// addAccount is AddAccount with s.mu held.
func (s *Server) addAccount(id, username, token string) *Account {
	a := &Account{server: s, id: id, username: username, token: token, acceptPrivate: s.options.Old}
	s.tokens[a.token] = &grant{account: a, scopes: []string{"read", "write", "push"}}
	s.accounts = append(s.accounts, a)
	if s.signedIn == nil {
		s.signedIn = a
	}
	return a
}

// SignIn makes a the account of the browser that opens /oauth/authorize.
func (s *Server) SignIn(a *Account) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.signedIn = a
}

// ID of the account.
func (a *Account) ID() string { return a.id }

// Token is an access token of the account.
func (a *Account) Token() string {
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	return a.token
}

// Handle is the account's full handle, as "bot@127.0.0.1:40404".
func (a *Account) Handle() string { return a.username + "@" + a.server.domain }

// URL of the account's profile.
func (a *Account) URL() string { return a.server.URL + "/@" + a.username }

// RevokeTokens deletes every token of the account, as its owner can in the
// settings of the instance.
func (a *Account) RevokeTokens() {
	s := a.server
	s.mu.Lock()
	for token, g := range s.tokens {
		if g.account == a {
			delete(s.tokens, token)
		}
	}
	s.mu.Unlock()
	a.DropStreams()
}

// NewToken revokes the tokens of the account and gives it another.
func (a *Account) NewToken() {
	a.RevokeTokens()
	s := a.server
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next()
	a.token = secretText("token", s.serial)
	s.tokens[a.token] = &grant{account: a, scopes: []string{"read", "write", "push"}}
}

// Tokens counts the access tokens of the account.
func (a *Account) Tokens() int {
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	n := 0
	for _, g := range a.server.tokens {
		if g.account == a {
			n++
		}
	}
	return n
}

// Suspend disables the account's login, or enables it again.
func (a *Account) Suspend(on bool) {
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	a.suspended = on
}

// AcceptsPrivate tells whether private mentions of strangers reach the
// account: the notification policy.
func (a *Account) AcceptsPrivate() bool {
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	return a.acceptPrivate
}

// Filtered counts the mentions that the notification policy held back.
func (a *Account) Filtered() int {
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	return a.filtered
}

// Statuses returns what the account posted, oldest first.
func (a *Account) Statuses() []Post {
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	posts := make([]Post, len(a.posts))
	for i, p := range a.posts {
		posts[i] = Post{ID: p.id, Text: p.text, Visibility: p.visibility, InReplyTo: p.replyTo,
			Mentions: p.mentioned, At: p.at, Deleted: p.deleted}
	}
	return posts
}

// Boosts returns what the account boosted, oldest first.
func (a *Account) Boosts() []Boost {
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	return append([]Boost(nil), a.boosts...)
}

// Mention makes a status of author that mentions the account and returns its
// id.
func (a *Account) Mention(author, text, visibility string) string {
	return a.MentionWith(Mention{Author: author, Text: text, Visibility: visibility})
}

// MentionWith is Mention with more about the status.
func (a *Account) MentionWith(m Mention) string {
	s := a.server
	s.mu.Lock()
	st := a.newMention(m)
	private := m.Visibility == "private" || m.Visibility == "direct"
	if private && !a.acceptPrivate {
		a.filtered++
		s.Happened()
		s.mu.Unlock()
		return st.id
	}
	n := &notification{id: s.next(), kind: "mention", status: st, at: st.at}
	a.notifications = append(a.notifications, n)
	a.call(n)
	streams := a.liveStreams()
	var says entity
	if len(streams) > 0 {
		says = s.notificationEntity(n)
	}
	s.Happened()
	s.mu.Unlock()
	send(streams, "notification", says)
	return st.id
}

// newMention stores the status. s.mu is held.
func (a *Account) newMention(m Mention) *status {
	s := a.server
	st := &status{id: cmp.Or(m.ID, s.next()), author: m.Author, text: m.Text, visibility: m.Visibility, warning: m.Warning,
		picture: m.Picture, bot: m.Bot, poll: m.Poll || len(m.Options) > 0, options: m.Options, quotes: m.Quotes, at: m.At, replyTo: m.ReplyTo, noBoosts: m.NoBoosts,
		mentioned: append([]string{a.Handle()}, m.Names...), mentionsLocal: a, names: m.Names}
	if st.at.IsZero() {
		st.at = s.options.Now()
	}
	st.html = m.HTML
	if st.html == "" {
		st.html = s.mentionHTML(a, m)
	}
	s.statuses[st.id] = st
	return st
}

// Follow makes somebody follow the account: a notification that is no mention.
func (a *Account) Follow(follower string) {
	s := a.server
	s.mu.Lock()
	n := &notification{id: s.next(), kind: "follow", follower: follower, at: s.options.Now()}
	a.notifications = append(a.notifications, n)
	streams := a.liveStreams()
	s.mu.Unlock()
	send(streams, "notification", s.notificationEntity(n))
}

// Edit changes a status of somebody, as its author can. Who has boosted it is told.
func (s *Server) Edit(statusID, text string, picture bool) {
	s.mu.Lock()
	st := s.statuses[statusID]
	st.text, st.html, st.picture, st.edited = text, s.mentionHTML(st.mentionsLocal, Mention{Text: text}), picture, s.options.Now()
	type news struct {
		streams []*stream
		says    entity
	}
	var told []news
	for _, a := range s.accounts {
		if a.boostOf(statusID) >= 0 {
			n := &notification{id: s.next(), kind: "update", status: st, at: st.edited}
			a.notifications = append(a.notifications, n)
			a.call(n)
			told = append(told, news{a.liveStreams(), s.notificationEntity(n)})
		}
	}
	s.Happened()
	s.mu.Unlock()
	for _, n := range told {
		send(n.streams, "notification", n.says)
	}
}

// Delete deletes a status of somebody, as its author can. The account that it mentions
// is told on its streams.
func (s *Server) Delete(statusID string) {
	s.mu.Lock()
	var streams []*stream
	if st := s.statuses[statusID]; st != nil && st.mentionsLocal != nil {
		streams = st.mentionsLocal.liveStreams()
	}
	s.delete(statusID)
	s.Happened()
	s.mu.Unlock()
	sendText(streams, "delete", statusID)
}

// delete deletes a status with the notifications of it. s.mu is held.
func (s *Server) delete(statusID string) {
	delete(s.statuses, statusID)
	for _, a := range s.accounts {
		if i := a.boostOf(statusID); i >= 0 {
			a.boosts[i].Undone = true
		}
		kept := a.notifications[:0]
		for _, n := range a.notifications {
			if n.status == nil || n.status.id != statusID {
				kept = append(kept, n)
			}
		}
		a.notifications = kept
	}
}

// fullHandle completes the handle of a local account.
func (s *Server) fullHandle(handle string) string {
	if strings.Contains(handle, "@") {
		return handle
	}
	return handle + "@" + s.domain
}
