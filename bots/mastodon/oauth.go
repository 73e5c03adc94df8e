package mastodon

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	gomastodon "github.com/mattn/go-mastodon"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/account"
	"ticketfrei/bots/kit/remote"
	"ticketfrei/db"
)

// callbackPath is where the instance sends the browser back to.
const callbackPath = "/settings/" + name + "/callback"

// clientName is shown by the instance where it asks for permission.
const clientName = "Ticketfrei"

func (d *driver) redirectURI() string { return d.host.Config.Web.URL + callbackPath }

// app returns the program's registration with the instance: the one that is
// stored, or a new one where there is none for these scopes or the instance has
// forgotten it.
func (d *driver) app(ctx context.Context, base, scopes string) (a app, err error) {
	for range 3 { // somebody else may register at the same moment: then theirs is taken
		if a, err = d.appOnce(ctx, base, scopes); !errors.Is(err, errRegistered) {
			break
		}
	}
	return a, err
}

func (d *driver) appOnce(ctx context.Context, base, scopes string) (app, error) {
	a, err := d.apps.find(ctx, base)
	if err == nil && a.RedirectURI == d.redirectURI() && a.Scopes == scopes {
		known, err := d.isKnown(ctx, a)
		if err != nil || known {
			return a, err
		}
	} else if err != nil && !errors.Is(err, db.ErrNotFound) {
		d.host.Log.Warn("registering with the instance once more", "instance", base, "err", err)
	}
	return d.register(ctx, base, scopes, a.ClientID)
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

// register registers with the instance, in place of the registration with the id seen.
func (d *driver) register(ctx context.Context, base, scopes, seen string) (app, error) {
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
	return a, d.apps.save(ctx, a, seen)
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
	var made struct {
		Token string `json:"access_token"`
		Scope string `json:"scope"`
	}
	err = d.client(base, "").Form(ctx, http.MethodPost, "/oauth/token", url.Values{"grant_type": {"authorization_code"}, "code": {code},
		"client_id": {a.ClientID}, "client_secret": {a.Secret}, "redirect_uri": {a.RedirectURI}}, &made)
	switch {
	case isAnswered(err):
		// The code has expired, or the instance has forgotten the app that it was
		// made for; the next login registers once more.
		return "", bots.Say(err, "mastodon.error.state")
	case err != nil && !isMisfit(err):
		return "", err
	case made.Token == "":
		return "", notMastodon(base)
	case made.Scope != "" && !covers(made.Scope, writeScope):
		return "", bots.Say(nil, "mastodon.error.scopes", "Scope", writeScope)
	}
	return made.Token, nil
}

// Forget ends what the account has at the instance: its calls, and its token.
func (d *driver) Forget(ctx context.Context, a account.Account) error {
	if err := d.Replaced(ctx, a); err != nil {
		return err
	}
	return d.pushes.ended(ctx, a.BotID)
}

// Replaced does so for an account that has another token now.
func (d *driver) Replaced(ctx context.Context, former account.Account) error {
	if d.pushes.has(ctx, former.BotID) {
		// The token's end is that of its calls as well, but one that was pasted stays.
		if err := d.unsubscribe(ctx, former); err != nil {
			d.host.Log.Info("the instance did not end its calls", "instance", former.Server, "err", err)
		}
	}
	return d.revoke(ctx, former)
}

// revoke asks the instance to delete the token: where it does not, the account's
// owner can. A token that was pasted belongs to another app, and is its owner's
// to delete.
func (d *driver) revoke(ctx context.Context, a account.Account) error {
	made, err := d.apps.all(ctx, a.Server)
	if err != nil || len(made) == 0 {
		return err // no login was made here, or with another secret key
	}
	ctx, done := context.WithTimeout(ctx, d.timings.forget)
	defer done()
	c := d.client(a.Server, a.Token)
	for _, app := range made {
		err = c.Explain(ctx, app.with(c).RevokeToken(ctx))
		if !isAnswered(err) {
			break // done; or there is nobody to ask
		}
	}
	if err != nil {
		d.host.Log.Info("the instance did not delete the access token", "instance", a.Server, "err", err)
	}
	return nil
}
