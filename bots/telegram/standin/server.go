// Package standin is a Bot API server that behaves as Telegram documents
// it (core.telegram.org/bots/api), with people and groups that tests and the
// demo move.
package standin

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	kit "ticketfrei/bots/kit/standin"
)

// Options is how a Server behaves.
type Options struct {
	// Now is the clock of message dates; nil means time.Now. Waiting and
	// limits go by real time.
	Now    func() time.Time
	Limits Limits
	// Retry is how long it is until an update is brought to a webhook again that did
	// not take it, the first time; then twice as long each time, up to a minute. 0
	// means a second.
	Retry time.Duration
}

// Limit is how many messages may be sent within a time; the zero Limit is none.
type Limit struct {
	N   int
	Per time.Duration
}

// firstID is below all ids: those that Telegram gives are longer than 32 bits.
const firstID = 7_240_918_350

// Limits are the sending limits of each bot: in all, to one private chat, and
// to one group.
type Limits struct{ Bot, Chat, Group Limit }

// Server is a Bot API server on loopback. Its methods may be called from many
// goroutines.
type Server struct {
	*kit.Server // its URL is what telegram.api is set to

	options Options

	// What brings updates to webhooks.
	working   context.Context // until Close
	stop      context.CancelFunc
	bringing  sync.WaitGroup
	transport *http.Transport

	mu     sync.Mutex
	lastID int64
	tokens map[string]*Bot
	bots   []*Bot
	users  map[int64]*User
	groups map[int64]*Group
	delays map[string]time.Duration // by method
}

// Start starts a Server.
func Start(o Options) (*Server, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Retry = cmp.Or(o.Retry, time.Second)
	s := &Server{options: o, lastID: firstID, tokens: map[string]*Bot{}, users: map[int64]*User{}, groups: map[int64]*Group{}}
	s.working, s.stop = context.WithCancel(context.Background())
	s.transport = &http.Transport{MaxIdleConnsPerHost: 256, IdleConnTimeout: 10 * time.Second}
	var err error
	s.Server, err = kit.Start(s)
	return s, err
}

// Close stops the server.
func (s *Server) Close() error {
	err := s.Server.Close()
	s.stop()
	s.bringing.Wait()
	s.transport.CloseIdleConnections()
	return err
}

// newID returns an id that nobody has. s.mu is held.
func (s *Server) newID() int64 {
	s.lastID++
	return s.lastID
}

// AddBot makes a bot, as @BotFather does.
func (s *Server) AddBot(username, name string) *Bot {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := &Bot{server: s, id: s.newID() + 7_000_000_000, username: username, name: name, next: 1, chats: map[int64]*conversation{}}
	s.bots = append(s.bots, b)
	b.newToken()
	return b
}

// AddUser makes a person whose client speaks the language, as "de".
func (s *Server) AddUser(name, language string) *User {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := &User{server: s, id: s.newID(), name: name, language: language}
	s.users[u.id] = u
	return u
}

// AddGroup makes a group without members.
func (s *Server) AddGroup(title string) *Group {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := &Group{server: s, id: -s.newID(), title: title, bots: map[*Bot]*membership{}}
	s.groups[g.id] = g
	return g
}

// newToken gives the bot a token of the form that Telegram's have: the id, a
// colon and 35 characters. Server.mu is held.
func (b *Bot) newToken() {
	delete(b.server.tokens, b.token)
	b.token = fmt.Sprintf("%d:AA%033d", b.id, b.server.newID())
	b.server.tokens[b.token] = b
}

// find returns the bot and the method of a request's path.
func (s *Server) find(path string) (b *Bot, method string, ok bool) {
	rest, ok := strings.CutPrefix(path, "/bot")
	if !ok {
		return nil, "", false
	}
	token, method, ok := strings.Cut(rest, "/")
	if !ok {
		return nil, "", false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tokens[token], method, true
}
