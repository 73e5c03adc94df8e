package mastodon

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/account"
	"ticketfrei/bots/kit/remote"
)

// pushPath is where an account subscribes to its calls
// (docs.joinmastodon.org/methods/push). An access token has one subscription.
const pushPath = "/api/v1/push/subscription"

// errNotCalled is that mentions came and no call told of them, twice.
var errNotCalled = errors.New("the instance does not call")

// pushed is what an account has that is called, also while it rests.
type pushed struct {
	box    *callBox
	kept   atomic.Bool // there may be calls that other processes have kept
	leave  func()      // ends that it is told of them
	renew  time.Time   // when it subscribes again
	look   time.Time   // when it looks for what no call has told of
	called bool        // the instance has called
	missed int         // how often in a row it has found something that no call told of
}

// byPush has the instance call (Web Push) when there is news, and catches up then: a call
// itself is not believed anything. That costs one request, as fetching what a call names
// would, and moves the cursor. What no call has told of is found every few minutes.
func (r *receiver) byPush(ctx context.Context, _ error) error {
	began := r.push == nil
	if began {
		r.openCalls(bots.Waker(ctx))
	}
	rests := false
	defer func() {
		if !rests {
			r.closeCalls()
		}
	}()
	if began {
		if err := r.beginPush(ctx); err != nil {
			return err
		}
	}
	err := r.answerCalls(ctx)
	rests = bots.Rests(err)
	return err
}

// openCalls begins to take calls, here and at other processes.
func (r *receiver) openCalls(wake func()) {
	p := &pushed{box: &callBox{keys: r.keys, wake: wake}}
	p.leave = r.driver.kept.Await(r.account.BotID, func() {
		p.kept.Store(true)
		wake()
	})
	r.driver.calls.open(r.account.BotID, p.box)
	r.push = p
}

func (r *receiver) closeCalls() {
	r.driver.calls.close(r.account.BotID, r.push.box)
	r.push.leave()
	r.push = nil
}

// wasCalled tells whether the instance has called, here or at another process.
func (r *receiver) wasCalled(ctx context.Context) (bool, error) {
	called := r.push.box.wasCalled()
	if !r.push.kept.Swap(false) {
		return called, nil
	}
	n, err := r.driver.kept.Take(ctx, r.account.BotID, func([]byte) error { return nil })
	return called || n > 0, err
}

// beginPush subscribes and catches up with what came before.
func (r *receiver) beginPush(ctx context.Context) error {
	if err := r.subscribe(ctx); err != nil {
		return noPush(err)
	}
	r.log.Info("push is set: the instance calls when there is news", nil)
	if err := r.catchUp(ctx); err != nil {
		return err
	}
	bots.Stand(ctx, nil)
	r.polls = 0
	r.push.renew = time.Now().Add(spread(r.driver.timings.renew))
	r.push.look = time.Now().Add(between(r.driver.timings.missed))
	return nil
}

// noPush is what it means that the account cannot be subscribed: another way has to do.
func noPush(err error) error {
	e := remote.As(err)
	switch {
	case lacksScopes(err):
		return &unusable{err, bots.Say(err, "mastodon.stand.push")}
	case e == nil || e.Trouble == remote.Refused:
		return err
	}
	return &unusable{err, nil}
}

// answerCalls fetches what is new, at a call or when it is time to look for what was
// missed. The error is a bots.Rest where it is neither, and an *unusable where calls stay
// away.
func (r *receiver) answerCalls(ctx context.Context) error {
	p := r.push
	for {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		called, err := r.wasCalled(ctx)
		switch {
		case err != nil:
			return err
		case !called && time.Now().Before(p.look):
			return bots.Rest{Until: p.look}
		}
		found, err := r.fetch(ctx, called)
		if err != nil {
			return err
		}
		if p.missed > 1 {
			r.log.Warn("mastodon.log.not_called", nil)
			return &unusable{errNotCalled, nil}
		}
		if found || p.box.isStale() || time.Now().After(p.renew) {
			if err := r.subscribe(ctx); err != nil {
				return noPush(err)
			}
			p.renew = time.Now().Add(spread(r.driver.timings.renew))
		}
		p.look = time.Now().Add(between(r.driver.timings.missed))
	}
}

// fetch hands over what is new. found tells whether there was something without a call.
func (r *receiver) fetch(ctx context.Context, called bool) (found bool, err error) {
	p := r.push
	if called {
		if !p.called {
			p.called = true
			r.log.Info("push works: the instance has called", nil)
		}
		p.missed = 0
		return false, r.answerCall(ctx)
	}
	before := r.cursor
	err = r.catchUp(ctx)
	if found = r.cursor != before; found {
		p.missed++
	}
	return found, err
}

// shortPage is fewer than any server has on a page of which there is another.
const shortPage = 10

// answerCall hands over what is new.
func (r *receiver) answerCall(ctx context.Context) error {
	size := pageSize
	n, err := r.nextPage(ctx, &size)
	if err != nil || n < shortPage {
		return err
	}
	return r.catchUp(ctx)
}

// subscribe has the instance call: in the form of RFC 8291 where it knows that, and
// else in that of the draft before it.
func (r *receiver) subscribe(ctx context.Context) error {
	if err := r.driver.pushes.begun(ctx, r.account.BotID); err != nil {
		return err
	}
	k := r.keys()
	var made struct {
		Endpoint string `json:"endpoint"`
	}
	err := r.client().Form(ctx, http.MethodPost, pushPath, url.Values{
		"subscription[endpoint]":     {r.driver.callURL(r.account.BotID)},
		"subscription[keys][p256dh]": {k.Public()},
		"subscription[keys][auth]":   {k.Secret()},
		"subscription[standard]":     {"true"},
		"data[policy]":               {"all"},
		"data[alerts][mention]":      {"true"},
		"data[alerts][update]":       {"true"},
	}, &made)
	if err == nil && made.Endpoint == "" {
		return notMastodon(r.account.Server)
	}
	return err
}

// leavePush ends the calls of an account that is not called any more, after the operator
// has changed the mode. Where that fails it is tried again at the next start.
func (c *conn) leavePush(ctx context.Context) {
	if c.driver.mode == modePush || !c.driver.pushes.has(ctx, c.account.BotID) {
		return
	}
	if err := c.driver.unsubscribe(ctx, c.account); err != nil {
		c.host().Log.Info("the instance did not end its calls", "instance", c.account.Server, "err", err)
		return
	}
	if err := c.driver.pushes.ended(ctx, c.account.BotID); err != nil {
		c.host().Log.Warn("a bot's calls were ended and that was not stored", "bot", c.account.BotID, "err", err)
	}
}

// unsubscribe ends the calls of an account. Calls that there are not are no error.
func (d *driver) unsubscribe(ctx context.Context, a account.Account) error {
	ctx, done := context.WithTimeout(ctx, d.timings.forget)
	defer done()
	err := d.client(a.Server, a.Token).Do(ctx, http.MethodDelete, pushPath, nil, nil)
	if isAnswered(err) {
		return nil
	}
	return err
}
