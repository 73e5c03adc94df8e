package standin

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// webhook is where the updates of a bot are brought; the zero webhook is none.
// Server.mu is held by whoever uses it.
type webhook struct {
	url    string
	secret string
	known  bool // a program has set it by the API; others are called by nobody

	bringing bool          // somebody brings updates
	changed  chan struct{} // closed when it is another one
	faults   HookFaults
	errorAt  int64
	errors   string // the last one, in words
}

// HookFaults are what goes wrong between Telegram and a webhook.
type HookFaults struct {
	Unreachable bool // nothing is brought
	Twice       bool // all is brought twice
	WrongSecret bool
}

// FailHook has what is brought to the bot's webhook go wrong from now on; the zero
// HookFaults mend it.
func (b *Bot) FailHook(f HookFaults) {
	b.server.mu.Lock()
	defer b.server.mu.Unlock()
	b.webhook.faults = f
	b.webhook.wake()
	b.bring()
}

// Webhook is the URL of the bot's webhook, "" where it has none, and its secret.
func (b *Bot) Webhook() (url, secret string) {
	b.server.mu.Lock()
	defer b.server.mu.Unlock()
	return b.webhook.url, b.webhook.secret
}

// set makes it another one: what is being waited for is over.
func (w *webhook) set(to webhook) {
	to.bringing, to.faults, to.changed = w.bringing, w.faults, w.changed
	*w = to
	w.wake()
}

func (w *webhook) wake() {
	if w.changed != nil {
		close(w.changed)
	}
	w.changed = make(chan struct{})
}

var secretToken = regexp.MustCompile(`^[A-Za-z0-9_-]{0,256}$`)

// setWebhook sets the webhook, or removes it where the URL is empty. As a server of
// one's own (--local), it takes addresses of any kind.
func (s *Server) setWebhook(b *Bot, p params) (any, *apiError) {
	u, err := url.Parse(p.URL)
	switch {
	case err != nil, p.URL != "" && (u.Scheme != "http" && u.Scheme != "https" || u.Host == ""):
		return nil, badRequest("bad webhook: invalid webhook URL specified")
	case !secretToken.MatchString(p.SecretToken):
		return nil, badRequest("secret token contains unallowed characters")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.DropPending {
		b.updates = nil
	}
	b.allow(p.AllowedUpdates)
	if p.URL != b.webhook.url || p.SecretToken != b.webhook.secret {
		b.webhook.set(webhook{url: p.URL, secret: p.SecretToken, known: p.URL != ""})
	}
	if b.poll != nil && p.URL != "" {
		b.poll.end(&apiError{Code: http.StatusConflict, Description: "Conflict: terminated by setWebhook request"})
	}
	b.bring()
	s.Happened()
	return true, nil
}

// webhookInfo is what getWebhookInfo answers.
func (s *Server) webhookInfo(b *Bot) any {
	s.mu.Lock()
	defer s.mu.Unlock()
	info := map[string]any{"url": b.webhook.url, "has_custom_certificate": false, "pending_update_count": len(b.updates)}
	if b.webhook.errorAt != 0 {
		info["last_error_date"], info["last_error_message"] = b.webhook.errorAt, b.webhook.errors
	}
	return info
}

// bring has somebody bring the updates to the webhook. Server.mu is held.
func (b *Bot) bring() {
	if !b.webhook.known || b.webhook.bringing || len(b.updates) == 0 {
		return
	}
	b.webhook.bringing = true
	b.server.bringing.Go(func() { b.server.bringAll(b) })
}

// bringAll brings one update after the other, each until it is taken.
func (s *Server) bringAll(b *Bot) {
	for wait := s.options.Retry; ; {
		u, hook, ok := s.toBring(b)
		if !ok {
			return
		}
		problem, after := s.callHook(hook, u)
		if problem == "" {
			s.brought(b, u)
			wait = s.options.Retry
			continue
		}
		s.failed(b, problem)
		if after == 0 {
			after, wait = wait, min(2*wait, time.Minute)
		}
		select {
		case <-time.After(after):
		case <-hook.changed:
		case <-s.Closed():
			return
		}
	}
}

// toBring returns the first update that waits, and the webhook; ok is false where there
// is nothing to bring any more.
func (s *Server) toBring(b *Bot) (u update, hook webhook, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !b.webhook.known || len(b.updates) == 0 {
		b.webhook.bringing = false
		return update{}, webhook{}, false
	}
	return b.updates[0], b.webhook, true
}

// brought confirms an update that was taken.
func (s *Server) brought(b *Bot, u update) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b.updates = slices.DeleteFunc(b.updates, func(other update) bool { return other.id == u.id })
	s.Happened()
}

func (s *Server) failed(b *Bot, problem string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b.webhook.errors = problem
	b.webhook.errorAt = max(b.webhook.errorAt+1, time.Now().Unix())
	s.Happened()
}

// callHook brings an update to a webhook. problem is empty where it was taken; after is how
// long the webhook asks to wait, 0 where it does not say.
func (s *Server) callHook(hook webhook, u update) (problem string, after time.Duration) {
	if hook.faults.Unreachable {
		return "Connection refused", 0
	}
	if hook.faults.WrongSecret {
		hook.secret = "wrong"
	}
	problem, after = s.post(hook, u)
	if problem == "" && hook.faults.Twice {
		problem, after = s.post(hook, u)
	}
	return problem, after
}

// callTimeout is how long a webhook may take to answer.
const callTimeout = time.Minute

func (s *Server) post(hook webhook, u update) (problem string, after time.Duration) {
	ctx, done := context.WithTimeout(s.working, callTimeout)
	defer done()
	body, err := json.Marshal(encode([]update{u})[0])
	if err != nil {
		return err.Error(), 0
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, hook.url, bytes.NewReader(body))
	if err != nil {
		return err.Error(), 0
	}
	req.Header.Set("Content-Type", "application/json")
	if hook.secret != "" {
		req.Header.Set("X-Telegram-Bot-Api-Secret-Token", hook.secret)
	}
	resp, err := s.transport.RoundTrip(req)
	if err != nil {
		return "Connection refused", 0
	}
	resp.Body.Close()
	if resp.StatusCode/100 == 2 {
		return "", 0
	}
	seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
	return fmt.Sprintf("Wrong response from the webhook: %d %s", resp.StatusCode, http.StatusText(resp.StatusCode)), time.Duration(seconds) * time.Second
}
