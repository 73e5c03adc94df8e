// Package standin is a server of the toy API that bot.go explains. The tests and
// the demo talk to it.
package standin

import (
	"fmt"
	"net/http"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/time/rate"

	kit "ticketfrei/bots/kit/standin"
)

// Server is the stand-in. The names of people and groups are the ids of their
// chats. What makes it a kit.Service and is not here, it has from the kit.
type Server struct {
	*kit.Server
	*kit.Book[map[string]any]

	gone   sync.Map // chats that an account cannot write to: "account chat"
	limits sync.Map // of the accounts
	wrote  sync.Map // what people wrote: by "account text" the event
}

var (
	_ kit.Service = (*Server)(nil)
	_ kit.Rooms   = (*Server)(nil)
	_ kit.Eraser  = (*Server)(nil)
)

// Start starts a server on loopback.
func Start() (*Server, error) {
	routes := http.NewServeMux()
	server, err := kit.Start(routes)
	if err != nil {
		return nil, err
	}
	server.Paths = map[kit.Call]string{kit.Check: "/account", kit.Listen: "/events", kit.Post: "/messages"}
	s := &Server{Server: server, Book: kit.NewBook[map[string]any](server)}
	routes.HandleFunc("GET /account", s.As(s.whose))
	routes.HandleFunc("GET /events", s.As(s.news))
	routes.HandleFunc("POST /messages", s.As(s.post))
	routes.HandleFunc("DELETE /messages/{id}", s.As(s.Remove))
	return s, nil
}

// Write writes to an account.
func (s *Server) Write(n int, m kit.Message) {
	said := m.Text
	if m.Addressed {
		m.Text = "@" + nameOf(n) + " " + m.Text
	}
	s.Happen(n, func(id string) map[string]any {
		event := map[string]any{"id": id, "kind": "message", "chat": m.Place(), "author": m.Author, "text": m.Text,
			"private": m.Group == "", "media": m.Media, "language": m.Language, "time": m.At()}
		s.wrote.Store(fmt.Sprint(n, " ", said), event)
		return event
	})
}

// Erase deletes what somebody wrote to an account.
func (s *Server) Erase(n int, text string) {
	if wrote, ok := s.wrote.Load(fmt.Sprint(n, " ", text)); ok {
		m := wrote.(map[string]any)
		s.Happen(n, func(id string) map[string]any {
			return map[string]any{"id": id, "kind": "deleted", "chat": m["chat"], "message": m["id"]}
		})
	}
}

// Join adds an account to a group.
func (s *Server) Join(n int, group string) { s.moved(n, "joined", group) }

// Leave makes a chat one that an account cannot write to.
func (s *Server) Leave(n int, chat string) {
	s.gone.Store(fmt.Sprint(n, " ", chat), true)
	s.moved(n, "left", chat)
}

func (s *Server) moved(n int, kind, chat string) {
	s.Happen(n, func(id string) map[string]any { return map[string]any{"id": id, "kind": kind, "chat": chat} })
}

func nameOf(n int) string { return fmt.Sprint("kontis", n) }

func (s *Server) whose(n int, w http.ResponseWriter, _ *http.Request) {
	kit.JSON(w, http.StatusOK, map[string]string{"id": fmt.Sprint(n), "name": nameOf(n), "newest": s.Newest(n)})
}

func (s *Server) news(n int, w http.ResponseWriter, r *http.Request) {
	kit.JSON(w, http.StatusOK, map[string]any{"events": s.After(r, n, r.FormValue("after"), kit.Seconds(r.FormValue("wait")))})
}

func (s *Server) post(n int, w http.ResponseWriter, r *http.Request) {
	var m struct{ Chat, Text string }
	if !kit.Body(w, r, &m) {
		return
	}
	limit, _ := s.limits.LoadOrStore(n, rate.NewLimiter(25, 2))
	_, gone := s.gone.Load(fmt.Sprint(n, " ", m.Chat))
	switch {
	case utf8.RuneCountInString(m.Text) > 2000:
		s.Answer(http.StatusUnprocessableEntity, 0)(w, r)
	case gone:
		s.Answer(http.StatusGone, 0)(w, r)
	case !limit.(*rate.Limiter).Allow():
		s.Answer(http.StatusTooManyRequests, time.Second)(w, r)
	default:
		kit.JSON(w, http.StatusOK, map[string]string{"id": s.Wrote(n, "", kit.Line{Chat: m.Chat, Text: m.Text})})
	}
}
