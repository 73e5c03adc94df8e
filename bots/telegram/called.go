package telegram

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/account"
	"ticketfrei/bots/kit/chat"
	"ticketfrei/bots/kit/remote"
)

// errNotCalled is that Telegram does not call this server.
var errNotCalled = errors.New("this server is not called by Telegram")

// waitForCalls hears by the webhook. Where Telegram does not call, the bot polls for a
// while, and its moderators read so.
func (c *conn) waitForCalls(ctx context.Context, hear chat.Hear) error {
	for {
		err := c.listen(ctx, hear)
		if !errors.Is(err, errNotCalled) {
			return err
		}
		bots.Stand(ctx, err)
		polling, done := context.WithTimeout(ctx, c.driver.hooks.pollFor(err))
		err = c.poll(polling, hear)
		over := polling.Err() != nil
		done()
		if ctx.Err() != nil || !over {
			return err
		}
		bots.Stand(ctx, nil)
	}
}

// watch is what is known of a bot's webhook.
type watch struct {
	called  bool  // something came
	heard   bool  // something came since Telegram was asked last
	taken   bool  // another program had set its own when Telegram was asked last
	errorAt int64 // when Telegram could not call last, by its clock
}

// looked is what Telegram has answered.
type looked struct {
	hook *hookInfo // nil where it has not
	err  error     // of the token
}

// listening is what a bot has that Telegram calls, also while it rests.
type listening struct {
	watch
	leave  []func()    // end that it is woken
	kept   atomic.Bool // there may be calls that other processes have kept
	next   time.Time   // when Telegram is asked next whether the webhook works
	looked chan looked // the answer; nil while Telegram is not asked
	stop   func()      // ends the asking
}

// listen sets the webhook and takes what Telegram has brought. The error is a bots.Rest
// where there is nothing more, and errNotCalled where Telegram does not bring anything.
//
// The cursor moves by polling alone: Telegram keeps the order of each chat, but updates
// of one may overtake those of another that were put off.
func (c *conn) listen(ctx context.Context, hear chat.Hear) error {
	if c.listening == nil {
		if err := c.beginHook(ctx); err != nil {
			return err
		}
	}
	rests := false
	defer func() {
		if !rests {
			c.endHook()
		}
	}()
	for {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		done, err := c.hearCalls(ctx, hear)
		if err == nil && !done {
			done, err = c.watchHook(ctx)
		}
		if err != nil {
			return err
		}
		if !done {
			rests = true
			return bots.Rest{Until: c.listening.next}
		}
	}
}

// hearCalls takes what other processes have kept and what Telegram has brought here. done
// tells whether there was anything.
func (c *conn) hearCalls(ctx context.Context, hear chat.Hear) (done bool, err error) {
	l := c.listening
	if l.kept.Swap(false) {
		n, err := c.takeKept(ctx, hear)
		if err != nil {
			return false, err
		}
		if n > 0 {
			l.works(c.log)
		}
		return true, nil
	}
	call := c.driver.hooks.next(c.bot)
	if call == nil {
		return false, nil
	}
	if err := call.answer(func(update []byte) error { return c.takeCall(ctx, update, hear) }); err != nil {
		return false, err
	}
	l.works(c.log)
	return true, nil
}

// watchHook asks Telegram, when it is time, whether the webhook works: beside what comes, as
// Telegram may take its time. done tells whether there was an answer.
func (c *conn) watchHook(ctx context.Context) (done bool, err error) {
	l := c.listening
	if l.looked == nil && !time.Now().Before(l.next) {
		answer, wake := make(chan looked, 1), bots.Waker(ctx)
		asking, stop := context.WithTimeout(ctx, lookWithin)
		l.looked, l.stop = answer, stop
		go func() {
			answer <- c.look(asking)
			wake()
		}()
	}
	select {
	case answer := <-l.looked:
		l.stop()
		l.looked = nil
		pause, err := c.judge(ctx, &l.watch, answer)
		if err != nil {
			return false, err
		}
		l.next = time.Now().Add(jitter(pause))
		return true, nil
	default:
		if !time.Now().Before(l.next) {
			l.next = time.Now().Add(lookWithin) // the answer wakes before
		}
		return false, nil
	}
}

// lookWithin is how long Telegram may take to answer: for two calls.
const lookWithin = 2 * callTimeout

// works notes that Telegram has called.
func (w *watch) works(log chat.Log) {
	if w.heard = true; !w.called {
		w.called = true
		log.Info("the webhook works: Telegram has called", nil)
	}
}

// jitter is a time around d: thousands of bots must not ask at once.
func jitter(d time.Duration) time.Duration { return d/2 + rand.N(d) }

// takeKept deals with the updates that Telegram has brought to other processes, and returns
// how many there were. None of them was polled.
func (c *conn) takeKept(ctx context.Context, hear chat.Hear) (n int, err error) {
	return c.driver.kept.Take(ctx, c.bot, func(update []byte) error { return c.take(ctx, update, 0, hear) })
}

// takeCall deals with an update that Telegram has brought here, after those that it has
// brought elsewhere before.
func (c *conn) takeCall(ctx context.Context, raw []byte, hear chat.Hear) error {
	if _, err := c.takeKept(ctx, hear); err != nil {
		return err
	}
	return c.take(ctx, raw, c.offset(), hear)
}

// take deals with an update, unless its id is below offset: then it was polled. One that
// cannot be read is left out: it would be as unreadable the next time.
func (c *conn) take(ctx context.Context, raw []byte, offset int, hear chat.Hear) error {
	u, err := parseUpdate(raw)
	switch {
	case err != nil:
		c.log.Warn("telegram.log.skipped", nil) // the error may hold a part of it
		return nil
	case u.ID > 0 && (u.ID < offset || slices.Contains(c.called, u.ID)):
		return nil // it was polled, or came before
	}
	if err := hear(ctx, "", c.me.events(u)...); err != nil {
		return err
	}
	c.called = append(c.called[max(0, len(c.called)-maxCalled+1):], u.ID)
	return nil
}

// maxCalled is how many updates are remembered that came: Telegram brings one again
// whose answer it did not get.
const maxCalled = 32

// beginHook sets the webhook, also where another program has set its own: once. From then
// on calls wake the bot.
func (c *conn) beginHook(ctx context.Context) error {
	h := c.driver.hooks
	before, err := c.client.hook(ctx, c.client.dialing)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	taken := err == nil && before.URL != "" && before.URL != h.url
	if taken && h.isLost(c.bot) {
		return lostHook()
	}
	h.setLost(c.bot, false)
	if err := c.setHook(ctx); err != nil {
		return err
	}
	wake := bots.Waker(ctx)
	l := &listening{watch: watch{errorAt: before.ErrorAt, taken: taken}, next: time.Now().Add(jitter(h.times.look))}
	l.leave = []func(){h.await(c.bot, wake), c.driver.kept.Await(c.bot, func() {
		l.kept.Store(true)
		wake()
	})}
	c.listening = l
	return nil
}

// endHook ends what beginHook began. The webhook stays: Telegram keeps what comes meanwhile.
func (c *conn) endHook() {
	l := c.listening
	c.listening = nil
	for _, leave := range l.leave {
		leave()
	}
	if l.looked != nil {
		l.stop()
		<-l.looked
	}
}

// lostHook is that another program gets what is written to the bot.
func lostHook() error { return bots.Refused(bots.Say(errWebhook, "telegram.error.webhook")) }

// setHook has Telegram call this server. The error is errNotCalled where the answer is
// that it will not: a server that knows no webhooks answers in whatever way.
func (c *conn) setHook(ctx context.Context) error {
	h := c.driver.hooks
	err := c.client.setHook(ctx, h.url, h.secretOf(c.bot))
	if err == nil {
		c.log.Info("the webhook is set: Telegram calls "+h.url, nil)
		return nil
	}
	e := remote.As(err)
	switch answer := refusal(err); {
	case e == nil || e.Status == 0 || e.Status == http.StatusUnauthorized || e.Status == http.StatusTooManyRequests:
		return err
	case answer != nil:
		h.say.Do(func() {
			h.log.Warn("Telegram does not take "+h.url+" as the address of a webhook, so bots poll; it must be reached from the internet at an IPv4 address by https at port 443, 80, 88 or 8443", "bot", c.bot)
		})
	}
	return bots.Say(fmt.Errorf("%w: %w", errNotCalled, err), "telegram.hook.refused")
}

// pollFor is how long a bot polls after err, until it tries the webhook again. What was
// not the Bot API's own answer is soon over.
func (h *hooks) pollFor(err error) time.Duration {
	if remote.As(err) != nil && refusal(err) == nil {
		return h.times.look
	}
	return h.times.again
}

// look asks Telegram what it knows of the webhook, and where it does not answer that,
// whether the token holds.
func (c *conn) look(ctx context.Context) looked {
	hook, err := c.client.hook(ctx, nil)
	if err == nil {
		return looked{hook: &hook}
	}
	_, err = c.client.me(ctx)
	return looked{err: err}
}

// judge says what an answer means, and how long to wait until the next. What Telegram
// brings does not depend on whether it answers.
func (c *conn) judge(ctx context.Context, w *watch, l looked) (time.Duration, error) {
	if e := remote.As(l.err); e != nil && e.Trouble == remote.Refused {
		return 0, l.err
	}
	h, before := c.driver.hooks, *w
	w.heard, w.taken = false, false
	if l.hook == nil {
		return h.times.every, nil
	}
	w.errorAt = l.hook.ErrorAt
	switch {
	case l.hook.URL != h.url && before.taken:
		h.setLost(c.bot, true)
		return 0, lostHook()
	case l.hook.URL != h.url:
		w.taken = true
		return h.times.look, c.setHook(ctx)
	case l.hook.Pending > 0 && l.hook.ErrorAt > before.errorAt && !before.heard:
		h.say.Do(func() {
			h.log.Warn("Telegram cannot call "+h.url+", so bots poll: "+whyUnreached(l.hook.Error), "bot", c.bot)
		})
		return 0, bots.Say(errNotCalled, "telegram.hook.unreached")
	}
	return h.times.every, nil
}

// dropOwnHook removes the webhook if it is one of this program, as before telegram.mode
// was changed, and tells whether it did.
func (c *conn) dropOwnHook(ctx context.Context) bool {
	dropped, err := c.client.dropHook(ctx, func(url string) bool {
		return url == hookURL(c.driver.host.Config) || strings.HasSuffix(url, bots.HookPath(name)) && c.driver.takesOver(c.bot)
	})
	return dropped && err == nil
}

// takesOver tells whether a bot may take a webhook for its own that is at another address,
// as before web.url was changed: once, since it may be that of another server.
func (d *driver) takesOver(bot int64) bool {
	_, before := d.tookOver.LoadOrStore(bot, true)
	return !before
}

// dropHook removes the webhook if it is one of those, and tells whether it was.
func (c *client) dropHook(ctx context.Context, own func(url string) bool) (was bool, err error) {
	hook, err := c.hook(ctx, nil)
	if err != nil || !own(hook.URL) {
		return false, err
	}
	return true, c.takeOver(ctx)
}

// forgetTimeout bounds what Telegram is asked when a bot is disconnected.
const forgetTimeout = 5 * time.Second

// Forget has Telegram no longer call for a bot that was disconnected: its owner may want
// to use it elsewhere.
func (d *driver) Forget(ctx context.Context, a account.Account) error {
	if d.hooks == nil {
		return nil
	}
	d.hooks.setLost(a.BotID, false)
	ctx, done := context.WithTimeout(ctx, forgetTimeout)
	defer done()
	c, err := d.client(a.Server, a.Token)
	if err == nil {
		_, err = c.dropHook(ctx, func(url string) bool { return url == d.hooks.url })
	}
	if err != nil {
		d.host.Log.Info("Telegram goes on calling for a bot that was disconnected", "bot", a.BotID, "err", err)
	}
	return nil
}
