package mastodon

import (
	"context"
	"errors"
	"net/http"
	"net/url"
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

// byPush has the instance call (Web Push) when there is news, and catches up then: a call
// itself is not believed anything. That costs one request, as fetching what a call names
// would, and moves the cursor. What no call has told of is found every few minutes.
func (r *receiver) byPush(ctx context.Context, _ error) error {
	box := r.driver.calls.open(r.account.BotID, r.keys())
	defer r.driver.calls.close(r.account.BotID, box)
	kept, leave := r.driver.kept.Await(r.account.BotID)
	defer leave()
	if err := r.subscribe(ctx); err != nil {
		return noPush(err)
	}
	r.log.Info("push is set: the instance calls when there is news", nil)
	if err := r.catchUp(ctx); err != nil {
		return err
	}
	bots.Stand(ctx, nil)
	r.polls = 0
	return r.answerCalls(ctx, box, kept)
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

// answerCalls fetches what is new at each call, here or at another process, until calls stay
// away.
func (r *receiver) answerCalls(ctx context.Context, box *callBox, kept <-chan struct{}) error {
	renew := time.Now().Add(spread(r.driver.timings.renew))
	missed, calls := 0, 0
	for {
		called, found, err := r.waitForCall(ctx, box, kept)
		if called {
			calls++
		}
		if called && calls == 1 {
			r.log.Info("push works: the instance has called", nil)
		}
		switch {
		case err != nil:
			return err
		case called:
			missed = 0
		case found:
			missed++
		}
		if missed > 1 {
			r.log.Warn("mastodon.log.not_called", nil)
			return &unusable{errNotCalled, nil}
		}
		if found || box.isStale() || time.Now().After(renew) {
			if err := r.subscribe(ctx); err != nil {
				return noPush(err)
			}
			renew = time.Now().Add(spread(r.driver.timings.renew))
		}
	}
}

// waitForCall waits for a call, or until it is time to look for what was missed, and
// hands over what is new. called tells whether there was a call, found whether there was
// something new without one.
func (r *receiver) waitForCall(ctx context.Context, box *callBox, kept <-chan struct{}) (called, found bool, err error) {
	look := time.NewTimer(between(r.driver.timings.missed))
	defer look.Stop()
	select {
	case <-ctx.Done():
		return false, false, ctx.Err()
	case <-box.wake:
		return true, false, r.answerCall(ctx)
	case <-kept:
		n, err := r.driver.kept.Take(ctx, r.account.BotID, func([]byte) error { return nil })
		if err != nil || n == 0 {
			return false, false, err
		}
		return true, false, r.answerCall(ctx)
	case <-look.C:
		before := r.cursor
		err := r.catchUp(ctx)
		return false, r.cursor != before, err
	}
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
