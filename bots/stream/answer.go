package stream

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/remote"
)

// errNoMessage is that a message is not there which was to be deleted.
var errNoMessage = errors.New("there is no such message")

// noMessage is the code of Discord for that
// (discord.com/developers/docs/topics/opcodes-and-status-codes).
const noMessage = 10008

// longestWait is how long a target may have us wait.
const longestWait = time.Hour

// said is what an answer says in the form of Discord.
type said struct {
	Code       int     `json:"code"`
	RetryAfter float64 `json:"retry_after"` // seconds
}

// judge says what an answer means, and notes it.
func (n *Network) judge(ctx context.Context, e *entry, resp *http.Response, answer []byte, lane *lane) error {
	var in said
	_ = json.Unmarshal(answer, &in) // other targets say what they like
	status, now := resp.StatusCode, n.host.Now()
	if status == http.StatusNotFound && in.Code == noMessage && resp.Request.Method == http.MethodDelete {
		return errNoMessage
	}
	n.note(ctx, e.row.ID, status)
	wrong := &remote.Error{Name: e.to.url.Host, Status: status, Trouble: remote.Rejected}
	switch {
	case status/100 == 2:
		lane.worked(now, restOf(resp.Header))
		return nil
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable:
		wrong.Trouble = remote.Limited
		return bots.Later(lane.failed(now, asked(resp.Header, in, now)), wrong)
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusNotFound, status == http.StatusGone:
		return n.stop(ctx, e, status)
	case status >= http.StatusInternalServerError, status == http.StatusRequestTimeout, status == http.StatusTooEarly:
		wrong.Trouble = remote.Broken
		return bots.Later(lane.failed(now, 0), wrong)
	}
	return bots.Permanent(wrong)
}

// stop pauses a stream whose target does not take anything any more until somebody mends it.
func (n *Network) stop(ctx context.Context, e *entry, status int) error {
	if err := n.pause(ctx, e, status); err != nil {
		return err
	}
	return bots.Permanent(answered(Shown(e.Target), status))
}

// asked is how long an answer asks to wait; 0 where it does not say.
func asked(h http.Header, in said, now time.Time) time.Duration {
	wait := time.Duration(0)
	if in.RetryAfter > 0 {
		wait = time.Duration(min(in.RetryAfter, longestWait.Seconds()) * float64(time.Second))
	} else if h.Get("Retry-After") != "" {
		wait = remote.RetryAfter(h, now)
	}
	return min(wait, longestWait)
}

// restOf is how long to wait after a success: Discord says before it refuses how many
// requests are left (discord.com/developers/docs/topics/rate-limits).
func restOf(h http.Header) time.Duration {
	if h.Get("X-RateLimit-Remaining") != "0" {
		return 0
	}
	seconds, err := strconv.ParseFloat(h.Get("X-RateLimit-Reset-After"), 64)
	if err != nil || !(seconds > 0) {
		return 0
	}
	return time.Duration(min(seconds, time.Minute.Seconds()) * float64(time.Second))
}

// unanswered says what it means that no answer came.
func (n *Network) unanswered(ctx context.Context, e *entry, err error, lane *lane) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	n.note(ctx, e.row.ID, 0)
	wrong := &remote.Error{Name: e.to.url.Host, Trouble: remote.Unreachable, Cause: withoutURL(err)}
	if explained := remote.As((&remote.Client{}).Explain(ctx, err)); explained != nil {
		wrong.Trouble = explained.Trouble
	}
	if wrong.Trouble == remote.PrivateHost {
		return bots.Permanent(wrong)
	}
	return bots.Later(lane.failed(n.host.Now(), 0), wrong)
}

// note stores what became of what was sent last. It is no reason to send it again that
// this cannot be stored.
func (n *Network) note(ctx context.Context, id int64, status int) {
	err := n.host.DB.WriteSoon(context.WithoutCancel(ctx), func(tx *gorm.DB) error {
		return tx.Exec("UPDATE stream_streams SET status = ?, sent = ? WHERE id = ?", status, n.host.Now().UnixMilli(), id).Error
	})
	if err != nil {
		n.host.Log.Warn("what became of a stream is not stored", "stream", id, "err", err)
	}
}
