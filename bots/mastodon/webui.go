package mastodon

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/account"
	"ticketfrei/bots/kit/remote"
	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// fields are those of the form that takes an access token.
var fields = []account.Field{{Name: "instance", ID: "mastodon-token-instance"}, {Name: "token", Secret: true}}

// loginTimeout bounds all that a login asks of the instance.
const loginTimeout = 20 * time.Second

// stateFor is how long the browser may be away at the instance.
const stateFor = 10 * time.Minute

// statePurpose marks the signed state of a login.
const statePurpose = "mastodon.login"

// Check finds out whose access token was typed, made on the instance by hand.
func (d *driver) Check(ctx context.Context, typed account.Typed) (account.Account, error) {
	base, err := d.parseInstance(typed["instance"])
	if err != nil {
		return account.Account{}, err
	}
	token := typed["token"]
	if token == "" || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return account.Account{}, account.Wrong("token", "mastodon.error.no_token")
	}
	return d.whose(ctx, base, token)
}

// Identify finds out whose a stored token is.
func (d *driver) Identify(ctx context.Context, a account.Account) (account.Account, error) {
	base, err := parseInstance(a.Server, d.host.Config.Network.AllowPrivate)
	if err != nil || base != a.Server { // http is only kept where private addresses are allowed
		return account.Account{}, account.Wrong("instance", "mastodon.error.bad_instance")
	}
	return d.whose(ctx, base, a.Token)
}

func (d *driver) parseInstance(typed string) (string, error) {
	base, err := parseInstance(typed, d.host.Config.Network.AllowPrivate)
	if err != nil {
		return "", account.Wrong("instance", "mastodon.error.bad_instance")
	}
	return base, nil
}

// whose finds out whose token it is. From here on mentions count: those before
// are old.
func (d *driver) whose(ctx context.Context, base, token string) (account.Account, error) {
	i, err := d.instance(ctx, base)
	if err != nil {
		return account.Account{}, err
	}
	c := d.client(base, token)
	me, err := c.verify(ctx)
	if err != nil {
		return account.Account{}, said(err)
	}
	if me.ID == "" || me.Acct == "" {
		return account.Account{}, notMastodon(base)
	}
	cursor, err := c.newest(ctx)
	if err == nil {
		err = c.mayPost(ctx)
	}
	if err != nil {
		return account.Account{}, said(err)
	}
	user, _, _ := strings.Cut(strings.ToLower(me.Acct), "@")
	return account.Account{Server: base, Remote: string(me.ID), Handle: "@" + user + "@" + i.domain,
		URL: profileURL(me.URL, base, user), Token: token, Cursor: cursor}, nil
}

// notMastodon is an answer that could be read, and is not one of Mastodon.
func notMastodon(base string) error {
	return &remote.Error{Name: hostOf(base), Status: http.StatusOK, Trouble: remote.NotTheAPI}
}

// profileURL is the profile as the instance names it, where that is a web
// address.
func profileURL(named, base, user string) string {
	if strings.HasPrefix(named, "https://") || strings.HasPrefix(named, "http://") {
		return named
	}
	return base + "/@" + user
}

// login is the form that leads to the instance, and back.
type login struct {
	*driver
	site  bots.Site
	pages *account.Pages
}

// SettingsRoutes adds the login on the instance.
func (d *driver) SettingsRoutes(r chi.Router, site bots.Site, p *account.Pages) {
	l := &login{d, site, p}
	r.Post("/connect", site.Handler(l.handleConnect))
	r.Get("/callback", site.Handler(l.handleCallback))
}

// handleConnect sends the browser to the instance, to log in there.
func (l *login) handleConnect(w http.ResponseWriter, r *http.Request) error {
	typed := r.FormValue("instance")
	target, err := l.begin(r.Context(), l.site.City(r), typed)
	if err != nil {
		return l.pages.Fail(w, r, l.site, account.Typed{"instance": typed}, err)
	}
	http.Redirect(w, r, target, http.StatusSeeOther)
	return nil
}

// begin returns the URL of the instance's page that asks for permission.
func (l *login) begin(ctx context.Context, city report.City, typed string) (string, error) {
	ctx, done := context.WithTimeout(ctx, loginTimeout)
	defer done()
	base, err := l.parseInstance(typed)
	if err != nil {
		return "", err
	}
	i, err := l.instance(ctx, base)
	if err != nil {
		return "", err
	}
	a, err := l.app(ctx, base, l.scopes(i))
	if err != nil {
		return "", err
	}
	nonce := rand.Text()
	err = l.pages.Store.Wait(ctx, account.Login{CityID: city.ID, Nonce: nonce, Account: account.Account{Server: base}})
	return a.authorizeURL(l.signState(city, nonce)), err
}

// The state of a login names the city and a nonce that is good for one use.
func (l *login) signState(city report.City, nonce string) string {
	return l.host.Secrets.Sign(statePurpose, strconv.FormatInt(city.ID, 10)+":"+nonce, l.host.Now().Add(stateFor))
}

// readState returns the nonce of a state that was made for the city.
func (l *login) readState(city report.City, state string) (string, bool) {
	payload, err := l.host.Secrets.Verify(statePurpose, state, l.host.Now())
	if err != nil {
		return "", false
	}
	id, nonce, _ := strings.Cut(payload, ":")
	return nonce, id == strconv.FormatInt(city.ID, 10)
}

// handleCallback is where the instance sends the browser back to. It turns the
// code, which is good once and for a moment, into a token, and keeps that until
// the moderator confirms the account: nothing is connected yet.
func (l *login) handleCallback(w http.ResponseWriter, r *http.Request) error {
	ctx, done := context.WithTimeout(r.Context(), loginTimeout)
	defer done()
	base, a, err := l.finish(ctx, l.site.City(r), r)
	if err == nil {
		err = l.pages.Offer(w, r, l.site, a)
	}
	if err != nil {
		return l.pages.Fail(w, r, l.site, account.Typed{"instance": hostOf(base)}, err)
	}
	return nil
}

// finish returns the account that the browser comes back with, and the instance
// as far as it is known.
func (l *login) finish(ctx context.Context, city report.City, r *http.Request) (base string, a account.Account, err error) {
	nonce, ok := l.readState(city, r.FormValue("state"))
	if !ok {
		return "", a, bots.Say(nil, "mastodon.error.state")
	}
	base, err = l.pages.Store.TakeNonce(ctx, city.ID, nonce)
	if errors.Is(err, db.ErrNotFound) {
		return "", a, bots.Say(err, "mastodon.error.state")
	}
	if err != nil {
		return "", a, err
	}
	if r.FormValue("error") == "access_denied" {
		return base, a, bots.Say(nil, "mastodon.error.denied")
	}
	token, err := l.exchange(ctx, base, r.FormValue("code"))
	if err == nil {
		a, err = l.whose(ctx, base, token)
	}
	return base, a, err
}
