package standin

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// maxUpdates is how many updates one answer has at most.
const maxUpdates = 100

var errOtherPoll = &apiError{Code: http.StatusConflict,
	Description: "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"}

// poll is a getUpdates that waits.
type poll struct {
	wake chan struct{}  // has room for one
	over chan *apiError // has room for one
}

func (p *poll) notify() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *poll) end(err *apiError) {
	select {
	case p.over <- err:
	default:
	}
}

// getUpdates confirms what is before the offset, and answers with what is left
// as soon as there is something, or with nothing when the time is over. Of two
// that are open at the same time the older one is ended.
func (s *Server) getUpdates(ctx context.Context, b *Bot, p params) (any, *apiError) {
	mine, list, err := s.beginPoll(b, p)
	if err != nil || len(list) > 0 || p.Timeout == 0 {
		s.endPoll(b, mine)
		return encode(list), err
	}
	defer s.endPoll(b, mine)
	late := time.NewTimer(time.Duration(p.Timeout) * time.Second)
	defer late.Stop()
	select {
	case <-mine.wake:
	case err := <-mine.over:
		if err == errOtherPoll && ctx.Err() == nil {
			s.mu.Lock()
			b.overlaps++
			s.mu.Unlock()
		}
		return nil, err
	case <-late.C:
	case <-ctx.Done():
	case <-s.Closed():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return encode(b.unconfirmed(p.Limit)), nil
}

func (s *Server) beginPoll(b *Bot, p params) (*poll, []update, *apiError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b.webhook.url != "" {
		return nil, nil, &apiError{Code: http.StatusConflict,
			Description: "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"}
	}
	if b.poll != nil {
		b.poll.end(errOtherPoll)
	}
	mine := &poll{wake: make(chan struct{}, 1), over: make(chan *apiError, 1)}
	b.poll = mine
	b.polls++
	b.allow(p.AllowedUpdates)
	b.confirm(p.Offset)
	list := b.unconfirmed(p.Limit)
	s.Happened()
	return mine, list, nil
}

// allow sets the kinds of updates; nil leaves them as they are. Server.mu is held.
func (b *Bot) allow(kinds []string) {
	if kinds == nil {
		return
	}
	b.allowed = map[string]bool{}
	for _, kind := range kinds {
		b.allowed[kind] = true
	}
}

func (s *Server) endPoll(b *Bot, mine *poll) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if mine != nil && b.poll == mine {
		b.poll = nil
		s.Happened()
	}
}

// confirm drops the updates before the offset. Server.mu is held.
func (b *Bot) confirm(offset int) {
	for len(b.updates) > 0 && b.updates[0].id < offset {
		b.updates = b.updates[1:]
	}
}

// unconfirmed returns the updates to answer with. Server.mu is held.
func (b *Bot) unconfirmed(limit int) []update {
	n := min(maxUpdates, len(b.updates))
	if limit > 0 {
		n = min(n, limit)
	}
	return append([]update(nil), b.updates[:n]...)
}

func encode(list []update) []map[string]any {
	out := make([]map[string]any, 0, len(list))
	for _, u := range list {
		out = append(out, map[string]any{"update_id": u.id, u.kind: json.RawMessage(u.body)})
	}
	return out
}
