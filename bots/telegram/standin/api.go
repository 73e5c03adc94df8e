package standin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	kit "ticketfrei/bots/kit/standin"
)

// apiError is an answer that is no success.
type apiError struct {
	Code        int
	Description string
	MigrateTo   int64
	RetryAfter  int
}

func (e *apiError) Error() string { return fmt.Sprintf("%d %s", e.Code, e.Description) }

var errUnauthorized = &apiError{Code: http.StatusUnauthorized, Description: "Unauthorized"}

func badRequest(what string) *apiError {
	return &apiError{Code: http.StatusBadRequest, Description: "Bad Request: " + what}
}

func forbidden(what string) *apiError {
	return &apiError{Code: http.StatusForbidden, Description: "Forbidden: " + what}
}

// maxRequest bounds the body of a request in bytes.
const maxRequest = 1 << 20

// ServeHTTP answers a call of the Bot API, also behind another server with TLS.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, method, ok := s.find(r.URL.Path)
	switch {
	case !ok:
		answer(w, nil, &apiError{Code: http.StatusNotFound, Description: "Not Found"})
		return
	case b == nil:
		answer(w, nil, errUnauthorized)
		return
	}
	if status := b.called(method); status != 0 {
		http.Error(w, "<html><body>broken gateway</body></html>", status)
		return
	}
	params, err := readParams(http.MaxBytesReader(w, r.Body, maxRequest), r)
	if err != nil {
		answer(w, nil, badRequest("can't parse parameters"))
		return
	}
	s.delay(r.Context(), method)
	result, failure := s.call(r.Context(), b, method, params)
	if r.Context().Err() != nil {
		return // nobody is there to read it
	}
	answer(w, result, failure)
}

// readParams reads what getUpdates has in its query, and all methods in a body
// of JSON.
func readParams(body io.Reader, r *http.Request) (p params, err error) {
	query := r.URL.Query()
	for name, value := range map[string]any{"chat_id": &p.ChatID, "offset": &p.Offset, "timeout": &p.Timeout, "allowed_updates": &p.AllowedUpdates} {
		if query.Has(name) {
			err = errors.Join(err, json.Unmarshal([]byte(query.Get(name)), value))
		}
	}
	if r.ContentLength != 0 {
		err = errors.Join(err, json.NewDecoder(body).Decode(&p))
	}
	return p, err
}

// called counts a call and returns the status it fails with; 0 for none.
func (b *Bot) called(method string) int {
	b.server.mu.Lock()
	defer b.server.mu.Unlock()
	if b.calls == nil {
		b.calls = map[string]int{}
	}
	b.calls[method]++
	b.server.Happened()
	if len(b.failures) == 0 {
		return 0
	}
	status := b.failures[0]
	b.failures = b.failures[1:]
	return status
}

// params are the parameters of all methods.
type params struct {
	Offset         int               `json:"offset"`
	Limit          int               `json:"limit"`
	Timeout        int               `json:"timeout"`
	AllowedUpdates []string          `json:"allowed_updates"`
	ChatID         int64             `json:"chat_id"`
	MessageID      int               `json:"message_id"`
	Text           string            `json:"text"`
	Thread         int               `json:"message_thread_id"`
	About          string            `json:"short_description"`
	Description    string            `json:"description"`
	LanguageCode   string            `json:"language_code"`
	Commands       []json.RawMessage `json:"commands"`
	Reaction       []reaction        `json:"reaction"`
	Reply          struct {
		MessageID int    `json:"message_id"`
		ChatID    *int64 `json:"chat_id"` // of the message, where it stands in another chat
		Anyway    bool   `json:"allow_sending_without_reply"`
	} `json:"reply_parameters"`
	URL         string `json:"url"`
	SecretToken string `json:"secret_token"`
	DropPending bool   `json:"drop_pending_updates"`
}

func (s *Server) call(ctx context.Context, b *Bot, method string, p params) (any, *apiError) {
	switch method {
	case "getMe":
		s.mu.Lock()
		defer s.mu.Unlock()
		return b.user(), nil
	case "getUpdates":
		return s.getUpdates(ctx, b, p)
	case "setWebhook":
		return s.setWebhook(b, p)
	case "getWebhookInfo":
		return s.webhookInfo(b), nil
	case "deleteWebhook":
		return s.setWebhook(b, params{DropPending: p.DropPending})
	case "setMyCommands", "setMyDescription", "setMyShortDescription":
		return true, b.introduce(method, p)
	case "getChat":
		s.mu.Lock()
		defer s.mu.Unlock()
		chat, _, err := s.findChat(b, p.ChatID)
		return chat, err
	case "sendMessage":
		return s.sendMessage(b, p)
	case "setMessageReaction":
		return s.setMessageReaction(b, p)
	case "deleteMessage":
		return s.deleteMessage(b, p)
	}
	return nil, &apiError{Code: http.StatusNotFound, Description: "Not Found"}
}

func answer(w http.ResponseWriter, result any, err *apiError) {
	body := map[string]any{"ok": err == nil}
	status := http.StatusOK
	if err == nil {
		body["result"] = result
	} else {
		status = err.Code
		body["error_code"], body["description"] = err.Code, err.Description
		parameters := map[string]any{}
		if err.MigrateTo != 0 {
			parameters["migrate_to_chat_id"] = err.MigrateTo
		}
		if err.RetryAfter != 0 {
			parameters["retry_after"] = err.RetryAfter
		}
		if len(parameters) > 0 {
			body["parameters"] = parameters
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client may have gone
}

// Answer is a fault that answers with a status as the Bot API does; after is how
// long it asks to wait.
func (s *Server) Answer(status int, after time.Duration) kit.Fault {
	return func(w http.ResponseWriter, _ *http.Request) {
		answer(w, nil, &apiError{Code: status, Description: http.StatusText(status), RetryAfter: int(after.Seconds())})
	}
}
