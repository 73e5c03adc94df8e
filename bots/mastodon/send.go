package mastodon

import (
	"cmp"
	"context"
	"fmt"
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
func (c *conn) Boost(ctx context.Context, id, words string) (boost string, err error) {
	var made boosted
	err = c.client().Form(ctx, http.MethodPost, statusPath(id)+"/reblog", nil, &made)
	if err != nil && !isMisfit(err) {
		return c.notBoosted(ctx, id, c.explain(ctx, err))
	}
	if err == nil && made.ID == "" {
		return "", &remote.Error{Name: hostOf(c.account.Server), Status: http.StatusOK, Trouble: remote.NotTheAPI}
	}
	if st := made.Reblog; st != nil && !c.shows(st, words) {
		return "", cmp.Or(c.Unboost(ctx, id), post.ErrChanged)
	}
	return string(made.ID), nil
}

// boosted is the answer to a boost.
type boosted struct {
	ID     gomastodon.ID `json:"id"`
	Reblog *status       `json:"reblog"`
}

func statusPath(id string) string { return "/api/v1/statuses/" + url.PathEscape(id) }

// notBoosted says what it means that the instance does not do what it was asked: that
// who wrote the status does not want it, that it is gone, or that it was done before. That
// it is gone instances also say of one that they show and do not let be boosted.
func (c *conn) notBoosted(ctx context.Context, id string, err error) (boost string, _ error) {
	e := remote.As(err)
	if e == nil || e.Trouble != remote.Rejected {
		return "", err
	}
	var st status
	looked := c.client().Get(ctx, statusPath(id), nil, &st)
	switch missing := e.Status == http.StatusNotFound; {
	case (looked == nil || isMisfit(looked)) && st.Reblogged:
		return "", nil
	case missing && isAnswered(looked):
		return "", fmt.Errorf("%w: %w", post.ErrDeleted, err)
	case missing && looked != nil && !isMisfit(looked):
		return "", c.explain(ctx, looked)
	}
	return "", post.ErrNotBoosted
}

// shows tells whether a status is public and text alone, and says that still.
func (c *conn) shows(st *status, words string) bool {
	m := c.read(st)
	return m.Visibility == report.Public && !m.Picture && !m.More && (st.EditedAt == "" || text.Same(m.Text, words))
}

// Unboost takes the boost of a status back.
func (c *conn) Unboost(ctx context.Context, id string) error {
	return c.takeBack(ctx, http.MethodPost, statusPath(id)+"/unreblog")
}

// Delete deletes what was posted.
func (c *conn) Delete(ctx context.Context, r report.Receipt) error {
	return c.takeBack(ctx, http.MethodDelete, statusPath(r.ID))
}

// takeBack makes a request whose answer is a status. One in another form is none of the
// API: nobody knows then what was done.
func (c *conn) takeBack(ctx context.Context, method, path string) error {
	var st struct{}
	return c.gone(ctx, c.client().Form(ctx, method, path, nil, &st))
}

// gone is the error of taking something back. What is gone already is none.
func (c *conn) gone(ctx context.Context, err error) error {
	e := remote.As(err)
	if err == nil || isMisfit(err) || e != nil && isUnknown(e) {
		return nil
	}
	return c.explain(ctx, err)
}
