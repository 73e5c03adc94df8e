package mastodon

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"

	gomastodon "github.com/mattn/go-mastodon"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/post"
	"ticketfrei/bots/kit/remote"
	"ticketfrei/internal/socket"
)

// Why a stream ends, beside errors of other kinds.
var (
	errSilent  = errors.New("the stream went silent")
	errReopen  = errors.New("the stream has been open for long enough")
	errDropped = errors.New("the stream was cut")
)

// stream is the open user stream of an account (docs.joinmastodon.org/methods/streaming).
//
// The library's own is not used: it dials past the program's guarded
// transport and without a deadline, and hides the server's pings, by which
// alone a dead stream is told from a quiet one. This one needs no goroutine
// beside the one that reads: timers end the reading.
type stream struct {
	socket  *socket.Conn
	ctx     context.Context // ends when the stream is to end, with the reason as its cause
	cancel  context.CancelCauseFunc
	silence *time.Timer
	reopen  *time.Timer
	timings *timings
	log     post.Log
	lived   bool // the server has sent something
}

// openStream opens the stream of the account.
func (c *conn) openStream(ctx context.Context) (*stream, error) {
	s := &stream{timings: &c.driver.timings, log: c.log}
	s.ctx, s.cancel = context.WithCancelCause(ctx)
	var err error
	if s.socket, err = c.dial(ctx, s.alive); err != nil {
		s.cancel(err)
		return nil, c.streamError(ctx, err)
	}
	// Who waits for an event is woken by the end of the connection.
	context.AfterFunc(s.ctx, func() { _ = s.socket.Close() })
	s.silence = time.AfterFunc(s.timings.silence, func() { s.cancel(errSilent) })
	s.reopen = time.AfterFunc(spread(s.timings.reopen), func() { s.cancel(errReopen) })
	return s, nil
}

// spread returns d, a third more or less.
func spread(d time.Duration) time.Duration { return d*2/3 + rand.N(d*2/3+1) }

// dial connects. alive is called at every ping of the server.
func (c *conn) dial(ctx context.Context, alive func()) (*socket.Conn, error) {
	base := streamingBase("", c.account.Server)
	if i, err := c.driver.instance(ctx, c.account.Server); err == nil {
		base = i.streaming
	}
	ctx, done := context.WithTimeout(ctx, c.driver.timings.dial)
	defer done()
	// The token stands in the query: that is the one way that all servers know.
	query := url.Values{"stream": {"user"}, "access_token": {c.account.Token}}
	return socket.Dial(ctx, c.client().Library(), base+"/api/v1/streaming?"+query.Encode(), alive)
}

// streamError is the error of opening a stream. The streaming server is a
// program of its own: whether the token holds, the instance says.
func (c *conn) streamError(ctx context.Context, err error) error {
	if odd, ok := errors.AsType[*socket.StatusError](err); ok {
		err = &remote.Error{Name: hostOf(c.account.Server), Status: odd.Status, Trouble: remote.NotTheAPI, Cause: err}
	}
	err = c.client().Explain(ctx, err)
	e := remote.As(err)
	if e == nil || e.Trouble == remote.Limited {
		return err
	}
	if e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden {
		if _, verr := c.client().verify(ctx); verr != nil {
			return verr
		}
	}
	if e.Trouble == remote.Refused {
		later := *e
		later.Trouble = remote.Broken
		return &later
	}
	return err
}

// alive says that the server has sent something.
func (s *stream) alive() {
	s.lived = true
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

// next waits for the next event that is read. The error is errSilent, errReopen, or
// wraps errDropped where the connection ended.
func (s *stream) next() (notification, error) {
	for {
		data, err := s.socket.Next()
		if errors.Is(err, socket.ErrTooLarge) {
			s.alive()
			s.log.Warn("kit.log.too_large", nil)
			continue
		}
		if err != nil {
			if s.ctx.Err() != nil {
				return notification{}, context.Cause(s.ctx)
			}
			return notification{}, bots.Say(errors.Join(errDropped, err), "mastodon.error.cut")
		}
		s.alive()
		if n, ok := readEvent(data); ok {
			return n, nil
		}
	}
}

// readEvent reads an event: a notification, or what has become of a status. ok is false
// for other events.
func readEvent(data []byte) (n notification, ok bool) {
	var event struct {
		Event   string          `json:"event"`
		Payload json.RawMessage `json:"payload"`
	}
	if err := json.Unmarshal(data, &event); err != nil {
		return notification{}, false
	}
	// Mastodon sends the payload as a string of JSON within the JSON.
	payload := []byte(event.Payload)
	var inner string
	if err := json.Unmarshal(payload, &inner); err == nil {
		payload = []byte(inner)
	}
	switch event.Event {
	case "notification":
		return readNotification(payload)
	case "status.update":
		return readUpdate(payload)
	case "delete":
		id := gomastodon.ID(payload)
		return notification{Type: deleted, Status: &status{ID: id}}, id != "" && id[0] != '{'
	}
	return notification{}, false
}

// readUpdate reads a status that was changed.
func readUpdate(raw []byte) (notification, bool) {
	var st status
	if err := json.Unmarshal(raw, &st); err != nil && !isMisfit(err) {
		return notification{}, false
	}
	return notification{Type: updated, Status: &st}, st.ID != ""
}
