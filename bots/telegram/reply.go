package telegram

import (
	"context"
	"sync"
	"time"
)

const (
	// maxAnswers is how many answers of a bot wait to be sent, and
	// maxAnswersPerChat how many of them to one chat: what is more is dropped,
	// so that nobody can make the bot talk without end.
	maxAnswers        = 64
	maxAnswersPerChat = 3
	// answerTimeout bounds how long one answer waits for its turn.
	answerTimeout = 30 * time.Second
)

// replier sends the answers to commands beside Receive, so that reports do not
// wait for them. It costs no goroutine while there is nothing to send.
type replier struct {
	bot   *bot
	ctx   context.Context
	end   context.CancelFunc
	group sync.WaitGroup

	mu      sync.Mutex
	waiting []answer
	running bool
}

type answer struct {
	chat int64
	text string
}

// newReplier returns a replier that works until stop, or until ctx ends.
func newReplier(ctx context.Context, b *bot) *replier {
	ctx, end := context.WithCancel(ctx)
	return &replier{bot: b, ctx: ctx, end: end}
}

// stop drops what waits and returns when nothing is being sent any more.
func (r *replier) stop() {
	r.end()
	r.group.Wait()
}

// add puts an answer to what waits, unless that is too much already.
func (r *replier) add(chat int64, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	same := 0
	for _, a := range r.waiting {
		if a.chat == chat {
			same++
		}
	}
	if len(r.waiting) >= maxAnswers || same >= maxAnswersPerChat {
		return
	}
	r.waiting = append(r.waiting, answer{chat, text})
	if !r.running {
		r.running = true
		r.group.Go(r.run)
	}
}

func (r *replier) take() (answer, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.waiting) == 0 || r.ctx.Err() != nil {
		r.waiting, r.running = nil, false
		return answer{}, false
	}
	a := r.waiting[0]
	r.waiting = r.waiting[1:]
	return a, true
}

func (r *replier) run() {
	for {
		a, ok := r.take()
		if !ok {
			return
		}
		r.send(a)
	}
}

// send sends an answer. One that fails is no loss to anybody but who asked: it
// is logged, and a chat that does not want to hear from the bot is forgotten.
func (r *replier) send(a answer) {
	ctx, done := context.WithTimeout(r.ctx, answerTimeout)
	defer done()
	_, _, err := r.bot.post(ctx, a.chat, a.text)
	if err != nil && isGone(err) {
		_, err = r.bot.network.store.unsubscribe(ctx, r.bot.bot.ID, a.chat)
	}
	if err != nil && r.ctx.Err() == nil {
		r.bot.log.Warn("an answer could not be sent", "err", r.bot.explain(r.ctx, err))
	}
}
