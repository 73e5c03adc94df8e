package frontend

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"ticketfrei/internal/secret"
)

// readyTimeout bounds the check whether the program can work.
const readyTimeout = 5 * time.Second

// InstanceHeader is a header of /healthz that is the same for all programs with one
// secret key, and another for others: whoever has the key sees that a name leads here.
const InstanceHeader = "X-Ticketfrei-Instance"

// Instance is the value of InstanceHeader.
func Instance(secrets *secret.Box) string { return secrets.Hash("instance") }

// handleHealth says that the process is alive: /healthz.
func (s *Site) handleHealth(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set(InstanceHeader, Instance(s.Secrets))
	answerPlainly(w, http.StatusOK, "ok")
}

// handleReady says whether the program can work and, if not, why: /readyz.
func (s *Site) handleReady(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
	defer cancel()
	if err := s.Health.Ready(ctx); err != nil {
		answerPlainly(w, http.StatusServiceUnavailable, fmt.Sprintf("not ready: %v", err))
		return
	}
	lines := []string{"ok"}
	if noted, is := s.Health.(NotedHealth); is {
		lines = append(lines, noted.Notes()...)
	}
	answerPlainly(w, http.StatusOK, strings.Join(lines, "\n"))
}

// answerPlainly writes a line for a program or its operator.
func answerPlainly(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n")
}
