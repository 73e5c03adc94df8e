package standin

import (
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
)

// maxText is the length of a message in UTF-16 units.
const maxText = 4096

func (s *Server) sendMessage(b *Bot, p params) (any, *apiError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if strings.TrimSpace(p.Text) == "" {
		return nil, badRequest("message text is empty")
	}
	if len(utf16.Encode([]rune(p.Text))) > maxText {
		return nil, badRequest("message is too long")
	}
	chat, log, err := s.findChat(b, p.ChatID)
	if err != nil {
		return nil, err
	}
	answers := p.Reply.MessageID
	if answers > len(*log) || answers > 0 && (*log)[answers-1].Deleted {
		if !p.Reply.Anyway {
			return nil, badRequest("message to be replied not found")
		}
		answers = 0
	}
	now := time.Now()
	if g := s.groups[p.ChatID]; g != nil {
		if err := g.takes(p.Thread, now); err != nil {
			s.Happened()
			return nil, err
		}
	}
	if err := b.flood.check(s.options.Limits, p.ChatID, now); err != nil {
		s.Happened()
		return nil, err
	}
	m := Message{ID: len(*log) + 1, FromBot: true, From: b.name, from: b.id, Text: p.Text, Answers: answers, At: s.options.Now(), Thread: p.Thread}
	*log = append(*log, m)
	b.sends = append(b.sends, Send{ChatID: p.ChatID, Thread: p.Thread, ID: m.ID, Text: p.Text, At: now})
	s.Happened()
	return map[string]any{"message_id": m.ID, "from": b.user(), "chat": chat, "date": m.At.Unix(), "text": m.Text}, nil
}

// findChat returns a chat that the bot may write to, and its messages.
// Server.mu is held.
func (s *Server) findChat(b *Bot, id int64) (chat map[string]any, log *[]Message, err *apiError) {
	if g := s.groups[id]; g != nil {
		switch m := g.bots[b]; {
		case g.movedTo != 0:
			e := badRequest("group chat was upgraded to a supergroup chat")
			e.MigrateTo = g.movedTo
			return nil, nil, e
		case m == nil:
			return nil, nil, badRequest("chat not found")
		case !m.in:
			return nil, nil, forbidden("bot was kicked from the " + g.kind() + " chat")
		case m.silent && g.channel:
			return nil, nil, badRequest("need administrator rights in the channel chat")
		case m.silent:
			return nil, nil, badRequest("not enough rights to send text messages to the chat")
		}
		return g.chat(), &g.messages, nil
	}
	u, c := s.users[id], b.chats[id]
	switch {
	case u == nil || c == nil:
		return nil, nil, badRequest("chat not found")
	case u.deleted:
		return nil, nil, forbidden("user is deactivated")
	case c.blocked:
		return nil, nil, forbidden("bot was blocked by the user")
	case !c.started:
		return nil, nil, forbidden("bot can't initiate conversation with a user")
	}
	return u.chat(), &c.messages, nil
}

func (s *Server) deleteMessage(b *Bot, p params) (any, *apiError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, log, err := s.findChat(b, p.ChatID)
	if err != nil {
		return nil, err
	}
	if p.MessageID < 1 || p.MessageID > len(*log) || (*log)[p.MessageID-1].Deleted {
		return nil, badRequest("message to delete not found")
	}
	(*log)[p.MessageID-1].Deleted = true
	s.Happened()
	return true, nil
}

// flood counts what a bot sends.
type flood struct {
	all     []time.Time
	chats   map[int64][]time.Time
	until   time.Time // of the penalty
	penalty int       // in seconds; grows when it is ignored
	refused int
	early   int // sends within a penalty
	next    int // seconds that the next send is refused with
}

// check takes a message to a chat in, or answers that the bot must wait: longer
// where it did not wait the last time.
func (f *flood) check(l Limits, chat int64, now time.Time) *apiError {
	if now.Before(f.until) {
		f.early++
		return f.refuse(2*f.penalty, now)
	}
	if seconds := f.next; seconds > 0 {
		f.next = 0
		return f.refuse(seconds, now)
	}
	limit := l.Chat
	if chat < 0 {
		limit = l.Group
	}
	if l.Bot.full(f.all, now) || limit.full(f.chats[chat], now) {
		return f.refuse(1, now)
	}
	f.all = l.Bot.add(f.all, now)
	if limit.N > 0 {
		if f.chats == nil {
			f.chats = map[int64][]time.Time{}
		}
		f.chats[chat] = limit.add(f.chats[chat], now)
	}
	return nil
}

func (f *flood) refuse(seconds int, now time.Time) *apiError {
	f.refused++
	f.penalty = seconds
	f.until = now.Add(time.Duration(seconds) * time.Second)
	return tooMany(seconds)
}

func tooMany(seconds int) *apiError {
	return &apiError{Code: http.StatusTooManyRequests, Description: "Too Many Requests: retry after " + strconv.Itoa(seconds), RetryAfter: seconds}
}

// full tells whether one more would be too many.
func (l Limit) full(times []time.Time, now time.Time) bool {
	return l.N > 0 && len(times) >= l.N && now.Sub(times[len(times)-l.N]) < l.Per
}

// add notes a message and forgets those that count no more.
func (l Limit) add(times []time.Time, now time.Time) []time.Time {
	if l.N == 0 {
		return nil
	}
	times = append(times, now)
	if len(times) > 2*l.N {
		times = append([]time.Time(nil), times[len(times)-l.N:]...)
	}
	return times
}

// LimitNext refuses the bot's next message, with that many seconds to wait.
func (b *Bot) LimitNext(seconds int) {
	b.server.mu.Lock()
	defer b.server.mu.Unlock()
	b.flood.next = seconds
}

// Refused is how many messages were refused for being too many; early is how
// many of them came before the wait was over.
func (b *Bot) Refused() (refused, early int) {
	b.server.mu.Lock()
	defer b.server.mu.Unlock()
	return b.flood.refused, b.flood.early
}
