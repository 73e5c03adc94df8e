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
	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// loginTimeout bounds all that a login asks of the instance.
const loginTimeout = 20 * time.Second

// stateFor is how long the browser may be away at the instance.
const stateFor = 10 * time.Minute

// statePurpose marks the signed state of a login.
const statePurpose = "mastodon.login"

// settings is what settings.tmpl shows.
type settings struct {
	Account *profile // connected
	Pending *profile // logged in, waits to be confirmed

	// What was typed, and what is wrong with it: text ids.
	Instance      string
	Error         string
	Says          string // the instance's own words about Error
	TokenInstance string
	Token         string
	TokenError    string
	TokenSays     string
}

// profile is an account as it is shown.
type profile struct {
	ID       string
	Handle   string
	URL      string
	Instance string // as people know it: "mastodon.example"
}

// SettingsRoutes adds the routes of the settings section.
func (n *network) SettingsRoutes(r chi.Router, site bots.Site) {
	n.site = site
	h := n.site.Handler
	r.Post("/connect", h(n.handleConnect))
	r.Get("/callback", h(n.handleCallback))
	r.Post("/token", h(n.handleToken))
	r.Post("/confirm", h(n.handleConfirm))
	r.Post("/cancel", h(n.handleCancel))
}

// PublicRoutes adds nothing: riders use Mastodon itself.
func (n *network) PublicRoutes(chi.Router, bots.Site) {}

// Settings returns the connected account and the login that waits.
func (n *network) Settings(ctx context.Context, city report.City, own []report.Bot) (any, error) {
	bot := firstOf(own)
	return n.settings(ctx, city, bot)
}

func (n *network) settings(ctx context.Context, city report.City, bot *report.Bot) (settings, error) {
	var s settings
	if bot != nil {
		a, err := n.store.account(ctx, bot.ID)
		if err != nil && !errors.Is(err, db.ErrNotFound) {
			return s, err
		}
		if err == nil {
			s.Account = &profile{ID: a.AccountID, Handle: "@" + a.Handle, URL: a.URL, Instance: hostOf(a.Instance)}
			s.Instance, s.TokenInstance = s.Account.Instance, s.Account.Instance
		}
	}
	p, err := n.store.pending(ctx, city.ID)
	if errors.Is(err, db.ErrNotFound) || err == nil && p.Token == "" {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	s.Pending = &profile{ID: p.AccountID, Handle: "@" + p.Handle, URL: p.URL, Instance: hostOf(p.Instance)}
	return s, nil
}

// form answers with the settings page; change puts in what was typed and what
// is wrong.
func (n *network) form(w http.ResponseWriter, r *http.Request, change func(*settings)) error {
	city := n.site.City(r)
	var bot *report.Bot
	if b, err := n.host.DB.FindBot(r.Context(), city.ID, name); err == nil {
		bot = &b
	} else if !errors.Is(err, db.ErrNotFound) {
		return err
	}
	s, err := n.settings(r.Context(), city, bot)
	if err != nil {
		return err
	}
	change(&s)
	return n.site.Settings(w, r, http.StatusUnprocessableEntity, name, s)
}

// explainLogin finds the text id for an error of a login and the instance's own
// words. An error that is not the instance's is returned as it is.
func explainLogin(err error) (id, says string, other error) {
	switch {
	case errors.Is(err, errBadInstance):
		return "mastodon.error.bad_instance", "", nil
	case errors.Is(err, errNotMastodon):
		return string(notMastodon), "", nil
	case errors.Is(err, errStored):
		return "", "", err
	}
	return string(troubleOf(err)), wordsOf(err), nil
}

// errStored marks errors of our own database during a login.
var errStored = errors.New("login not stored")

// handleConnect sends the browser to the instance, to log in there.
func (n *network) handleConnect(w http.ResponseWriter, r *http.Request) error {
	typed := r.FormValue("instance")
	target, err := n.beginLogin(r.Context(), n.site.City(r), typed)
	if err != nil {
		id, says, other := explainLogin(err)
		if other != nil {
			return other
		}
		return n.form(w, r, func(s *settings) { s.Instance, s.Error, s.Says = typed, id, says })
	}
	http.Redirect(w, r, target, http.StatusSeeOther)
	return nil
}

// beginLogin returns the URL of the instance's page that asks for permission.
func (n *network) beginLogin(ctx context.Context, city report.City, typed string) (string, error) {
	ctx, done := context.WithTimeout(ctx, loginTimeout)
	defer done()
	base, err := parseInstance(typed, n.host.Config.Network.AllowPrivate)
	if err != nil {
		return "", err
	}
	if _, err := n.instance(ctx, base); err != nil {
		return "", err
	}
	a, err := n.app(ctx, base)
	if err != nil {
		return "", err
	}
	nonce := rand.Text()
	if err := n.store.savePending(ctx, pending{CityID: city.ID, Instance: base, Nonce: nonce}); err != nil {
		return "", errors.Join(errStored, err)
	}
	return a.authorizeURL(n.signState(city, nonce)), nil
}

// The state of a login names the city and a nonce that is good for one use.
func (n *network) signState(city report.City, nonce string) string {
	return n.host.Secrets.Sign(statePurpose, strconv.FormatInt(city.ID, 10)+":"+nonce, n.host.Now().Add(stateFor))
}

// readState returns the nonce of a state that was made for the city.
func (n *network) readState(city report.City, state string) (string, bool) {
	payload, err := n.host.Secrets.Verify(statePurpose, state, n.host.Now())
	if err != nil {
		return "", false
	}
	id, nonce, _ := strings.Cut(payload, ":")
	return nonce, id == strconv.FormatInt(city.ID, 10)
}

// handleCallback is where the instance sends the browser back to. It turns the
// code, which is good once and for a moment, into a token, and keeps that until
// the moderator confirms the account: nothing is connected yet.
func (n *network) handleCallback(w http.ResponseWriter, r *http.Request) error {
	ctx, done := context.WithTimeout(r.Context(), loginTimeout)
	defer done()
	city := n.site.City(r)
	wrong := func(id, says string) error {
		return n.form(w, r, func(s *settings) { s.Error, s.Says = id, says })
	}
	nonce, ok := n.readState(city, r.FormValue("state"))
	if !ok {
		return wrong("mastodon.error.state", "")
	}
	base, err := n.store.takeNonce(ctx, city.ID, nonce)
	if errors.Is(err, db.ErrNotFound) {
		return wrong("mastodon.error.state", "")
	}
	if err != nil {
		return err
	}
	if r.FormValue("error") == "access_denied" {
		return wrong("mastodon.error.denied", "")
	}
	token, err := n.exchange(ctx, base, r.FormValue("code"))
	if s := statusOf(err); s >= http.StatusBadRequest && s < http.StatusInternalServerError {
		// The code has expired, or the instance has forgotten the app that it
		// was made for; the next login registers anew.
		return wrong("mastodon.error.state", wordsOf(err))
	}
	if err == nil {
		err = n.hold(ctx, city, base, token)
	}
	if err != nil {
		id, says, other := explainLogin(err)
		if other != nil {
			return other
		}
		return n.form(w, r, func(s *settings) { s.Instance, s.Error, s.Says = hostOf(base), id, says })
	}
	return n.site.Saved(w, r, name, n.site.T(r, "mastodon.please_confirm"))
}

// handleToken takes an access token that was made on the instance by hand.
func (n *network) handleToken(w http.ResponseWriter, r *http.Request) error {
	ctx, done := context.WithTimeout(r.Context(), loginTimeout)
	defer done()
	typed, token := r.FormValue("instance"), strings.TrimSpace(r.FormValue("token"))
	err := n.holdTyped(ctx, n.site.City(r), typed, token)
	if err == nil {
		return n.site.Saved(w, r, name, n.site.T(r, "mastodon.please_confirm"))
	}
	id, says, other := explainLogin(err)
	switch {
	case other != nil:
		return other
	case errors.Is(err, errNoToken):
		id = "mastodon.error.no_token"
	case id == string(loginRefused):
		id = "mastodon.error.token_refused"
	}
	return n.form(w, r, func(s *settings) {
		s.TokenInstance, s.Token, s.TokenError, s.TokenSays = typed, token, id, says
	})
}

// errNoToken is what was typed as a token and can be none.
var errNoToken = errors.New("not an access token")

func (n *network) holdTyped(ctx context.Context, city report.City, typed, token string) error {
	base, err := parseInstance(typed, n.host.Config.Network.AllowPrivate)
	if err != nil {
		return err
	}
	if token == "" || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errNoToken
	}
	return n.hold(ctx, city, base, token)
}

// hold finds out whose token it is and keeps it until it is confirmed. From
// here on mentions count: those before are old.
func (n *network) hold(ctx context.Context, city report.City, base, token string) error {
	i, err := n.instance(ctx, base)
	if err != nil {
		return err
	}
	c := n.client(base, token)
	me, err := c.verify(ctx)
	if err != nil {
		return err
	}
	if me.ID == "" || me.Acct == "" {
		return errNotMastodon
	}
	cursor, err := c.newest(ctx)
	if err != nil {
		return err
	}
	user, _, _ := strings.Cut(strings.ToLower(me.Acct), "@")
	err = n.store.savePending(ctx, pending{CityID: city.ID, Instance: base, AccountID: string(me.ID),
		Handle: user + "@" + i.domain, URL: profileURL(me.URL, base, user), Token: token, Cursor: cursor})
	if err != nil {
		return errors.Join(errStored, err)
	}
	return nil
}

// profileURL is the profile as the instance names it, where that is a web
// address.
func profileURL(named, base, user string) string {
	if strings.HasPrefix(named, "https://") || strings.HasPrefix(named, "http://") {
		return named
	}
	return base + "/@" + user
}

// handleConfirm connects the account that was shown.
func (n *network) handleConfirm(w http.ResponseWriter, r *http.Request) error {
	ctx, site := r.Context(), n.site
	city := site.City(r)
	p, err := n.store.pending(ctx, city.ID)
	if errors.Is(err, db.ErrNotFound) || err == nil && (p.Token == "" || p.AccountID != r.FormValue("account")) {
		return n.form(w, r, func(s *settings) { s.Error = "mastodon.error.waited" })
	}
	if err != nil {
		return err
	}
	_, err = site.Connect(ctx, city, name, n.botID(ctx, city), func(tx *gorm.DB, b report.Bot) error { return n.store.saveAccount(tx, b.ID, p) })
	if errors.Is(err, errAccountTaken) {
		if err := n.store.deletePending(ctx, city.ID); err != nil {
			return err
		}
		return n.form(w, r, func(s *settings) { s.Error = "mastodon.error.taken" })
	}
	if err != nil {
		return err
	}
	return site.Saved(w, r, name, site.T(r, "mastodon.connected", "Handle", "@"+p.Handle))
}

// handleCancel drops the login that waits.
func (n *network) handleCancel(w http.ResponseWriter, r *http.Request) error {
	if err := n.store.deletePending(r.Context(), n.site.City(r).ID); err != nil {
		return err
	}
	return n.site.Saved(w, r, name, n.site.T(r, "mastodon.cancelled"))
}

// firstOf is the first of the city's bots, nil where there is none.
func firstOf(own []report.Bot) *report.Bot {
	if len(own) == 0 {
		return nil
	}
	return &own[0]
}

// botID is the id of the city's bot, 0 where it has none.
func (n *network) botID(ctx context.Context, city report.City) int64 {
	b, err := n.host.DB.FindBot(ctx, city.ID, name)
	if err != nil {
		return 0
	}
	return b.ID
}
