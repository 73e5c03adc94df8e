// Package standin is a server of the toy webhook that bot.go explains. The tests and
// the demo talk to it.
package standin

import (
	"fmt"
	"net/http"
	"unicode/utf8"

	"ticketfrei/bots/kit/account"
	kit "ticketfrei/bots/kit/standin"
)

// Server is the stand-in. What makes it a kit.Service and is not here, it has from
// the kit.
type Server struct {
	*kit.Server
	*kit.Book[struct{}]
}

var _ kit.Service = (*Server)(nil)

// Start starts a server on loopback.
func Start() (*Server, error) {
	routes := http.NewServeMux()
	server, err := kit.Start(routes)
	if err != nil {
		return nil, err
	}
	s := &Server{server, kit.NewBook[struct{}](server)}
	routes.HandleFunc("/hook/{token}", s.answer)
	return s, nil
}

// Login is the address of a webhook: the token in it is the whole login.
func (s *Server) Login(n int) account.Typed { return account.Typed{"url": s.URL + s.Path(n, "")} }

// Path is the same for all calls.
func (s *Server) Path(n int, _ kit.Call) string { return "/hook/" + s.Token(n) }

// Write does nothing: nobody can write to a webhook's account.
func (s *Server) Write(int, kit.Message) {}

func (s *Server) answer(w http.ResponseWriter, r *http.Request) {
	var p struct{ Text string }
	n, ok := s.AccountOf(r.PathValue("token"))
	switch {
	case !ok:
		s.Answer(http.StatusNotFound, 0)(w, r)
	case r.Method == http.MethodGet:
		kit.JSON(w, http.StatusOK, map[string]string{"id": fmt.Sprint(n), "name": fmt.Sprint("room ", n)})
	case !kit.Body(w, r, &p):
	case utf8.RuneCountInString(p.Text) > 2000:
		s.Answer(http.StatusUnprocessableEntity, 0)(w, r)
	default:
		kit.JSON(w, http.StatusOK, map[string]string{"id": s.Wrote(n, "", kit.Line{How: kit.Posted, Text: p.Text})})
	}
}
