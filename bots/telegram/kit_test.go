package telegram

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ticketfrei/bots/kit/account"
	"ticketfrei/bots/kit/kittest"
	"ticketfrei/bots/kit/pace"
	kit "ticketfrei/bots/kit/standin"
	"ticketfrei/bots/telegram/standin"
	"ticketfrei/internal/slow"
)

// checked is the Bot API as the checks of the kit move it. Every account has people
// and groups of its own.
type checked struct {
	*standin.Server
	mu     sync.Mutex
	bots   map[int]*standin.Bot
	people map[place]*standin.User
	groups map[place]*standin.Group
}

// place is a person or a group as an account knows it.
type place struct {
	account int
	name    string
}

var (
	_ kit.Service        = (*checked)(nil)
	_ kit.Rooms          = (*checked)(nil)
	_ kit.Signs          = (*checked)(nil)
	_ kittest.Configured = (*checked)(nil)
)

func startChecked() (*checked, error) {
	s, err := standin.Start(standin.Options{Limits: standin.Limits{Bot: standin.Limit{N: 31, Per: time.Second}}})
	return &checked{Server: s, bots: map[int]*standin.Bot{}, people: map[place]*standin.User{}, groups: map[place]*standin.Group{}}, err
}

// made returns what is in the map, made when it is first named.
func made[K comparable, V any](s *checked, all map[K]V, key K, add func() V) V {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := all[key]; !ok {
		all[key] = add()
	}
	return all[key]
}

func (s *checked) bot(n int) *standin.Bot {
	return made(s, s.bots, n, func() *standin.Bot { return s.AddBot(fmt.Sprintf("kontis%d_bot", n), "Kontis") })
}

func (s *checked) person(n int, name, language string) *standin.User {
	return made(s, s.people, place{n, name}, func() *standin.User { return s.AddUser(name, language) })
}

func (s *checked) group(n int, name string) *standin.Group {
	return made(s, s.groups, place{n, name}, func() *standin.Group { return s.AddGroup(name) })
}

func (s *checked) Settings() []string        { return []string{"TICKETFREI_TELEGRAM_API=" + s.URL} }
func (s *checked) Login(n int) account.Typed { return account.Typed{"token": s.bot(n).Token()} }
func (s *checked) Revoke(n int)              { s.bot(n).Revoke() }

func (s *checked) Join(n int, group string) {
	s.group(n, group).Add(s.person(n, "admin", ""), s.bot(n), false)
}

func (s *checked) Leave(n int, chat string) {
	s.mu.Lock()
	group := s.groups[place{n, chat}]
	s.mu.Unlock()
	if group == nil {
		s.person(n, chat, "").Block(s.bot(n))
		return
	}
	group.Remove(s.person(n, "admin", ""), s.bot(n))
}

func (s *checked) Path(n int, c kit.Call) string {
	method := map[kit.Call]string{kit.Check: "getMe", kit.Listen: "getUpdates", kit.Post: "sendMessage"}[c]
	return "/bot" + s.bot(n).Token() + "/" + method
}

func (s *checked) Write(n int, m kit.Message) {
	p := standin.Post{Text: m.Text}
	switch command := strings.HasPrefix(m.Text, "/"); {
	case m.Addressed && command:
		p.Text += "@" + s.bot(n).Username()
	case m.Addressed:
		p.Text = "@" + s.bot(n).Username() + " " + m.Text
	case m.Media:
		p = standin.Post{Photo: true, Caption: m.Text}
	}
	if u := s.person(n, m.Author, m.Language); m.Group != "" {
		s.group(n, m.Group).Post(u, p)
	} else {
		u.Post(s.bot(n), p)
	}
}

func (s *checked) Lines(n int) []kit.Line {
	b := s.bot(n)
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []kit.Line
	take := func(r place, messages []standin.Message) {
		for _, m := range messages {
			if r.account == n && m.FromBot && !m.Deleted {
				list = append(list, kit.Line{Chat: r.name, Own: true, Text: m.Text, Time: m.At})
			}
		}
	}
	for r, u := range s.people {
		take(r, b.Chat(u))
	}
	for r, g := range s.groups {
		take(r, g.Messages())
	}
	slices.SortStableFunc(list, func(a, b kit.Line) int { return a.Time.Compare(b.Time) })
	return list
}

func (s *checked) Signs(n int, chat string) []string {
	s.mu.Lock()
	group, person := s.groups[place{n, chat}], s.people[place{n, chat}]
	s.mu.Unlock()
	var messages []standin.Message
	if group != nil {
		messages = group.Messages()
	} else if person != nil {
		messages = s.bot(n).Chat(person)
	}
	var list []string
	for _, m := range messages {
		if m.Sign != "" {
			list = append(list, m.Sign)
		}
	}
	return list
}

// TestChat leaves out the pace of a single chat, which the checks would wait for.
func TestChat(t *testing.T) {
	slow.Test(t, "makes every check of a chat network; those of the scaffold are quick to see")
	definition := network(&options{})
	definition.Pace = pace.Limits{All: 30, SlowFor: time.Second}
	kittest.Chat(t, definition.Definition(), kittest.Start(t, startChecked), kittest.Skip{
		"hear: what is older": "Telegram keeps for a day what nobody has asked for, and it counts as long as it is not expired",
	})
}
