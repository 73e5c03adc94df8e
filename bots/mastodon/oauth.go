package mastodon

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	gomastodon "github.com/mattn/go-mastodon"

	"ticketfrei/db"
)

// scopes is what the program may do with an account
// (docs.joinmastodon.org/api/oauth-scopes): know who it is, read its mentions
// and its own posts, post, and set the notification policy.
const scopes = "read:accounts read:notifications read:statuses write:notifications write:statuses"

// callbackPath is where the instance sends the browser back to.
const callbackPath = "/settings/" + name + "/callback"

// clientName is shown by the instance where it asks for permission.
const clientName = "Ticketfrei"

func (n *network) redirectURI() string { return n.host.Config.Web.URL + callbackPath }

// app returns the program's registration with the instance: the one that is
// stored, or a new one where there is none or the instance has forgotten it.
func (n *network) app(ctx context.Context, base string) (app, error) {
	a, err := n.store.app(ctx, base)
	if err == nil && a.RedirectURI == n.redirectURI() && a.Scopes == scopes {
		known, err := n.appIsKnown(ctx, a)
		if err != nil || known {
			return a, err
		}
	} else if err != nil && !errors.Is(err, db.ErrNotFound) {
		n.host.Log.Warn("registering with the instance anew", "instance", base, "err", err)
	}
	return n.register(ctx, base)
}

// appIsKnown asks for a token of the app itself, which only one that the
// instance knows gets.
func (n *network) appIsKnown(ctx context.Context, a app) (bool, error) {
	err := n.appClient(a).GetAppAccessToken(ctx, a.RedirectURI)
	if s := statusOf(err); s >= http.StatusBadRequest && s < http.StatusInternalServerError {
		return false, nil
	}
	return err == nil, err
}

func (n *network) appClient(a app) *gomastodon.Client {
	c := n.client(a.Instance, "").api("")
	c.Config.ClientID, c.Config.ClientSecret = a.ClientID, a.Secret
	return c
}

func (n *network) register(ctx context.Context, base string) (app, error) {
	registered, err := gomastodon.RegisterApp(ctx, &gomastodon.AppConfig{
		Client: n.client(base, "").http(""), Server: base, ClientName: clientName,
		RedirectURIs: n.redirectURI(), Scopes: scopes, Website: n.host.Config.Web.URL,
	})
	if err != nil {
		return app{}, err
	}
	if registered.ClientID == "" {
		return app{}, errNotMastodon
	}
	a := app{Instance: base, ClientID: registered.ClientID, Secret: registered.ClientSecret, RedirectURI: n.redirectURI(), Scopes: scopes}
	return a, n.store.saveApp(ctx, a)
}

// authorizeURL is the page of the instance that asks for permission.
func (a app) authorizeURL(state string) string {
	return a.Instance + "/oauth/authorize?" + url.Values{"response_type": {"code"}, "client_id": {a.ClientID},
		"redirect_uri": {a.RedirectURI}, "scope": {a.Scopes}, "state": {state}}.Encode()
}

// exchange turns the code that the browser brought back into a token.
func (n *network) exchange(ctx context.Context, base, code string) (string, error) {
	a, err := n.store.app(ctx, base)
	if err != nil {
		return "", err
	}
	c := n.appClient(a)
	if err := c.GetUserAccessToken(ctx, code, a.RedirectURI); err != nil {
		return "", err
	}
	if c.Config.AccessToken == "" {
		return "", errNotMastodon
	}
	return c.Config.AccessToken, nil
}

// revoke asks the instance to delete the token. A token that was pasted belongs
// to another app, and is its owner's to delete.
func (n *network) revoke(ctx context.Context, account account) {
	a, err := n.store.app(ctx, account.Instance)
	if err != nil {
		return
	}
	ctx, done := context.WithTimeout(ctx, n.timings.forget)
	defer done()
	c := n.appClient(a)
	c.Config.AccessToken = account.Token
	if err := c.RevokeToken(ctx); err != nil {
		n.host.Log.Info("the instance did not delete the access token", "instance", account.Instance, "err", n.client(account.Instance, "").says(err))
	}
}
