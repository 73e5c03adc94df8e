package mastodon

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	gomastodon "github.com/mattn/go-mastodon"

	"ticketfrei/bots/kit/account"
	"ticketfrei/bots/kit/post"
	"ticketfrei/bots/kit/remote"
)

// pageSize is how many notifications are asked for at once: the most that
// Mastodon gives (docs.joinmastodon.org/methods/notifications).
const pageSize = 80

// maxNotification bounds a notification, in bytes of JSON: one with the longest text
// that can be a report has less than half of that. maxPage bounds a page of them, of
// which one is kept at a time.
const (
	maxNotification = 128 << 10
	maxPage         = 8 << 20
)

// moveCursorAfter is how many mentions of the stream are handed over before
// the cursor follows. What lies between is heard twice after a crash, which
// is harmless; moving the cursor costs a request.
const moveCursorAfter = 40

// beforeAll is what every id comes after.
const beforeAll = "0"

// receiver is a connection that hears.
type receiver struct {
	*conn
	hear   post.Hear
	cursor string
	polls  int     // how often it has fallen back to polling since it had something better
	push   *pushed // nil while it is not called
}

// follow catches up and then hands over what the stream brings until it ends.
func (r *receiver) follow(ctx context.Context, s *stream) error {
	for n := 0; ; n++ {
		if n%moveCursorAfter == 0 {
			if err := r.catchUpOrLater(ctx, s); err != nil {
				return err
			}
		}
		note, err := s.next()
		if err != nil {
			return err
		}
		if err := r.hand(ctx, note); err != nil {
			return err
		}
	}
}

// catchUpOrLater catches up, or leaves that to the next stream where the
// instance asks to slow down: this one brings mentions all the same.
func (r *receiver) catchUpOrLater(ctx context.Context, s *stream) error {
	err := r.catchUp(ctx)
	if e := remote.As(err); e != nil && e.Trouble == remote.Limited {
		r.log.Info("mastodon.log.later", err)
		s.reopenIn(e.After)
		return nil
	}
	return err
}

// catchUp hands over every mention after the cursor, oldest first, page by page.
func (r *receiver) catchUp(ctx context.Context) error {
	for size := pageSize; ; size = min(2*size, pageSize) {
		n, err := r.nextPage(ctx, &size)
		if err != nil || n == 0 {
			return err
		}
	}
}

// nextPage hands over a page of the mentions that come next after the cursor, and returns
// how many there were.
func (r *receiver) nextPage(ctx context.Context, size *int) (int, error) {
	// Without a cursor the account never had a mention.
	p, err := r.page(ctx, cmp.Or(r.cursor, beforeAll), size)
	// The last condition is a server that does not know min_id and gives the newest page
	// again.
	if err != nil || p.newest == "" || p.newest == r.cursor {
		return 0, err
	}
	for range p.left {
		r.log.Warn("kit.log.too_large", nil)
	}
	slices.Reverse(p.messages)
	if err := r.hear(ctx, p.newest, p.messages...); err != nil {
		return 0, err
	}
	r.cursor = p.newest
	return p.count, nil
}

// mentionPage is a page of mentions.
type mentionPage struct {
	newest   string         // the id that the next page begins after; empty where there is none
	messages []post.Message // the newest first
	left     int            // how many were too large
	count    int            // of all, also those that are no messages
}

// page asks for size mentions that came next after one: for fewer where the answer is
// too large, and size says then how many.
func (r *receiver) page(ctx context.Context, after string, size *int) (mentionPage, error) {
	for {
		p, err := r.readPage(ctx, url.Values{"min_id": {after}, "limit": {strconv.Itoa(*size)}})
		if !remote.TooLarge(err) || *size == 1 {
			return p, err
		}
		*size = max(*size/4, 1)
	}
}

func (r *receiver) readPage(ctx context.Context, query url.Values) (p mentionPage, err error) {
	var begun sync.Once // the answer comes
	done := func() {}
	defer func() { done() }()
	err = r.client().mentions(ctx, query, func(n notification, whole bool) {
		begun.Do(func() { done = r.driver.reading.take(ctx) })
		if id := string(n.ID); p.newest == "" && account.Fits(id) {
			p.newest = id
		}
		p.count++
		if !whole {
			p.left++
		}
		if m, ok := r.message(n); ok {
			p.messages = append(p.messages, m)
		}
	})
	return p, err
}

// reading are the pages that are read into memory at the same time.
type reading chan struct{}

// maxReading is how many pages are read at a time, and readWait how long one waits for
// the others: a server that takes its time must not hold up those of other cities.
const (
	maxReading = 8
	readWait   = time.Second
)

// take waits for the turn of a page; done is to be called when it has been read.
func (r reading) take(ctx context.Context) (done func()) {
	late := time.NewTimer(readWait)
	defer late.Stop()
	select {
	case r <- struct{}{}:
		return func() { <-r }
	case <-late.C:
	case <-ctx.Done():
	}
	return func() {}
}

// hand hands over what the stream has brought, where it is about a message to the account.
func (r *receiver) hand(ctx context.Context, n notification) error {
	m, ok := r.message(n)
	if !ok {
		return nil
	}
	return r.hear(ctx, "", m)
}

// mentions asks for a page of mentions, and of edits of what the account has boosted,
// newest first, and calls each with them while they come in. One that cannot be read at
// all is left out; of one that is too large nothing is known but its id, and whole is
// false.
func (c client) mentions(ctx context.Context, query url.Values, each func(n notification, whole bool)) error {
	query["types[]"] = []string{mentioned, updated}
	err := c.notifications(ctx, query, each)
	if isInvalid(err) {
		query["types[]"] = []string{mentioned} // a server that does not know edits
		err = c.notifications(ctx, query, each)
	}
	if isInvalid(err) && query.Get("min_id") == beforeAll {
		query.Del("min_id") // one that takes that for no id: Pixelfed
		err = c.notifications(ctx, query, each)
	}
	return err
}

// isInvalid tells whether an instance answered that it does not take what it was asked
// with, in whatever form.
func isInvalid(err error) bool {
	e := remote.As(err)
	return e != nil && (e.Status == http.StatusBadRequest || e.Status == http.StatusUnprocessableEntity)
}

func (c client) notifications(ctx context.Context, query url.Values, each func(n notification, whole bool)) error {
	pages := *c.Client
	pages.MaxAnswer = maxPage
	return pages.Each(ctx, "/api/v1/notifications", query, maxNotification, func(raw []byte, whole bool) error {
		if !whole {
			each(notification{ID: firstID(raw)}, false)
		} else if n, ok := readNotification(raw); ok {
			each(n, true)
		}
		return nil
	})
}

// firstID returns the id of a notification of which there is the beginning; empty
// where that comes later.
func firstID(beginning []byte) gomastodon.ID {
	fields := json.NewDecoder(bytes.NewReader(beginning))
	_, err := fields.Token() // "{"
	for err == nil {
		var name json.Token
		if name, err = fields.Token(); err != nil {
			break
		}
		if name == "id" {
			var id gomastodon.ID
			_ = fields.Decode(&id)
			return id
		}
		err = fields.Decode(new(json.RawMessage))
	}
	return ""
}

// newest returns the id of the account's newest mention, empty where there is
// none: the cursor to begin with, so that what is old is not relayed.
func (c client) newest(ctx context.Context) (string, error) {
	var id gomastodon.ID
	err := c.mentions(ctx, url.Values{"limit": {"1"}}, func(n notification, _ bool) { id = cmp.Or(id, n.ID) })
	return string(id), err
}

// readNotification reads as much of a notification as fits. It is none without
// an id.
func readNotification(raw []byte) (notification, bool) {
	var n notification
	err := json.Unmarshal(raw, &n)
	if err != nil && !isMisfit(err) {
		return notification{}, false
	}
	return n, n.ID != ""
}
