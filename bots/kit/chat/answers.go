package chat

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/pace"
	"ticketfrei/bots/kit/remote"
	"ticketfrei/bots/kit/text"
)

const (
	// maxAnswers is how many answers of a bot wait to be sent, and
	// maxAnswersPerChat how many of them to the commands of one chat: what is more
	// is dropped, so that nobody can make the bot talk without end.
	maxAnswers        = 64
	maxAnswersPerChat = 3
	// maxHeardPerChat is how many wait that answer the reports of one chat. They have
	// their own room: many people may report in a group at once, and the brakes bound
	// what one person is answered.
	maxHeardPerChat = 64
	// maxSure is how many answers wait that have to be given, beside the others.
	maxSure = 10_000
	// maxParts is how many messages one answer is, where the service's are short.
	maxParts = 8
	// answerTimeout bounds how long each of them waits for its turn.
	answerTimeout = 30 * time.Second
	// maxTries is how often an answer is tried that has to be given, and retryAnswer
	// and maxRetryAnswer how long it waits in between.
	maxTries       = 4
	retryAnswer    = time.Second
	maxRetryAnswer = time.Minute
	// drainTimeout bounds how long answers are still sent when Receive has failed.
	drainTimeout = 10 * time.Second
)

// answers sends the answers to commands beside Receive, so that reports do not
// wait for them. It costs no goroutine while there is nothing to send. Those to a chat
// keep their order.
type answers struct {
	bot    *bot
	within context.Context // of Receive
	group  sync.WaitGroup

	mu      sync.Mutex
	ctx     context.Context // of sending; nil until there is something to send
	end     context.CancelFunc
	waiting []answer
	others  int             // of those that wait: how many are not sure
	perChat map[room]int    // that wait or are being sent
	busy    map[string]bool // chats that something is being sent to
	senders int
	over    bool // nothing more is taken
}

// answer is what is said to a chat: text and, in a paragraph below it, what must
// not be lost, however long the text is. It may answer the message to; a sign is shown
// below that, in place of a text.
type answer struct {
	chat, text, kept string
	to               string
	sign             Sign
	sure             bool // it has to be given: who subscribes, unsubscribes or reports has to know
	heard            bool // it answers a report, or what somebody asks, and no command
	tries            int
}

// room is what answers share of which only so many wait: those to the commands of a
// chat, or those to its reports.
type room struct {
	chat  string
	heard bool
}

func (w answer) room() room { return room{w.chat, w.heard} }

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
	return &answers{bot: b, within: ctx}
}

// stop sends what waits for a few seconds still, unless ctx has ended, drops the rest
// and returns when nothing is being sent any more.
func (a *answers) stop() {
	a.mu.Lock()
	a.over = true
	end := a.end
	a.mu.Unlock()
	if end == nil {
		return
	}
	defer time.AfterFunc(drainTimeout, end).Stop()
	a.group.Wait()
	end()
}

// add puts an answer to what waits, unless that is too much already.
func (a *answers) add(next answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.over || a.isFull(next) {
		return
	}
	if a.ctx == nil {
		a.ctx, a.end = context.WithCancel(a.within)
	}
	if a.perChat == nil {
		a.perChat, a.busy = map[room]int{}, map[string]bool{}
	}
	a.perChat[next.room()]++
	a.put(next)
}

// isFull tells whether there is no room for an answer.
func (a *answers) isFull(next answer) bool {
	most := maxAnswersPerChat
	if next.heard {
		most = maxHeardPerChat
	}
	if a.perChat[next.room()] >= most {
		return true
	}
	if next.sure {
		return len(a.waiting)-a.others >= maxSure
	}
	return a.others >= maxAnswers
}

// put has an answer wait, and somebody send it. a.mu is held.
func (a *answers) put(next answer) {
	a.waiting = append(a.waiting, next)
	if !next.sure {
		a.others++
	}
	if a.senders < a.bot.Concurrency() {
		a.senders++
		a.group.Go(a.run)
	}
}

// take returns the next answer to a chat that nothing is being sent to. Where there is
// none, whoever asks has to end: what waits is taken by those who send to its chat.
func (a *answers) take() (answer, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ctx.Err() != nil {
		a.waiting, a.others, a.over = nil, 0, true
	}
	i := slices.IndexFunc(a.waiting, func(w answer) bool { return !a.busy[w.chat] })
	if i < 0 {
		a.senders--
		return answer{}, false
	}
	next := a.waiting[i]
	a.waiting = slices.Delete(a.waiting, i, i+1)
	if !next.sure {
		a.others--
	}
	a.busy[next.chat] = true
	return next, true
}

// ended notes that an answer has been sent, or is given up.
func (a *answers) ended(w answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.busy, w.chat)
	if a.perChat[w.room()]--; a.perChat[w.room()] <= 0 {
		delete(a.perChat, w.room())
	}
	if len(a.perChat) == 0 {
		a.perChat, a.busy = nil, nil // an idle bot costs no memory
	}
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
// is logged, and a chat that does not want to hear from the bot is forgotten. One that
// has to be given is tried again.
func (a *answers) send(next answer) {
	err := a.post(next)
	if a.retry(next, err) {
		return
	}
	defer a.ended(next)
	if e, ok := errors.AsType[*remote.Error](err); ok && e.Trouble == remote.Gone {
		_, err = a.bot.network.chats.Unsubscribe(a.ctx, a.bot.bot.ID, next.chat)
	}
	if c, ok := errors.AsType[*Closed](err); ok {
		err = errors.Join(err, a.bot.closeQuietly(a.ctx, next.chat, c.Why))
	}
	if err != nil && a.ctx.Err() == nil {
		a.bot.log.Warn("kit.log.not_answered", "err", explain(err))
	}
}

// retry has an answer tried again that has to be given and may be given later.
func (a *answers) retry(next answer, err error) bool {
	kind, wait := bots.KindOf(explain(err))
	again := kind == bots.KindTemporary || kind == bots.KindRetryAfter || kind == bots.KindLater
	if err == nil || !next.sure || !again || next.tries+1 >= maxTries || a.ctx.Err() != nil {
		return false
	}
	next.tries++
	a.group.Go(func() {
		_ = pace.Sleep(a.ctx, min(max(wait, retryAnswer), maxRetryAnswer)) // whoever takes it sees that ctx has ended
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.busy, next.chat)
		a.put(next)
	})
	return true
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
