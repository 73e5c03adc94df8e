package supervisor

import (
	"context"
	"sync"

	"ticketfrei/internal/bus"
	"ticketfrei/internal/report"
)

// health is how a bot is doing. Receiving and sending fail and recover each on
// their own; the state is made of both.
type health struct {
	mu        sync.Mutex
	state     report.BotState // as stored
	lastError string          // as stored; what it works without where limited
	limited   bool            // as stored
	told      bool            // its moderators know that it needs them

	running       bool // was started at least once
	receiving     refusals
	sending       refusals
	cannotReceive bool
	cannotSend    bool
	ails          bool   // it says that it does not do its work
	ailment       string // why, in words
	limit         string // what it works without, in words
	restarted     bool   // since it was stored
}

// newHealth is how a bot was doing when it was stored.
func newHealth(b report.Bot) health {
	attention := b.State == report.BotAttention
	return health{state: b.State, lastError: b.LastError, limited: b.Limit() != "", told: attention,
		receiving: refusals{sure: attention}}
}

func (h *health) current() report.BotState {
	switch {
	case h.receiving.sure || h.sending.sure:
		return report.BotAttention
	case h.cannotReceive || h.cannotSend || h.ails:
		return report.BotTrouble
	case h.running:
		return report.BotRunning
	default:
		return h.state
	}
}

// isStored tells whether there is nothing new in how the bot is doing.
func (h *health) isStored(now report.BotState, lastError string) bool {
	return now == h.state && !h.restarted && (lastError == "" || lastError == h.lastError && !h.limited) &&
		h.isLimitStored(now) && !h.mustTell(now)
}

// isLimitStored tells whether what the bot works without is stored, where it is shown.
func (h *health) isLimitStored(now report.BotState) bool {
	return now != report.BotRunning || h.limited == (h.limit != "") && (!h.limited || h.limit == h.lastError)
}

// mustTell tells whether the moderators have to be told.
func (h *health) mustTell(now report.BotState) bool {
	return now == report.BotAttention && !h.told || now == report.BotRunning && h.told
}

// setHealth changes how the bot is doing, stores it where that makes a difference, and
// tells the moderators where it needs them, or does not any more. lastError is empty
// where there is nothing new to say.
func (r *runner) setHealth(lastError string, change func(*health)) {
	r.changeHealth(func(h *health) string {
		change(h)
		return lastError
	})
}

// changeHealth is setHealth where change says what the error is.
func (r *runner) changeHealth(change func(*health) (lastError string)) {
	if r.guest || !r.sup.DB.Owns(r.bot.CityID) {
		return // who works for the city now says how it is
	}
	h := &r.health
	h.mu.Lock()
	defer h.mu.Unlock()
	lastError := change(h)
	now := h.current()
	if h.isStored(now, lastError) {
		return
	}
	if now != h.state {
		r.note(h.state, now)
		r.sup.publish(r.bot, now)
	}
	if h.mustTell(now) {
		r.tell(h, now, lastError) // first: who is killed here tells twice rather than never
	}
	r.store(h, now, lastError)
}

// store stores how the bot is doing. health.mu is held.
func (r *runner) store(h *health, now report.BotState, lastError string) {
	ctx := context.WithoutCancel(r.ctx)
	err := r.sup.DB.SetBotState(ctx, r.bot.ID, now, lastError, h.restarted)
	if now != h.state {
		r.sup.Notices.State(r.bot.ID)
	}
	h.state, h.restarted = now, false
	if lastError != "" {
		h.lastError, h.limited = lastError, false
	}
	if err == nil && !h.isLimitStored(now) {
		err = r.sup.DB.SetBotLimit(ctx, r.bot.ID, h.limit)
		h.lastError, h.limited = h.limit, h.limit != ""
	}
	if err != nil {
		r.sup.Log.Error("the state of a bot could not be stored", "bot", r.bot.ID, "err", err)
	}
}

// publish tells the bus how a bot is doing now. Other processes read it when it is stored: see
// Board.State.
func (s *Supervisor) publish(b report.Bot, now report.BotState) {
	s.Bus.Tell(b.CityID, bus.Bot+string(now), s.Now(), bus.BotState{Bot: b.ID, Network: b.Network, State: string(now)})
}

// note tells the operator that the bot needs its moderators, or works again after that.
func (r *runner) note(before, now report.BotState) {
	switch report.BotAttention {
	case now:
		r.log.Info("the bot needs its moderators: it is refused again and again")
	case before:
		r.log.Info("the bot works again", "state", string(now))
	}
}

// tell tells the moderators that the bot needs them, or that it does not any more:
// once, also where the program is started again meanwhile. health.mu is held.
func (r *runner) tell(h *health, now report.BotState, reason string) {
	ctx, err := context.WithoutCancel(r.ctx), error(nil)
	if now == report.BotAttention {
		err = r.sup.Attention.Tell(ctx, r.bot, reason)
	} else {
		err = r.sup.Attention.Over(ctx, r.bot)
	}
	if err != nil {
		r.sup.Log.Error("the moderators of a bot could not be told, trying again with its next news", "bot", r.bot.ID, "err", err)
		return
	}
	h.told = now == report.BotAttention
}

func (r *runner) currentState() report.BotState {
	r.health.mu.Lock()
	defer r.health.mu.Unlock()
	return r.health.state
}

// wasTold tells whether the moderators know that the bot needs them.
func (r *runner) wasTold() bool {
	r.health.mu.Lock()
	defer r.health.mu.Unlock()
	return r.health.told
}
