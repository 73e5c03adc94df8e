package mastodon

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"time"

	"ticketfrei/bots/kit/post"
	"ticketfrei/bots/kit/remote"
)

// pageSize is how many notifications are asked for at once: the most that
// Mastodon gives (docs.joinmastodon.org/methods/notifications).
const pageSize = 80

// maxPages bounds how far an account that never had a mention pages back.
const maxPages = 50

// moveCursorAfter is how many mentions of the stream are handed over before
// the cursor follows. What lies between is heard twice after a crash, which
// is harmless; moving the cursor costs a request.
const moveCursorAfter = 40

// receiver is a connection that hears.
type receiver struct {
	*conn
	hear   post.Hear
	cursor string
}

// Receive hears mentions. It opens the stream first and then catches up with
// what came before, so that nothing falls between the two. Mentions of the
// stream are handed over as they come: the cursor moves with the pages of the
// REST API alone, because ids are opaque and only the server knows their order.
func (c *conn) Receive(ctx context.Context, cursor string, hear post.Hear) error {
	r := &receiver{c, hear, cursor}
	for {
		s, err := c.openStream(ctx)
		if err != nil {
			// Reports come late without a stream, but they come.
			if late := r.catchUp(ctx); late != nil {
				return late
			}
			return err
		}
		opened := time.Now()
		err = r.follow(ctx, s)
		s.close()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, errReopen):
		case errors.Is(err, errSilent):
			c.log.Info("mastodon.log.silent", nil)
		case errors.Is(err, errDropped) && time.Since(opened) >= c.driver.timings.shortest:
			c.log.Info("mastodon.log.cut", nil)
		default:
			return err
		}
	}
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
		if err := r.hand(ctx, "", note); err != nil {
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

// catchUp hands over every mention after the cursor, oldest first.
func (r *receiver) catchUp(ctx context.Context) error {
	if r.cursor == "" {
		return r.catchUpAll(ctx)
	}
	for {
		page, err := r.client().mentions(ctx, url.Values{"min_id": {r.cursor}})
		// The last condition is a server that does not know min_id and gives the
		// newest page again.
		if err != nil || len(page) == 0 || string(page[0].ID) == r.cursor {
			return err
		}
		if err := r.handPage(ctx, page); err != nil {
			return err
		}
	}
}

// catchUpAll is for an account that had no mention when it was connected, so
// that there is no id to begin after: it pages back from the newest, until
// what is too old to be relayed.
func (r *receiver) catchUpAll(ctx context.Context) error {
	var all []notification
	query := url.Values{}
	for range maxPages {
		page, err := r.client().mentions(ctx, query)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			break
		}
		all = append(all, page...)
		last := page[len(page)-1]
		if r.tooOld(last) || query.Get("max_id") == string(last.ID) {
			break
		}
		query.Set("max_id", string(last.ID))
	}
	if len(all) == 0 {
		return nil
	}
	return r.handPage(ctx, all)
}

func (r *receiver) tooOld(n notification) bool {
	if n.Status == nil || n.Status.time().IsZero() {
		return false
	}
	return r.driver.host.Now().Sub(n.Status.time()) > r.driver.host.Config.Reports.Expire
}

// handPage hands over a page, which is newest first, and moves the cursor to its
// end.
func (r *receiver) handPage(ctx context.Context, page []notification) error {
	cursor := string(page[0].ID)
	slices.Reverse(page)
	if err := r.hand(ctx, cursor, page...); err != nil {
		return err
	}
	r.cursor = cursor
	return nil
}

// hand hands over those notifications that are messages to the account.
func (r *receiver) hand(ctx context.Context, cursor string, list ...notification) error {
	var messages []post.Message
	for _, n := range list {
		if m, ok := r.message(n); ok {
			messages = append(messages, m)
		}
	}
	return r.hear(ctx, cursor, messages...)
}

// mentions asks for a page of mentions, newest first. One that cannot be read
// at all is left out.
func (c client) mentions(ctx context.Context, query url.Values) ([]notification, error) {
	query.Set("types[]", "mention")
	if query.Get("limit") == "" {
		query.Set("limit", strconv.Itoa(pageSize))
	}
	var raw []json.RawMessage
	if err := c.Get(ctx, "/api/v1/notifications", query, &raw); err != nil {
		return nil, err
	}
	page := make([]notification, 0, len(raw))
	for _, r := range raw {
		if n, ok := readNotification(r); ok {
			page = append(page, n)
		}
	}
	return page, nil
}

// newest returns the id of the account's newest mention, empty where there is
// none: the cursor to begin with, so that what is old is not relayed.
func (c client) newest(ctx context.Context) (string, error) {
	list, err := c.mentions(ctx, url.Values{"limit": {"1"}})
	if err != nil || len(list) == 0 {
		return "", err
	}
	return string(list[0].ID), nil
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
