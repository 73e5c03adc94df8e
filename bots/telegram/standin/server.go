// Package standin is a Bot API server that behaves as Telegram documents
// it (core.telegram.org/bots/api), with people and groups that tests and the
// demo move.
package standin

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Options is how a Server behaves.
type Options struct {
	// Now is the clock of message dates; nil means time.Now. Waiting and
	// limits go by real time.
	Now    func() time.Time
	Limits Limits
}

// Limit is how many messages may be sent within a time; the zero Limit is none.
type Limit struct {
	N   int
	Per time.Duration
}

// Limits are the sending limits of each bot: in all, to one private chat, and
// to one group.
type Limits struct{ Bot, Chat, Group Limit }

// Server is a Bot API server on loopback. Its methods may be called from many
// goroutines.
type Server struct {
	URL string // what telegram.api is set to

	options Options
	http    *http.Server
	served  chan struct{}

	mu      sync.Mutex
	closing chan struct{}
	waiting int           // calls of Wait
	changed chan struct{} // closed and made anew when something happens
	lastID  int64
	tokens  map[string]*Bot
	bots    []*Bot
	users   map[int64]*User
	groups  map[int64]*Group
}

// Start starts a Server.
func Start(o Options) (*Server, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start a stand-in of Telegram: %w", err)
	}
	s := &Server{URL: "http://" + l.Addr().String(), options: o, served: make(chan struct{}), closing: make(chan struct{}),
		changed: make(chan struct{}), lastID: 1000, tokens: map[string]*Bot{}, users: map[int64]*User{}, groups: map[int64]*Group{}}
	s.http = &http.Server{Handler: http.HandlerFunc(s.serve), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		defer close(s.served)
		_ = s.http.Serve(l) // ends with Close
	}()
	return s, nil
}

// Close ends every request and stops the server.
func (s *Server) Close() error {
	s.mu.Lock()
	select {
	case <-s.closing:
	default:
		close(s.closing)
	}
	s.mu.Unlock()
	err := s.http.Close()
	<-s.served
	return err
}

// errClosed is what Wait returns when the server was closed.
var errClosed = errors.New("the stand-in of Telegram was closed")

// Wait returns when ok does, which is asked whenever something has happened,
// or the error of ctx.
func (s *Server) Wait(ctx context.Context, ok func() bool) error {
	s.mu.Lock()
	s.waiting++
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.waiting--
		s.mu.Unlock()
	}()
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		if ok() {
			return nil
		}
		select {
		case <-changed:
		case <-s.closing:
			return errClosed
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// happened tells those who wait. s.mu is held.
func (s *Server) happened() {
	if s.waiting > 0 {
		close(s.changed)
		s.changed = make(chan struct{})
	}
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
