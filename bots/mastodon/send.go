package mastodon

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	gomastodon "github.com/mattn/go-mastodon"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// Send boosts a public mention of this account, and posts everything else as a
// new status: the text alone.
func (b *bot) Send(ctx context.Context, d report.Delivery) (report.Receipt, error) {
	if b.boosts(d) {
		return b.boost(ctx, d.Report.NetworkID)
	}
	return b.publish(ctx, outgoing{id: d.ID, text: calm(d.Report.Text), visibility: gomastodon.VisibilityPublic})
}

// boosts tells whether a delivery is a boost. Only what this account heard in
// public is: a private message is never made known that way.
func (b *bot) boosts(d report.Delivery) bool {
	return d.Report.BotID == b.bot.ID && d.Report.Visibility == report.Public
}

// boost boosts a status. Doing it twice is doing it once.
func (b *bot) boost(ctx context.Context, id string) (report.Receipt, error) {
	st, err := b.client.api("").Reblog(ctx, gomastodon.ID(id))
	if isDecoding(err) {
		return report.Receipt{ID: id}, nil // boosted, and the answer could not be read
	}
	if err != nil {
		return report.Receipt{}, b.sendError(ctx, err)
	}
	receipt := report.Receipt{ID: id, URL: st.URL}
	if st.Reblog != nil {
		receipt.URL = st.Reblog.URL
	}
	return receipt, nil
}

// outgoing is a status on its way out. id names it for ever: sent again, it is
// the same one.
type outgoing struct {
	id         string
	text       string
	visibility string
	replyTo    string
}

// publish posts a status once, also where the server does not know
// Idempotency-Key: the attempt is recorded before, the result right after, for
// who comes after a killed process. Where the machine loses power in the
// milliseconds before the attempt is on disk, the key alone has to do.
func (b *bot) publish(ctx context.Context, o outgoing) (report.Receipt, error) {
	store := b.network.store
	known, err := store.post(ctx, o.id)
	switch {
	case errors.Is(err, db.ErrNotFound):
		if err := store.savePost(ctx, post{ID: o.id, BotID: b.bot.ID}); err != nil {
			return report.Receipt{}, err
		}
	case err != nil:
		return report.Receipt{}, err
	case known.StatusID != "":
		return report.Receipt{ID: known.StatusID, URL: known.URL}, nil
	default:
		// It was tried before, and nobody knows what became of it.
		found, err := b.findPost(ctx, o, time.UnixMilli(known.At))
		if err != nil || found.ID != "" {
			return found, err
		}
	}
	st, err := b.post(ctx, o)
	if err != nil {
		return report.Receipt{}, b.sendError(ctx, err)
	}
	return b.posted(ctx, o, string(st.ID), st.URL)
}

// posted records what was posted. Nothing is acknowledged before that is on disk.
func (b *bot) posted(ctx context.Context, o outgoing, id, url string) (report.Receipt, error) {
	if err := b.network.store.savePost(ctx, post{ID: o.id, BotID: b.bot.ID, StatusID: id, URL: url}); err != nil {
		return report.Receipt{}, err
	}
	return report.Receipt{ID: id, URL: url}, nil
}

// post posts the text, cut to what the instance takes.
func (b *bot) post(ctx context.Context, o outgoing) (*gomastodon.Status, error) {
	text, shorter := b.cut(ctx, o.text)
	st, err := b.postText(ctx, o, text)
	if statusOf(err) == http.StatusUnprocessableEntity && shorter != text {
		return b.postText(ctx, o, shorter)
	}
	return st, err
}

// cut returns the text as long as the instance takes it: counted as Mastodon
// does, where a link is 23 characters, and as other servers do, which count all
// of it.
func (b *bot) cut(ctx context.Context, text string) (usual, shorter string) {
	limit := defaultLength
	if i, err := b.network.instance(ctx, b.account.Instance); err == nil {
		limit = i.length
	}
	return fit(text, limit, linkLength), fit(text, limit, 0)
}

func (b *bot) postText(ctx context.Context, o outgoing, text string) (*gomastodon.Status, error) {
	return b.client.api(o.id).PostStatus(ctx, &gomastodon.Toot{Status: text, Visibility: o.visibility, InReplyToID: gomastodon.ID(o.replyTo)})
}

// clockSkew is how far an instance's clock may be behind ours.
const clockSkew = 5 * time.Minute

// findPost looks for o among the account's last statuses, since the attempt.
func (b *bot) findPost(ctx context.Context, o outgoing, attempt time.Time) (report.Receipt, error) {
	var list []status
	err := b.client.get(ctx, "/api/v1/accounts/"+url.PathEscape(b.account.AccountID)+"/statuses", url.Values{"limit": {"40"}, "exclude_reblogs": {"true"}}, &list)
	if err != nil {
		return report.Receipt{}, b.sendError(ctx, err)
	}
	text, shorter := b.cut(ctx, o.text)
	for _, st := range list {
		shown := plainText(st.Content, mentionOf{})
		if st.time().Before(attempt.Add(-clockSkew)) || !sameText(shown, text) && !sameText(shown, shorter) {
			continue
		}
		// Two reports may have the same text: this status may be the other's.
		others, err := b.network.store.isPosted(ctx, b.bot.ID, string(st.ID))
		if err != nil {
			return report.Receipt{}, err
		}
		if !others {
			return b.posted(ctx, o, string(st.ID), st.URL)
		}
	}
	return report.Receipt{}, nil
}

// sendError gives the error of a post or boost its kind. A 403 is either about
// this one status or about the account as a whole: the instance is asked.
func (b *bot) sendError(ctx context.Context, err error) error {
	switch statusOf(err) {
	case http.StatusForbidden:
		if _, verr := b.client.verify(ctx); verr != nil {
			return b.client.explain(ctx, verr)
		}
		return bots.Permanent(b.client.says(err))
	case http.StatusBadRequest, http.StatusNotFound, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return bots.Permanent(b.client.says(err))
	}
	return b.client.explain(ctx, err)
}

// Retract deletes what was posted, or takes a boost back.
func (b *bot) Retract(ctx context.Context, d report.Delivery) error {
	if d.Retract == nil || d.Retract.ID == "" {
		return nil
	}
	api := b.client.api("")
	var err error
	if b.boosts(d) {
		_, err = api.Unreblog(ctx, gomastodon.ID(d.Retract.ID))
	} else {
		err = api.DeleteStatus(ctx, gomastodon.ID(d.Retract.ID))
	}
	if statusOf(err) == http.StatusNotFound || isDecoding(err) {
		return nil
	}
	if err != nil {
		return b.sendError(ctx, err)
	}
	return nil
}
