// Package standin is a server of the toy API that bot.go explains. The tests and
// the demo talk to it.
package standin

import (
	"fmt"
	"net/http"
	"unicode/utf8"

	kit "ticketfrei/bots/kit/standin"
)

// Server is the stand-in. What makes it a kit.Service and is not here, it has from
// the kit.
type Server struct {
	*kit.Server
	*kit.Book[map[string]any]
}

var _ kit.Service = (*Server)(nil)

// Start starts a server on loopback.
func Start() (*Server, error) {
	routes := http.NewServeMux()
	server, err := kit.Start(routes)
	if err != nil {
		return nil, err
	}
	server.Paths = map[kit.Call]string{kit.Check: "/account", kit.Listen: "/messages", kit.Post: "/posts"}
	s := &Server{Server: server, Book: kit.NewBook[map[string]any](server)}
	routes.HandleFunc("GET /account", s.As(s.whose))
	routes.HandleFunc("GET /messages", s.As(s.news))
	routes.HandleFunc("POST /posts", s.As(s.post))
	routes.HandleFunc("DELETE /posts/{id}", s.As(s.Remove))
	return s, nil
}

// Write writes to an account.
func (s *Server) Write(n int, m kit.Message) {
	s.Happen(n, func(id string) map[string]any {
		return map[string]any{"id": id, "author": m.Author, "text": m.Text, "visibility": m.Visibility(), "picture": m.Media, "time": m.At()}
	})
}

func (s *Server) whose(n int, w http.ResponseWriter, _ *http.Request) {
	kit.JSON(w, http.StatusOK, map[string]string{"id": fmt.Sprint(n), "name": fmt.Sprint("kontis", n), "newest": s.Newest(n)})
}

func (s *Server) news(n int, w http.ResponseWriter, r *http.Request) {
	kit.JSON(w, http.StatusOK, map[string]any{"messages": s.After(r, n, r.FormValue("after"), kit.Seconds(r.FormValue("wait")))})
}

func (s *Server) post(n int, w http.ResponseWriter, r *http.Request) {
	var p struct{ Key, Text, To string }
	if !kit.Body(w, r, &p) {
		return
	}
	if utf8.RuneCountInString(p.Text) > 500 {
		s.Answer(http.StatusUnprocessableEntity, 0)(w, r)
		return
	}
	kit.JSON(w, http.StatusOK, map[string]string{"id": s.Wrote(n, p.Key, kit.Line{How: kit.HowTo(p.To), Text: p.Text})})
}
