package mastodon

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"ticketfrei/bots/kit/post"
	"ticketfrei/bots/kit/remote"
)

// lookedAt is how many statuses one review asks for one by one, at most.
const lookedAt = 5

// Review looks at the newest mentions, which the instance shows as they are now. Those
// with the ids that are not among them are asked for: they may be gone. Only of what the
// account has boosted, or of whom it follows, does an instance tell by itself.
func (c *conn) Review(ctx context.Context, ids []string) (list []post.Message, err error) {
	unseen := make(map[string]bool, len(ids))
	for _, id := range ids {
		unseen[id] = true
	}
	err = c.client().mentions(ctx, url.Values{"limit": {strconv.Itoa(pageSize / 2)}}, func(n notification, _ bool) {
		if n.Status == nil {
			return
		}
		delete(unseen, string(n.Status.ID))
		if m, ok := c.message(notification{Type: updated, Status: n.Status}); ok && n.Status.EditedAt != "" {
			list = append(list, m)
		}
	})
	if err != nil {
		return list, err
	}
	more, err := c.lookAt(ctx, ids, unseen)
	return append(list, more...), err
}

// lookAt looks at the newest of the ids that were not seen.
func (c *conn) lookAt(ctx context.Context, ids []string, unseen map[string]bool) (list []post.Message, err error) {
	left := lookedAt
	for _, id := range slices.Backward(ids) {
		if !unseen[id] || left == 0 {
			continue
		}
		left--
		m, ok, err := c.look(ctx, id)
		if err != nil {
			return list, err
		}
		if ok {
			list = append(list, m)
		}
	}
	return list, nil
}

// look looks at one status. ok is false where it is as it was.
func (c *conn) look(ctx context.Context, id string) (m post.Message, ok bool, err error) {
	var st status
	err = c.client().Get(ctx, statusPath(id), nil, &st)
	switch e := remote.As(err); {
	case e != nil && isGone(e):
		return post.Message{ID: id, Deleted: true}, true, nil
	case err != nil && !isMisfit(err):
		return post.Message{}, false, err
	}
	return c.edited(&st), st.ID != "" && st.EditedAt != "", nil
}

// isGone tells whether the instance itself says that something is not there any more.
func isGone(e *remote.Error) bool {
	return isUnknown(e) || e.Status == http.StatusGone && e.Trouble == remote.Refused
}

// isUnknown tells whether the instance itself says that there is no such thing.
func isUnknown(e *remote.Error) bool {
	return e.Status == http.StatusNotFound && e.Trouble == remote.Rejected
}
