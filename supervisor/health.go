package supervisor

import (
	"context"
	"sync"

	"ticketfrei/internal/report"
)

// health is how a bot is doing. Receiving and sending fail and recover each on
// their own; the state is made of both.
type health struct {
	mu        sync.Mutex
	state     report.BotState // as stored
	lastError string          // as stored

	running       bool // was started at least once
	refused       bool
	cannotReceive bool
	cannotSend    bool
	restarted     bool // since it was stored
}

func (h *health) current() report.BotState {
	switch {
	case h.refused:
		return report.BotAttention
	case h.cannotReceive || h.cannotSend:
		return report.BotTrouble
	case h.running:
		return report.BotRunning
	default:
		return h.state
	}
}

// setHealth changes how the bot is doing and stores it where that makes a
// difference. It returns the state before. lastError is empty where there is
// nothing new to say.
func (r *runner) setHealth(lastError string, change func(*health)) (before report.BotState) {
	h := &r.health
	h.mu.Lock()
	defer h.mu.Unlock()
	before = h.state
	change(h)
	now := h.current()
	if now == before && !h.restarted && (lastError == "" || lastError == h.lastError) {
		return before
	}
	err := r.sup.DB.SetBotState(context.WithoutCancel(r.ctx), r.bot.ID, now, lastError, h.restarted)
	if err != nil {
		r.sup.Log.Error("the state of a bot could not be stored", "bot", r.bot.ID, "err", err)
	}
	h.state, h.restarted = now, false
	if lastError != "" {
		h.lastError = lastError
	}
	return before
}

func (r *runner) currentState() report.BotState {
	r.health.mu.Lock()
	defer r.health.mu.Unlock()
	return r.health.state
}
