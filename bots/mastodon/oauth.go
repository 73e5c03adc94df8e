package mastodon

import (
	"context"
	"errors"
	"net/url"

	gomastodon "github.com/mattn/go-mastodon"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/account"
	"ticketfrei/bots/kit/remote"
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

func (d *driver) redirectURI() string { return d.host.Config.Web.URL + callbackPath }

// app returns the program's registration with the instance: the one that is
// stored, or a new one where there is none or the instance has forgotten it.
func (d *driver) app(ctx context.Context, base string) (app, error) {
	a, err := d.apps.find(ctx, base)
	if err == nil && a.RedirectURI == d.redirectURI() && a.Scopes == scopes {
		known, err := d.isKnown(ctx, a)
		if err != nil || known {
			return a, err
		}
	} else if err != nil && !errors.Is(err, db.ErrNotFound) {
		d.host.Log.Warn("registering with the instance once more", "instance", base, "err", err)
	}
	return d.register(ctx, base)
}

// isKnown asks for a token of the app itself, which only one that the instance
// knows gets.
func (d *driver) isKnown(ctx context.Context, a app) (bool, error) {
	c := d.client(a.Instance, "")
	err := c.Explain(ctx, a.with(c).GetAppAccessToken(ctx, a.RedirectURI))
	if isAnswered(err) {
		return false, nil
	}
	return err == nil, err
}

// isAnswered tells whether an instance answered that it does not do what it was
// asked.
func isAnswered(err error) bool {
	e := remote.As(err)
	return e != nil && (e.Trouble == remote.Refused || e.Trouble == remote.Rejected)
}

// with returns the library's client as the app.
func (a app) with(c client) *gomastodon.Client {
	api := c.api()
	api.Config.ClientID, api.Config.ClientSecret = a.ClientID, a.Secret
	return api
}

func (d *driver) register(ctx context.Context, base string) (app, error) {
	c := d.client(base, "")
	registered, err := gomastodon.RegisterApp(ctx, &gomastodon.AppConfig{
		Client: *c.Library(), Server: base, ClientName: clientName,
		RedirectURIs: d.redirectURI(), Scopes: scopes, Website: d.host.Config.Web.URL,
	})
	if err != nil {
		return app{}, c.Explain(ctx, err)
	}
	if registered.ClientID == "" {
		return app{}, notMastodon(base)
	}
	a := app{Instance: base, ClientID: registered.ClientID, Secret: registered.ClientSecret, RedirectURI: d.redirectURI(), Scopes: scopes}
	return a, d.apps.save(ctx, a)
}

// authorizeURL is the page of the instance that asks for permission.
func (a app) authorizeURL(state string) string {
	return a.Instance + "/oauth/authorize?" + url.Values{"response_type": {"code"}, "client_id": {a.ClientID},
		"redirect_uri": {a.RedirectURI}, "scope": {a.Scopes}, "state": {state}}.Encode()
}

// exchange turns the code that the browser brought back into a token.
func (d *driver) exchange(ctx context.Context, base, code string) (string, error) {
	a, err := d.apps.find(ctx, base)
	if err != nil {
		return "", err
	}
	c := d.client(base, "")
	api := a.with(c)
	err = c.Explain(ctx, api.GetUserAccessToken(ctx, code, a.RedirectURI))
	if isAnswered(err) {
		// The code has expired, or the instance has forgotten the app that it was
		// made for; the next login registers once more.
		return "", bots.Say(err, "mastodon.error.state")
	}
	if err == nil && api.Config.AccessToken == "" {
		err = notMastodon(base)
	}
	return api.Config.AccessToken, err
}

// Forget asks the instance to delete the token: where it does not, the account's
// owner can. A token that was pasted belongs to another app, and is its owner's
// to delete.
func (d *driver) Forget(ctx context.Context, account account.Account) error {
	a, err := d.apps.find(ctx, account.Server)
	if err != nil {
		return nil // no login was made here, or with another secret key
	}
	ctx, done := context.WithTimeout(ctx, d.timings.forget)
	defer done()
	c := d.client(account.Server, account.Token)
	if err := c.Explain(ctx, a.with(c).RevokeToken(ctx)); err != nil {
		d.host.Log.Info("the instance did not delete the access token", "instance", account.Server, "err", err)
	}
	return nil
}
