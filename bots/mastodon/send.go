package mastodon

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"time"

	gomastodon "github.com/mattn/go-mastodon"

	"ticketfrei/bots/kit/post"
	"ticketfrei/bots/kit/remote"
	"ticketfrei/bots/kit/text"
	"ticketfrei/internal/report"
)

// linkLength is what a link counts, however long it is
// (characters_reserved_per_url in Mastodon's instance configuration).
const linkLength = 23

// clockSkew is how far an instance's clock may be behind ours.
const clockSkew = 5 * time.Minute

// Publish posts a text, cut to what the instance takes: for everybody to see, or
// as a direct answer.
func (c *conn) Publish(ctx context.Context, p post.Post) (report.Receipt, error) {
	usual, shorter := c.cut(ctx, p)
	st, err := c.post(ctx, p, usual)
	if e := remote.As(err); e != nil && e.Status == http.StatusUnprocessableEntity && shorter != usual {
		st, err = c.post(ctx, p, shorter)
	}
	if err != nil {
		return report.Receipt{}, c.explain(ctx, err)
	}
	return report.Receipt{ID: string(st.ID), URL: st.URL}, nil
}

// cut returns the text as long as the instance takes it: counted as Mastodon
// does, where a link is 23 characters, and as other servers do, which count all
// of it.
func (c *conn) cut(ctx context.Context, p post.Post) (usual, shorter string) {
	length := defaultLength
	if i, err := c.driver.instance(ctx, c.account.Server); err == nil {
		length = i.length
	}
	if p.To != "" {
		p.Text = "@" + p.To + " " + p.Text
	}
	limit := text.Runes(length)
	return limit.Links(linkLength).Fit(p.Text), limit.Fit(p.Text)
}

func (c *conn) post(ctx context.Context, p post.Post, text string) (*gomastodon.Status, error) {
	toot := &gomastodon.Toot{Status: text, Visibility: gomastodon.VisibilityPublic, InReplyToID: gomastodon.ID(p.ReplyTo)}
	if p.To != "" {
		toot.Visibility = gomastodon.VisibilityDirectMessage
	}
	once := c.client()
	once.Client = once.With("Idempotency-Key", p.Key)
	return once.api().PostStatus(ctx, toot)
}

// Find looks for p among the account's last statuses.
func (c *conn) Find(ctx context.Context, p post.Post, since time.Time) ([]report.Receipt, error) {
	var list []status
	err := c.client().Get(ctx, "/api/v1/accounts/"+url.PathEscape(c.account.Remote)+"/statuses",
		url.Values{"limit": {"40"}, "exclude_reblogs": {"true"}}, &list)
	if err != nil {
		return nil, c.explain(ctx, err)
	}
	usual, shorter := c.cut(ctx, p)
	var found []report.Receipt
	for _, st := range list {
		shown := plainText(st.Content)
		if st.time().Before(since.Add(-clockSkew)) || !text.Same(shown, usual) && !text.Same(shown, shorter) {
			continue
		}
		found = append(found, report.Receipt{ID: string(st.ID), URL: st.URL})
	}
	return found, nil
}

// Boost boosts a status, and takes that back where it is not what was heard: its author
// may have changed it before, or since.
func (c *conn) Boost(ctx context.Context, id string) (boost string, err error) {
	var made struct {
		ID     gomastodon.ID `json:"id"`
		Reblog *status       `json:"reblog"`
	}
	err = c.client().Form(ctx, http.MethodPost, "/api/v1/statuses/"+url.PathEscape(id)+"/reblog", nil, &made)
	if err == nil && made.ID == "" { // JSON of something else
		err = &remote.Error{Name: hostOf(c.account.Server), Status: http.StatusOK, Trouble: remote.NotTheAPI}
	}
	if err != nil && !isMisfit(err) {
		return "", c.explain(ctx, err)
	}
	if st := made.Reblog; st != nil && (st.EditedAt != "" || !c.isPlain(st)) {
		return "", cmp.Or(c.Unboost(ctx, id), post.ErrChanged)
	}
	return string(made.ID), nil
}

// isPlain tells whether a status is public and text alone.
func (c *conn) isPlain(st *status) bool {
	m := c.read(st)
	return m.Visibility == report.Public && !m.Picture && !m.More
}

// Unboost takes the boost of a status back.
func (c *conn) Unboost(ctx context.Context, id string) error {
	_, err := c.client().api().Unreblog(ctx, gomastodon.ID(id))
	return c.gone(ctx, err)
}

// Delete deletes what was posted.
func (c *conn) Delete(ctx context.Context, r report.Receipt) error {
	return c.gone(ctx, c.client().Do(ctx, http.MethodDelete, "/api/v1/statuses/"+url.PathEscape(r.ID), nil, nil))
}

// gone is the error of taking something back. What is gone already is none.
func (c *conn) gone(ctx context.Context, err error) error {
	e := remote.As(err)
	if err == nil || isMisfit(err) || e != nil && e.Status == http.StatusNotFound && e.Trouble == remote.Rejected {
		return nil
	}
	return c.explain(ctx, err)
}
