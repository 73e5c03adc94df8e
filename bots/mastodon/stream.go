package mastodon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"
)

// maxEvent bounds one event of a stream: a status with the profile of its
// author and much text.
const maxEvent = 1 << 20

// Why a stream ends, beside errors of other kinds.
var (
	errSilent  = errors.New("the stream went silent")
	errReopen  = errors.New("the stream is opened anew")
	errDropped = errors.New("the stream was cut")
)

// stream is the open user stream of an account (docs.joinmastodon.org/methods/streaming).
//
// The library's own is not used: it dials past the program's guarded
// transport and without a deadline, and hides the server's pings, by which
// alone a dead stream is told from a quiet one. This one needs no goroutine
// beside the one that reads: timers end the reading.
type stream struct {
	socket  *socket
	ctx     context.Context // ends when the stream is to end, with the reason as its cause
	cancel  context.CancelCauseFunc
	silence *time.Timer
	reopen  *time.Timer
	timings timings
}

// openStream opens the stream of the bot's account.
func (b *bot) openStream(ctx context.Context) (*stream, error) {
	base := streamingBase("", b.account.Instance)
	if i, err := b.network.instance(ctx, b.account.Instance); err == nil {
		base = i.streaming
	}
	t := b.network.timings
	s := &stream{timings: t}
	s.ctx, s.cancel = context.WithCancelCause(ctx)
	dialing, done := context.WithTimeout(ctx, t.dial)
	defer done()
	var err error
	if s.socket, err = b.dial(dialing, base, s.alive); err != nil {
		s.cancel(err)
		return nil, b.streamError(ctx, err)
	}
	// Who waits for an event is woken by the end of the connection.
	context.AfterFunc(s.ctx, func() { _ = s.socket.conn.Close() })
	s.silence = time.AfterFunc(t.silence, func() { s.cancel(errSilent) })
	s.reopen = time.AfterFunc(spread(t.reopen), func() { s.cancel(errReopen) })
	return s, nil
}

// spread returns d, a third more or less.
func spread(d time.Duration) time.Duration { return d*2/3 + rand.N(d*2/3+1) }

// streamError gives the error of opening a stream its kind. The streaming
// server is a program of its own: whether the token holds, the instance says.
func (b *bot) streamError(ctx context.Context, err error) error {
	if s := statusOf(err); s == http.StatusUnauthorized || s == http.StatusForbidden {
		if _, verr := b.client.verify(ctx); verr != nil {
			return b.client.explain(ctx, verr)
		}
	}
	if isLimited(err) || ctx.Err() != nil {
		return b.client.explain(ctx, err)
	}
	return fmt.Errorf("open the stream: %w", b.client.says(err))
}

// dial connects. alive is called at every ping of the server.
func (b *bot) dial(ctx context.Context, base string, alive func()) (*socket, error) {
	// The token stands in the query: that is the one way that all servers know.
	query := url.Values{"stream": {"user"}, "access_token": {b.account.Token}}
	h := b.client.http("")
	h.Timeout = 0 // it would end the stream too
	return dialSocket(ctx, &h, base+"/api/v1/streaming?"+query.Encode(), alive)
}

// alive says that the server has sent something.
func (s *stream) alive() {
	if s.silence != nil {
		s.silence.Reset(s.timings.silence)
	}
}

// reopenIn ends the stream after d, if it does not end earlier.
func (s *stream) reopenIn(d time.Duration) { s.reopen.Reset(min(d, s.timings.reopen)) }

func (s *stream) close() {
	s.silence.Stop()
	s.reopen.Stop()
	s.cancel(context.Canceled)
}

// next waits for the next notification. The error is errSilent, errReopen, or
// wraps errDropped where the connection ended.
func (s *stream) next() (notification, error) {
	for {
		data, err := s.socket.next()
		if err != nil {
			if s.ctx.Err() != nil {
				return notification{}, context.Cause(s.ctx)
			}
			return notification{}, fmt.Errorf("%w: %w", errDropped, err)
		}
		s.alive()
		if n, ok := readEvent(data); ok {
			return n, nil
		}
	}
}

// readEvent reads an event. ok is false for those that are no notification.
func readEvent(data []byte) (n notification, ok bool) {
	var event struct {
		Event   string          `json:"event"`
		Payload json.RawMessage `json:"payload"`
	}
	if err := json.Unmarshal(data, &event); err != nil || event.Event != "notification" {
		return notification{}, false
	}
	// Mastodon sends the payload as a string of JSON within the JSON.
	payload := []byte(event.Payload)
	var inner string
	if err := json.Unmarshal(payload, &inner); err == nil {
		payload = []byte(inner)
	}
	return readNotification(payload)
}
