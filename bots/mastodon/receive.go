package mastodon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"ticketfrei/bots"
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

// emitFunc hands over a report; see bots.Bot.
type emitFunc = func(context.Context, bots.Incoming) error

// Receive hears mentions. It opens the stream first and then catches up with
// what came before, so that nothing falls between the two. Mentions of the
// stream are handed over as they come and only remembered in memory: the
// cursor moves with the pages of the REST API alone, because ids are opaque
// and only the server knows their order.
func (b *bot) Receive(ctx context.Context, emit func(context.Context, bots.Incoming) error) error {
	for {
		s, err := b.openStream(ctx)
		if err != nil {
			// Reports come late without a stream, but they come.
			if late := b.catchUp(ctx, emit); late != nil {
				return late
			}
			return err
		}
		opened := time.Now()
		err = b.follow(ctx, s, emit)
		s.close()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, errReopen):
		case errors.Is(err, errSilent):
			b.log.Info("the stream went silent, opening a new one")
		case errors.Is(err, errDropped) && time.Since(opened) >= b.network.timings.shortest:
			b.log.Info("the stream was cut, opening a new one")
		default:
			return err
		}
	}
}

// follow catches up and then hands over what the stream brings until it ends.
func (b *bot) follow(ctx context.Context, s *stream, emit emitFunc) error {
	if err := b.catchUpOrLater(ctx, s, emit); err != nil {
		return err
	}
	for n := 1; ; n++ {
		note, err := s.next()
		if err != nil {
			return err
		}
		if err := b.hear(ctx, note, emit); err != nil {
			return err
		}
		if n%moveCursorAfter == 0 {
			if err := b.catchUpOrLater(ctx, s, emit); err != nil {
				return err
			}
		}
	}
}

// catchUpOrLater catches up, or leaves that to the next stream where the
// instance asks to slow down: this one brings mentions all the same.
func (b *bot) catchUpOrLater(ctx context.Context, s *stream, emit emitFunc) error {
	err := b.catchUp(ctx, emit)
	kind, after := bots.KindOf(err)
	if kind != bots.KindRetryAfter {
		return err
	}
	b.log.Info("catching up later, the instance asks to slow down", "in", after.Round(time.Second))
	s.reopenIn(after)
	return nil
}

// catchUp hands over every mention after the cursor, oldest first.
func (b *bot) catchUp(ctx context.Context, emit emitFunc) error {
	if b.cursor == "" {
		return b.catchUpAll(ctx, emit)
	}
	for {
		page, err := b.client.mentions(ctx, url.Values{"min_id": {b.cursor}})
		if err != nil {
			return b.client.explain(ctx, err)
		}
		// The second condition is a server that does not know min_id and gives
		// the newest page again.
		if len(page) == 0 || string(page[0].ID) == b.cursor {
			return nil
		}
		if err := b.hearPage(ctx, page, emit); err != nil {
			return err
		}
	}
}

// catchUpAll is for an account that had no mention when it was connected, so
// that there is no id to begin after: it pages back from the newest, until
// what is too old to be relayed.
func (b *bot) catchUpAll(ctx context.Context, emit emitFunc) error {
	var all []notification
	query := url.Values{}
	for range maxPages {
		page, err := b.client.mentions(ctx, query)
		if err != nil {
			return b.client.explain(ctx, err)
		}
		all = append(all, page...)
		if len(page) == 0 || b.tooOld(page[len(page)-1]) || query.Get("max_id") == string(page[len(page)-1].ID) {
			break
		}
		query.Set("max_id", string(page[len(page)-1].ID))
	}
	if len(all) == 0 {
		return nil
	}
	return b.hearPage(ctx, all, emit)
}

func (b *bot) tooOld(n notification) bool {
	if n.Status == nil || n.Status.time().IsZero() {
		return false
	}
	return b.network.host.Now().Sub(n.Status.time()) > b.network.host.Config.Reports.Expire
}

// hearPage hands over a page, which is newest first, and moves the cursor to
// its end.
func (b *bot) hearPage(ctx context.Context, page []notification, emit emitFunc) error {
	for _, n := range slices.Backward(page) {
		if err := b.hear(ctx, n, emit); err != nil {
			return err
		}
	}
	cursor := string(page[0].ID)
	if err := b.network.store.saveCursor(ctx, b.account, cursor); err != nil {
		return err
	}
	b.cursor = cursor
	return nil
}

// hear hands over one notification, unless it was heard before.
func (b *bot) hear(ctx context.Context, n notification, emit emitFunc) error {
	if b.seen.has(string(n.ID)) {
		return nil
	}
	in, ok := b.account.incoming(n)
	if ok && in.Text == "" && len(n.Status.Attachments) > 0 {
		return b.refusePicture(ctx, n, in)
	}
	if ok {
		if err := emit(ctx, in); err != nil {
			return fmt.Errorf("hand over a mention: %w", err)
		}
	}
	b.seen.add(string(n.ID))
	return nil
}

// mentions asks for a page of mentions, newest first. One that cannot be read
// at all is left out.
func (c *client) mentions(ctx context.Context, query url.Values) ([]notification, error) {
	query.Set("types[]", "mention")
	if query.Get("limit") == "" {
		query.Set("limit", strconv.Itoa(pageSize))
	}
	var raw []json.RawMessage
	if err := c.get(ctx, "/api/v1/notifications", query, &raw); err != nil {
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

// readNotification reads as much of a notification as fits. It is none without
// an id.
func readNotification(raw []byte) (notification, bool) {
	var n notification
	err := json.Unmarshal(raw, &n)
	if _, misfit := errors.AsType[*json.UnmarshalTypeError](err); err != nil && !misfit {
		return notification{}, false
	}
	return n, n.ID != ""
}

// remembered is how many notifications a bot knows to have heard already.
const remembered = 512

// recent remembers the last ids that were added to it. The zero value is empty
// and takes no memory.
type recent struct {
	ids  map[string]struct{}
	ring []string
	next int
}

func (r *recent) has(id string) bool {
	_, ok := r.ids[id]
	return ok
}

func (r *recent) add(id string) {
	if r.ids == nil {
		r.ids = map[string]struct{}{}
	}
	if len(r.ring) < remembered {
		r.ring = append(r.ring, id)
	} else {
		delete(r.ids, r.ring[r.next])
		r.ring[r.next] = id
		r.next = (r.next + 1) % remembered
	}
	r.ids[id] = struct{}{}
}
