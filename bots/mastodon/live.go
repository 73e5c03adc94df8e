package mastodon

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/pace"
	"ticketfrei/bots/kit/post"
	"ticketfrei/bots/kit/remote"
	"ticketfrei/internal/backoff"
)

// A way is how mentions are heard, until a better one is to be tried: then it returns
// nil. It returns an *unusable where the instance or the account cannot do it. limit is
// why a better one is not used, nil where there is none or nobody needs to know.
type way func(ctx context.Context, limit error) error

// unusable is why a way cannot be used at the moment.
type unusable struct {
	cause error
	// limit is what the moderators are told; nil where the next way is as good.
	limit error
}

func (u *unusable) Error() string { return u.cause.Error() }
func (u *unusable) Unwrap() error { return u.cause }

// ways are those that the mode allows, the best first. The last is always usable.
func (r *receiver) ways() []way {
	switch r.driver.mode {
	case modePush:
		return []way{r.byPush, r.byStream, r.byPoll}
	case modePoll:
		return []way{r.byPoll}
	}
	return []way{r.byStream, r.byPoll}
}

// Receive hears mentions. Whatever the way, it catches up with what came before, and
// mentions that are announced are handed over as they come: the cursor moves with the
// pages of the REST API alone, because ids are opaque and only the server knows their
// order.
func (c *conn) Receive(ctx context.Context, cursor string, hear post.Hear) error {
	r := c.resting
	if c.resting = nil; r == nil {
		r = &receiver{conn: c, cursor: cursor}
		c.leavePush(ctx)
	}
	r.hear = hear
	for {
		err := r.best(ctx)
		if bots.Rests(err) {
			c.resting = r
			return err
		}
		if err != nil {
			return said(err)
		}
	}
}

// best hears by the best way that can be used.
func (r *receiver) best(ctx context.Context) error {
	var limit error
	for _, by := range r.ways() {
		err := by(ctx, limit)
		if bots.Rests(err) {
			return err
		}
		no, is := errors.AsType[*unusable](err)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !is {
			return err
		}
		r.host().Log.Debug("a way to hear of mentions cannot be used", "bot", r.account.BotID, "err", no.cause)
		if no.limit != nil {
			limit = no.limit
		}
	}
	return nil
}

func (c *conn) host() bots.Host { return c.driver.host }

// byStream opens the stream first and then catches up with what came before, so that
// nothing falls between the two.
func (r *receiver) byStream(ctx context.Context, limit error) error {
	s, err := r.openStream(ctx)
	if err != nil {
		return noStream(err)
	}
	bots.Stand(ctx, limit)
	opened := time.Now()
	err = r.follow(ctx, s)
	s.close()
	steady := time.Since(opened) >= r.driver.timings.shortest
	switch {
	case errors.Is(err, errReopen):
	case errors.Is(err, errSilent) && !s.lived:
		return noStream(bots.Say(err, "mastodon.error.cut"))
	case errors.Is(err, errSilent):
		r.log.Info("mastodon.log.silent", nil)
	case errors.Is(err, errDropped) && steady:
		r.log.Info("mastodon.log.cut", nil)
	case errors.Is(err, errDropped):
		return noStream(err)
	default:
		return err
	}
	r.polls = 0
	return nil
}

// noStream is what it means that the stream does not open, or breaks at once: the account
// polls, unless its login is refused.
func noStream(err error) error {
	e := remote.As(err)
	switch {
	case e != nil && e.Trouble == remote.Refused:
		return err
	case e != nil && isNone[e.Status]:
		return &unusable{err, bots.Say(err, "mastodon.stand.none")}
	case e != nil && (e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden) && e.Trouble != remote.NotTheAPI:
		// The login holds, but not for this: see streamError.
		return &unusable{err, bots.Say(err, "mastodon.stand.scopes")}
	}
	return &unusable{err, streamless{err}}
}

// isNone are the statuses of a server that has no stream.
var isNone = map[int]bool{http.StatusNotFound: true, http.StatusMethodNotAllowed: true,
	http.StatusGone: true, http.StatusNotImplemented: true}

// streamless is why an account polls whose server may have a stream.
type streamless struct{ cause error }

func (s streamless) Error() string { return s.cause.Error() }
func (s streamless) Unwrap() error { return s.cause }

// Say returns the words, with those of the cause where that says something: a page of a
// firewall does not.
func (s streamless) Say(t bots.T) string {
	words := t("mastodon.stand.polls")
	if e := remote.As(s.cause); e != nil && e.Status != 0 && e.Status/100 != 5 && e.Trouble != remote.Limited {
		return words
	}
	return words + " " + bots.Words(s.cause, t)
}

// byPoll asks for mentions again and again, until it is time to try a better way: soon
// the first time, and later each time. It has just asked then, as trying takes time. A
// stream that was away once is not worth a word.
func (r *receiver) byPoll(ctx context.Context, limit error) error {
	t := r.driver.timings
	end := time.Now().Add(backoff.Wait(t.retry, r.polls, t.better))
	for first := true; ; first = false {
		if err := r.catchUp(ctx); err != nil {
			return err
		}
		if first && (limit == nil || r.polls > 0) {
			bots.Stand(ctx, limit)
		}
		pause := between(t.poll)
		if left := time.Until(end); r.driver.mode != modePoll && !first && left <= 0 {
			r.polls++
			return nil
		} else if r.driver.mode != modePoll {
			pause = min(pause, max(left, 0))
		}
		if err := pace.Sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// between returns d, or up to a quarter less: those who began together do not ask together.
func between(d time.Duration) time.Duration { return d - rand.N(d/4+1) }
