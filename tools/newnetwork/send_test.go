package main

import (
	"net/http"
	"strconv"
	"testing"

	"ticketfrei/bots/kit/account"
	"ticketfrei/bots/kit/kittest"
	"ticketfrei/bots/kit/standin"
	send "ticketfrei/tools/newnetwork/scaffold/send"
)

// hooks stands in for the webhooks that the sending scaffold posts to. It is not
// part of a new network: that is to be small.
type hooks struct {
	*standin.Server
	*standin.Book[struct{}]
}

var _ standin.Service = (*hooks)(nil)

func startHooks(t *testing.T) *hooks {
	t.Helper()
	routes := http.NewServeMux()
	server, err := standin.Start(routes)
	if err != nil {
		t.Fatal(err)
	}
	h := &hooks{server, standin.NewBook[struct{}](server)}
	routes.HandleFunc("GET /hook/{token}", h.whose)
	routes.HandleFunc("POST /hook/{token}", h.post)
	return h
}

// Login is the address of a webhook.
func (h *hooks) Login(n int) account.Typed {
	return account.Typed{"url": h.URL + "/hook/" + h.Token(n)}
}

// Path is that of the webhook for all calls; nobody can write to it.
func (h *hooks) Path(n int, c standin.Call) string {
	if c == standin.Listen {
		return ""
	}
	return "/hook/" + h.Token(n)
}

// Write does nothing.
func (h *hooks) Write(int, standin.Message) {}

func (h *hooks) whose(w http.ResponseWriter, r *http.Request) {
	if n, ok := h.known(w, r); ok {
		standin.JSON(w, http.StatusOK, map[string]string{"id": strconv.Itoa(n), "name": "room " + strconv.Itoa(n)})
	}
}

func (h *hooks) post(w http.ResponseWriter, r *http.Request) {
	var p struct{ Text string }
	if n, ok := h.known(w, r); ok && standin.Body(w, r, &p) {
		standin.JSON(w, http.StatusOK, map[string]string{"id": h.Wrote(n, "", standin.Line{How: standin.Posted, Text: p.Text})})
	}
}

func (h *hooks) known(w http.ResponseWriter, r *http.Request) (int, bool) {
	n, ok := h.AccountOf(r.PathValue("token"))
	if !ok {
		h.Answer(http.StatusNotFound, 0)(w, r)
	}
	return n, ok
}

func TestSendingScaffold(t *testing.T) {
	kittest.Post(t, send.Definition(), startHooks(t), kittest.Skip{
		"boost": "a webhook has no boosts",
		"once":  "a webhook knows no keys: where an answer is lost, the post is there twice",
		"taken": "a webhook takes nothing back",
	})
}
