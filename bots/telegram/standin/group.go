package standin

import "strings"

// Group is a group that people and bots are in.
type Group struct {
	server *Server

	// Under Server.mu:
	id          int64
	title       string
	super       bool
	channel     bool
	topics      map[int]*topic
	slow        *slowMode // nil where it is not in slow mode
	movedTo     int64     // id of the supergroup it became
	messages    []Message
	bots        map[*Bot]*membership
	noReactions bool
}

// membership is a bot in a group.
type membership struct {
	in      bool
	privacy bool // sees only what is meant for it
	silent  bool // may not write
	admin   bool
}

// ID is the id of the group, a negative number. It changes with Upgrade.
func (g *Group) ID() int64 {
	g.server.mu.Lock()
	defer g.server.mu.Unlock()
	return g.id
}

func (g *Group) kind() string {
	if g.channel {
		return "channel"
	}
	if g.super {
		return "supergroup"
	}
	return "group"
}

func (g *Group) chat() map[string]any {
	chat := map[string]any{"id": g.id, "type": g.kind(), "title": g.title}
	if g.topics != nil {
		chat["is_forum"] = true
	}
	return chat
}

// Messages returns what was written, the first one first.
func (g *Group) Messages() []Message {
	g.server.mu.Lock()
	defer g.server.mu.Unlock()
	return append([]Message(nil), g.messages...)
}

// Add makes the bot a member. With privacy it sees only what is meant for it.
func (g *Group) Add(by *User, b *Bot, privacy bool) {
	g.server.mu.Lock()
	defer g.server.mu.Unlock()
	g.bots[b] = &membership{in: true, privacy: privacy}
	b.deliver("my_chat_member", memberChange(g.chat(), by.user(), b, "left", "member"))
	m := g.add(Message{From: by.name, from: by.id})
	body := m.body(Post{}, g.chat(), nil)
	body["from"], body["new_chat_members"] = by.user(), []any{b.user()}
	b.deliver("message", body)
}

// Remove takes the bot out of the group, and tells it so.
func (g *Group) Remove(by *User, b *Bot) {
	g.server.mu.Lock()
	defer g.server.mu.Unlock()
	g.bots[b].in = false
	b.deliver("my_chat_member", memberChange(g.chat(), by.user(), b, "member", "kicked"))
}

// RemoveSilently is Remove of which the bot does not hear.
func (g *Group) RemoveSilently(b *Bot) {
	g.server.mu.Lock()
	defer g.server.mu.Unlock()
	g.bots[b].in = false
}

// Silence takes the right to write from the bot.
func (g *Group) Silence(b *Bot) {
	g.server.mu.Lock()
	defer g.server.mu.Unlock()
	g.bots[b].silent = true
}

// Upgrade makes the group a supergroup, with another id. Where quiet, the bots
// find out when they send.
func (g *Group) Upgrade(quiet bool) {
	g.server.mu.Lock()
	defer g.server.mu.Unlock()
	old := &Group{server: g.server, id: g.id, title: g.title, bots: g.bots}
	g.server.groups[old.id] = old
	g.super, g.id = true, -1_000_000_000_000-g.server.newID()
	g.server.groups[g.id] = g
	old.movedTo = g.id
	if quiet {
		return
	}
	for b := range g.bots {
		to := g.add(Message{}).body(Post{}, old.chat(), nil)
		to["migrate_to_chat_id"] = g.id
		b.deliver("message", to)
		from := g.add(Message{}).body(Post{}, g.chat(), nil)
		from["migrate_from_chat_id"] = old.id
		b.deliver("message", from)
	}
}

func (g *Group) add(m Message) Message {
	m.ID, m.At = len(g.messages)+1, g.server.options.Now()
	g.messages = append(g.messages, m)
	return m
}

// Write posts a text and returns the id of the message.
func (g *Group) Write(u *User, text string) int { return g.Post(u, Post{Text: text}) }

// Post posts anything and returns the id of the message.
func (g *Group) Post(u *User, p Post) int {
	g.server.mu.Lock()
	defer g.server.mu.Unlock()
	before := g.messages
	m := g.add(Message{From: u.name, from: u.id, Text: p.Text, Thread: p.Topic})
	body := m.body(p, g.chat(), before)
	g.inTopic(body, p.Topic)
	switch p.Sender {
	case AnonymousAdmin:
		body["from"] = map[string]any{"id": 1087968824, "is_bot": true, "first_name": "Group", "username": "GroupAnonymousBot"}
		body["sender_chat"] = g.chat()
	case Channel:
		body["from"] = map[string]any{"id": 136817688, "is_bot": true, "first_name": "Channel", "username": "Channel_Bot"}
		body["sender_chat"] = map[string]any{"id": -1_000_000_000_001, "type": "channel", "title": "News"}
	case OtherBot:
		body["from"] = map[string]any{"id": 4242, "is_bot": true, "first_name": "Other", "username": "other_bot"}
	default:
		body["from"] = u.user()
	}
	for b, member := range g.bots {
		if member.in && (!member.privacy || g.meantFor(b, p, before)) {
			b.deliver("message", body)
		}
	}
	return m.ID
}

// meantFor tells whether a bot in privacy mode sees a post: replies to it,
// commands for it, commands for nobody in particular where it was the last bot
// to write (core.telegram.org/bots/features#privacy-mode), and mentions, which
// it gets in practice.
func (g *Group) meantFor(b *Bot, p Post, before []Message) bool {
	if p.ReplyTo > 0 && p.ReplyTo <= len(before) && before[p.ReplyTo-1].from == b.id {
		return true
	}
	text := strings.ToLower(p.Text + " " + p.Caption)
	if strings.Contains(text, "@"+strings.ToLower(b.username)) {
		return true
	}
	command, _, _ := strings.Cut(p.Text, " ")
	return strings.HasPrefix(command, "/") && !strings.Contains(command, "@") && lastBot(before) == b.id
}

// lastBot is the id of the bot that wrote last.
func lastBot(list []Message) int64 {
	for i := len(list) - 1; i >= 0; i-- {
		if list[i].FromBot {
			return list[i].from
		}
	}
	return 0
}
