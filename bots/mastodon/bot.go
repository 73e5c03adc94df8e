package mastodon

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"

	"ticketfrei/bots"
	"ticketfrei/internal/report"
)

// bot is one city's account at work. Receive and what it calls run in one
// goroutine, Send in another; they share nothing that changes.
type bot struct {
	network *network
	bot     report.Bot
	account account
	client  *client
	log     *slog.Logger

	// Of Receive alone:
	cursor string
	seen   recent
}

var (
	_ bots.Bot       = (*bot)(nil)
	_ bots.Checker   = (*bot)(nil)
	_ bots.Retracter = (*bot)(nil)
)

// Check makes sure that private mentions of strangers reach the account, which
// shows that the token still holds; where that cannot be set, it asks.
func (b *bot) Check(ctx context.Context) error {
	set, err := b.client.acceptStrangers(ctx)
	if set {
		return nil
	}
	if err != nil && (isLimited(err) || ctx.Err() != nil) {
		return b.client.explain(ctx, err)
	}
	if _, verr := b.client.verify(ctx); verr != nil {
		return b.client.explain(ctx, verr)
	}
	if err != nil {
		b.log.Warn("private messages of people the account does not follow may not arrive", "err", b.client.says(err))
	}
	return nil
}

// verify returns the account that the token belongs to. An account that is
// suspended or disabled is a refusal: the instance says 403 then.
func (c *client) verify(ctx context.Context) (person, error) {
	me, err := c.api("").GetAccountCurrentUser(ctx)
	if statusOf(err) == http.StatusForbidden {
		return person{}, bots.Refused(c.says(err))
	}
	if err != nil {
		return person{}, err
	}
	return person{ID: me.ID, Acct: me.Acct, URL: me.URL}, nil
}

// acceptStrangers sets the notification policy so that mentions of everybody
// arrive: since Mastodon 4.3 private ones of strangers are held back. Accounts
// that the instance's moderators have limited stay filtered. set is false
// without an error for servers without such a policy.
func (c *client) acceptStrangers(ctx context.Context) (set bool, err error) {
	err = c.call(ctx, http.MethodPatch, "/api/v2/notifications/policy", url.Values{
		"for_private_mentions": {"accept"}, "for_not_following": {"accept"},
		"for_not_followers": {"accept"}, "for_new_accounts": {"accept"}}, nil)
	if statusOf(err) == http.StatusNotFound {
		err = c.call(ctx, http.MethodPatch, "/api/v1/notifications/policy", url.Values{
			"filter_private_mentions": {"false"}, "filter_not_following": {"false"},
			"filter_not_followers": {"false"}, "filter_new_accounts": {"false"}}, nil)
	}
	if s := statusOf(err); s == http.StatusNotFound || s == http.StatusMethodNotAllowed {
		return false, nil
	}
	return err == nil, err
}

// newest returns the id of the account's newest mention, empty where there is
// none: the cursor to begin with, so that what is old is not relayed.
func (c *client) newest(ctx context.Context) (string, error) {
	list, err := c.mentions(ctx, url.Values{"limit": {"1"}})
	if err != nil || len(list) == 0 {
		return "", err
	}
	if list[0].ID == "" {
		return "", fmt.Errorf("a notification without an id")
	}
	return string(list[0].ID), nil
}
