// Package standin plays the targets of streams on loopback: webhooks of Discord and of
// Slack, which hold what they are sent to the limits that these services document, and
// those of any program.
package standin

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	kit "ticketfrei/bots/kit/standin"
)

// The paths of the webhooks.
const (
	DiscordPath = "/api/webhooks/1177000000000000001/made-up_Token"
	SlackPath   = "/services/T0MADEUP/B0MADEUP/madeUpToken"
	HookPath    = "/hooks/made-up-token"
)

// Server plays all three services. Its methods may be called from many goroutines.
type Server struct {
	*kit.Server

	mu       sync.Mutex
	last     int64
	messages []Message
	wrong    []string
}

// Message is what stands in a channel.
type Message struct {
	ID       string
	Text     string
	Headings []string
	Time     time.Time
}

// Start starts a Server.
func Start() (*Server, error) {
	s := &Server{last: 1_177_000_000_000_000_100}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+DiscordPath, s.discord)
	mux.HandleFunc("DELETE "+DiscordPath+"/messages/{id}", s.deleteMessage)
	mux.HandleFunc("POST "+SlackPath, s.slack)
	mux.HandleFunc("POST "+HookPath, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		kit.Status(http.StatusNotFound, `{"message": "Unknown Webhook", "code": 10015}`)(w, nil)
	})
	var err error
	s.Server, err = kit.Start(mux)
	return s, err
}

// Discord, Slack and Hook are the addresses of the webhooks.
func (s *Server) Discord() string { return s.URL + DiscordPath }

// Slack is that of Slack.
func (s *Server) Slack() string { return s.URL + SlackPath }

// Hook is that of a program.
func (s *Server) Hook() string { return s.URL + HookPath }

// Messages returns what stands in the channel of Discord, the newest first.
func (s *Server) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Message, 0, len(s.messages))
	for i := range s.messages {
		list = append(list, s.messages[len(s.messages)-1-i])
	}
	return list
}

// Wrong returns what was sent that the real services would not take.
func (s *Server) Wrong() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.wrong...)
}

// refuse notes what is wrong and tells whether something is.
func (s *Server) refuse(w http.ResponseWriter, service string, wrong []string, answer string) bool {
	if len(wrong) == 0 {
		return false
	}
	s.mu.Lock()
	for _, what := range wrong {
		s.wrong = append(s.wrong, service+": "+what)
	}
	s.mu.Unlock()
	kit.Status(http.StatusBadRequest, answer)(w, nil)
	return true
}

// discord takes a message (discord.com/developers/docs/resources/webhook#execute-webhook).
func (s *Server) discord(w http.ResponseWriter, r *http.Request) {
	var m discordMessage
	if s.refuse(w, "discord", m.read(r), `{"message": "Invalid Form Body", "code": 50035}`) {
		return
	}
	s.mu.Lock()
	s.last++
	id := strconv.FormatInt(s.last, 10)
	s.messages = append(s.messages, Message{ID: id, Text: m.Content, Headings: m.titles(), Time: time.Now()})
	s.mu.Unlock()
	s.Happened()
	if r.URL.Query().Get("wait") != "true" {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	kit.Status(http.StatusOK, fmt.Sprintf(`{"id": %q, "type": 0, "channel_id": "1177000000000000009"}`, id))(w, r)
}

// deleteMessage deletes one
// (discord.com/developers/docs/resources/webhook#delete-webhook-message).
func (s *Server) deleteMessage(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, m := range s.messages {
		if m.ID == r.PathValue("id") {
			s.messages = append(s.messages[:i:i], s.messages[i+1:]...)
			w.WriteHeader(http.StatusNoContent)
			return
		}
	}
	kit.Status(http.StatusNotFound, `{"message": "Unknown Message", "code": 10008}`)(w, r)
}

// slack takes a message (docs.slack.dev/messaging/sending-messages-using-incoming-webhooks).
func (s *Server) slack(w http.ResponseWriter, r *http.Request) {
	var m slackMessage
	if s.refuse(w, "slack", m.read(r), "invalid_payload") {
		return
	}
	w.Header().Set("Content-Type", "text/html")
	_, _ = io.WriteString(w, "ok")
}

// decode reads JSON that may hold nothing else than into has.
func decode(r *http.Request, into any) (wrong []string) {
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		wrong = append(wrong, "it is no JSON but "+r.Header.Get("Content-Type"))
	}
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		wrong = append(wrong, err.Error())
	}
	return wrong
}
