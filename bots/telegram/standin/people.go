package standin

import "time"

// User is a person with an account.
type User struct {
	server   *Server
	id       int64
	name     string
	language string
	deleted  bool
}

// Post is what somebody writes.
type Post struct {
	Text    string
	Caption string // of a picture
	Photo   bool
	Album   string // id of the album that the picture belongs to
	Other   string // another kind of message, as "sticker", "voice", "location"
	ReplyTo int    // id of a message in the same chat
	Topic   int    // of a group: the topic that it is written in; 0 for General
	// Forwarded is when somebody else wrote it; zero where it is not forwarded.
	Forwarded time.Time
	// Sender overrides the person: see AnonymousAdmin and Channel.
	Sender Sender
}

// Sender says in whose name something is posted in a group.
type Sender int

// The senders of a post.
const (
	Person         Sender = iota
	AnonymousAdmin        // an admin of the group in the group's name
	Channel               // somebody in the name of a channel
	OtherBot
)

// ID is the user's id and that of the private chats with the user.
func (u *User) ID() int64 { return u.id }

// Write sends a text to a bot and returns the id of the message.
func (u *User) Write(b *Bot, text string) int { return u.Post(b, Post{Text: text}) }

// Post sends anything to a bot and returns the id of the message. Who writes
// to a bot starts it.
func (u *User) Post(b *Bot, p Post) int {
	u.server.mu.Lock()
	defer u.server.mu.Unlock()
	c := b.conversation(u.id)
	c.started = true
	m := Message{ID: len(c.messages) + 1, From: u.name, from: u.id, Text: p.Text, At: u.server.options.Now()}
	body := m.body(p, u.chat(), c.messages)
	body["from"] = u.user()
	c.messages = append(c.messages, m)
	b.deliver("message", body)
	return m.ID
}

// Edit changes a text that the user wrote to a bot.
func (u *User) Edit(b *Bot, id int, text string) {
	u.server.mu.Lock()
	defer u.server.mu.Unlock()
	c := b.conversation(u.id)
	c.messages[id-1].Text = text
	body := c.messages[id-1].body(Post{Text: text}, u.chat(), c.messages)
	body["from"], body["edit_date"] = u.user(), u.server.options.Now().Unix()
	b.deliver("edited_message", body)
}

// Open makes the user one who has started the bot some time ago: the bot hears
// nothing of it.
func (u *User) Open(b *Bot) {
	u.server.mu.Lock()
	defer u.server.mu.Unlock()
	b.conversation(u.id).started = true
}

// Block makes the bot unable to write to the user, and tells it so.
func (u *User) Block(b *Bot) {
	u.server.mu.Lock()
	defer u.server.mu.Unlock()
	b.conversation(u.id).blocked = true
	b.deliver("my_chat_member", memberChange(u.chat(), u.user(), b, "member", "kicked"))
}

// BlockSilently is Block of which the bot does not hear.
func (u *User) BlockSilently(b *Bot) {
	u.server.mu.Lock()
	defer u.server.mu.Unlock()
	b.conversation(u.id).blocked = true
}

// Delete deletes the account.
func (u *User) Delete() {
	u.server.mu.Lock()
	defer u.server.mu.Unlock()
	u.deleted = true
}

func (u *User) user() map[string]any {
	m := map[string]any{"id": u.id, "is_bot": false, "first_name": u.name}
	if u.language != "" {
		m["language_code"] = u.language
	}
	return m
}

func (u *User) chat() map[string]any {
	return map[string]any{"id": u.id, "type": "private", "first_name": u.name}
}

// body is the message as the Bot API writes it, without its sender.
func (m Message) body(p Post, chat map[string]any, before []Message) map[string]any {
	body := map[string]any{"message_id": m.ID, "chat": chat, "date": m.At.Unix()}
	if p.Text != "" {
		body["text"] = p.Text
		if list := entities(p.Text); len(list) > 0 {
			body["entities"] = list
		}
	}
	if p.Photo {
		body["photo"] = []any{map[string]any{"file_id": "AgAC", "file_unique_id": "AQAD", "width": 90, "height": 67}}
	}
	if p.Caption != "" {
		body["caption"] = p.Caption
		if list := entities(p.Caption); len(list) > 0 {
			body["caption_entities"] = list
		}
	}
	if p.Album != "" {
		body["media_group_id"] = p.Album
	}
	if !p.Forwarded.IsZero() {
		body["forward_origin"] = map[string]any{"type": "hidden_user", "sender_user_name": "Somebody", "date": p.Forwarded.Unix()}
	}
	if p.Other != "" {
		body[p.Other] = map[string]any{"file_id": "CAAC"}
	}
	if p.ReplyTo > 0 && p.ReplyTo <= len(before) {
		r := before[p.ReplyTo-1]
		body["reply_to_message"] = map[string]any{"message_id": r.ID, "chat": chat, "date": r.At.Unix(), "text": r.Text,
			"from": map[string]any{"id": r.from, "is_bot": r.FromBot, "first_name": r.From}}
	}
	return body
}

func memberChange(chat, from map[string]any, b *Bot, old, now string) map[string]any {
	return map[string]any{"chat": chat, "from": from, "date": b.server.options.Now().Unix(),
		"old_chat_member": map[string]any{"user": b.user(), "status": old},
		"new_chat_member": map[string]any{"user": b.user(), "status": now}}
}
