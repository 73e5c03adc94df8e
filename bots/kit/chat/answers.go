package chat

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"ticketfrei/bots/kit/remote"
	"ticketfrei/bots/kit/text"
)

const (
	// maxAnswers is how many answers of a bot wait to be sent, and
	// maxAnswersPerChat how many of them to one chat: what is more is dropped,
	// so that nobody can make the bot talk without end.
	maxAnswers        = 64
	maxAnswersPerChat = 3
	// maxParts is how many messages one answer is, where the service's are short.
	maxParts = 8
	// answerTimeout bounds how long each of them waits for its turn.
	answerTimeout = 30 * time.Second
)

// answers sends the answers to commands beside Receive, so that reports do not
// wait for them. It costs no goroutine while there is nothing to send.
type answers struct {
	bot   *bot
	ctx   context.Context
	end   context.CancelFunc
	group sync.WaitGroup

	mu      sync.Mutex
	waiting []answer
	running bool
}

// answer is what is said to a chat: text and, in a paragraph below it, what must
// not be lost, however long the text is. It may answer the message to; a sign is shown
// below that, in place of a text.
type answer struct {
	chat, text, kept string
	to               string
	sign             Sign
}

// parts returns the messages of an answer.
func (w answer) parts(limit text.Limit) []string {
	whole := strings.TrimSpace(w.text + "\n\n" + w.kept)
	if w.kept == "" || len(limit.Split(whole, maxParts+1)) <= maxParts {
		return limit.Split(whole, maxParts)
	}
	kept := limit.Split(w.kept, maxParts-1)
	return append(limit.Split(w.text, maxParts-len(kept)), kept...)
}

// newAnswers returns answers that are sent until stop, or until ctx ends.
func newAnswers(ctx context.Context, b *bot) *answers {
	ctx, end := context.WithCancel(ctx)
	return &answers{bot: b, ctx: ctx, end: end}
}

// stop drops what waits and returns when nothing is being sent any more.
func (a *answers) stop() {
	a.end()
	a.group.Wait()
}

// add puts an answer to what waits, unless that is too much already.
func (a *answers) add(next answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	same := 0
	for _, w := range a.waiting {
		if w.chat == next.chat {
			same++
		}
	}
	if len(a.waiting) >= maxAnswers || same >= maxAnswersPerChat {
		return
	}
	a.waiting = append(a.waiting, next)
	if !a.running {
		a.running = true
		a.group.Go(a.run)
	}
}

func (a *answers) take() (answer, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.waiting) == 0 || a.ctx.Err() != nil {
		a.waiting, a.running = nil, false
		return answer{}, false
	}
	first := a.waiting[0]
	a.waiting = a.waiting[1:]
	return first, true
}

func (a *answers) run() {
	for {
		next, ok := a.take()
		if !ok {
			return
		}
		a.send(next)
	}
}

// send sends an answer. One that fails is no loss to anybody but who asked: it
// is logged, and a chat that does not want to hear from the bot is forgotten.
func (a *answers) send(next answer) {
	err := a.post(next)
	if e, ok := errors.AsType[*remote.Error](err); ok && e.Trouble == remote.Gone {
		_, err = a.bot.network.chats.Unsubscribe(a.ctx, a.bot.bot.ID, next.chat)
	}
	if err != nil && a.ctx.Err() == nil {
		a.bot.log.Warn("kit.log.not_answered", "err", explain(err))
	}
}

// post posts the parts of an answer, until one fails.
func (a *answers) post(next answer) error {
	if next.sign != "" {
		ctx, done := context.WithTimeout(a.ctx, answerTimeout)
		defer done()
		return a.bot.react(ctx, next)
	}
	for _, part := range next.parts(a.bot.network.Length) {
		ctx, done := context.WithTimeout(a.ctx, answerTimeout)
		err := a.bot.reply(ctx, next, part)
		done()
		if err != nil {
			return err
		}
	}
	return nil
}
