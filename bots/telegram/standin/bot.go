package standin

import (
	"encoding/json"
	"time"
)

// Bot is a bot as the server sees it.
type Bot struct {
	server *Server

	// Under Server.mu:
	id       int64
	token    string
	username string
	name     string
	webhook  webhook
	next     int // id of the next update
	updates  []update
	allowed  map[string]bool // kinds of updates; nil means the default
	poll     *poll           // open
	polls    int
	overlaps int
	chats    map[int64]*conversation // private ones, by user
	sends    []Send
	profiles map[string]Profile // by language
	calls    map[string]int
	failures []int // statuses that the next calls are answered with
	flood    flood
}

// update is one update that waits to be confirmed.
type update struct {
	id   int
	kind string
	body json.RawMessage
}

// Send is a message that a bot sent.
type Send struct {
	ChatID int64
	Thread int // of the topic; 0 where it is in none
	ID     int
	Text   string
	At     time.Time // real time
}

// conversation is a private chat of a user with a bot.
type conversation struct {
	messages []Message
	started  bool
	blocked  bool
}

// Message is a message in a chat.
type Message struct {
	ID      int
	FromBot bool
	From    string // name of who wrote it
	Text    string
	Sign    string // what the bot has put below it; empty for nothing
	Answers int    // the message that it answers; 0 for none
	Deleted bool
	At      time.Time
	Thread  int // of the topic; 0 where it is in none
	from    int64
}

// ID is the bot's user id.
func (b *Bot) ID() int64 { return b.id }

// Username is its name without the "@".
func (b *Bot) Username() string { return b.username }

// Token is the token that it is used with now.
func (b *Bot) Token() string {
	b.server.mu.Lock()
	defer b.server.mu.Unlock()
	return b.token
}

// Revoke makes the token invalid and gives the bot a new one.
func (b *Bot) Revoke() {
	b.server.mu.Lock()
	defer b.server.mu.Unlock()
	b.newToken()
	if b.poll != nil {
		b.poll.end(errUnauthorized)
	}
	b.server.Happened()
}

// SetWebhook makes some other program get the bot's updates.
func (b *Bot) SetWebhook() {
	b.server.mu.Lock()
	defer b.server.mu.Unlock()
	b.webhook.set(webhook{url: "https://elsewhere.example/webhook"})
}

// HasWebhook tells whether a webhook is set.
func (b *Bot) HasWebhook() bool {
	b.server.mu.Lock()
	defer b.server.mu.Unlock()
	return b.webhook.url != ""
}

// SkipUpdates makes the next update have this id: after a week without any,
// Telegram goes on with a random one.
func (b *Bot) SkipUpdates(id int) {
	b.server.mu.Lock()
	defer b.server.mu.Unlock()
	b.next = id
}

// Deliver puts an update of any kind into the bot's queue.
func (b *Bot) Deliver(kind string, body any) {
	b.server.mu.Lock()
	defer b.server.mu.Unlock()
	b.deliver(kind, body)
}

// deliver is Deliver with Server.mu held.
func (b *Bot) deliver(kind string, body any) {
	if b.allowed != nil && !b.allowed[kind] {
		return
	}
	raw, err := json.Marshal(body)
	if err != nil {
		raw = []byte("null") // what a test gives can be marshalled
	}
	b.updates = append(b.updates, update{id: b.next, kind: kind, body: raw})
	b.next++
	if b.poll != nil {
		b.poll.notify()
	}
	b.bring()
	b.server.Happened()
}

// Pending is how many updates are not confirmed.
func (b *Bot) Pending() int {
	b.server.mu.Lock()
	defer b.server.mu.Unlock()
	return len(b.updates)
}

// Polling tells whether a getUpdates is open.
func (b *Bot) Polling() bool {
	b.server.mu.Lock()
	defer b.server.mu.Unlock()
	return b.poll != nil
}

// Overlaps is how often a getUpdates came while somebody still waited for the answer
// to another.
func (b *Bot) Overlaps() int {
	b.server.mu.Lock()
	defer b.server.mu.Unlock()
	return b.overlaps
}

// Sends returns what the bot has sent, the first one first.
func (b *Bot) Sends() []Send {
	b.server.mu.Lock()
	defer b.server.mu.Unlock()
	return append([]Send(nil), b.sends...)
}

// Sent is how many messages the bot has sent.
func (b *Bot) Sent() int {
	b.server.mu.Lock()
	defer b.server.mu.Unlock()
	return len(b.sends)
}

// Calls is how often a method was called, refused calls included.
func (b *Bot) Calls(method string) int {
	b.server.mu.Lock()
	defer b.server.mu.Unlock()
	return b.calls[method]
}

// Fail answers the next calls with these statuses, as a broken gateway does.
func (b *Bot) Fail(statuses ...int) {
	b.server.mu.Lock()
	defer b.server.mu.Unlock()
	b.failures = append(b.failures, statuses...)
}

// Chat returns the messages of a user's private chat with the bot, the first
// one first.
func (b *Bot) Chat(u *User) []Message {
	b.server.mu.Lock()
	defer b.server.mu.Unlock()
	if c := b.chats[u.id]; c != nil {
		return append([]Message(nil), c.messages...)
	}
	return nil
}

// conversation returns the bot's chat with a user. Server.mu is held.
func (b *Bot) conversation(userID int64) *conversation {
	c := b.chats[userID]
	if c == nil {
		c = &conversation{}
		b.chats[userID] = c
	}
	return c
}

func (b *Bot) user() map[string]any {
	return map[string]any{"id": b.id, "is_bot": true, "first_name": b.name, "username": b.username}
}
