package scaffold

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"code.dny.dev/ssrf"
	"github.com/go-chi/chi/v5"
	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/report"
)

var (
	errBadAddress = errors.New("not the address of a server")
	errNoToken    = errors.New("not an access token")
)

// settings is what settings.tmpl shows as .Data.
type settings struct {
	Handle string // of the connected account; empty where there is none
	Page   string // where the account can be seen
	// What was typed, and what is wrong with it: text ids by field.
	Address string
	Token   string
	Errors  map[string]string
}

// SettingsRoutes adds the form of the settings section. To switch the bot on or
// off and to disconnect it there are buttons on every card already.
func (n *network) SettingsRoutes(r chi.Router, site bots.Site) {
	n.site = site
	r.Post("/connect", n.site.Handler(n.handleConnect))
}

// PublicRoutes adds nothing: riders use the network itself.
func (n *network) PublicRoutes(chi.Router, bots.Site) {}

// Settings returns the connected account.
func (n *network) Settings(ctx context.Context, _ report.City, own []report.Bot) (any, error) {
	b := firstOf(own)
	return n.settings(ctx, b)
}

func (n *network) settings(ctx context.Context, b *report.Bot) (settings, error) {
	if b == nil {
		return settings{}, nil
	}
	a, err := n.account(ctx, b.ID)
	if errors.Is(err, db.ErrNotFound) {
		return settings{}, nil
	}
	if err != nil {
		return settings{}, err
	}
	return settings{Handle: a.Handle, Page: a.page(), Address: a.Address}, nil
}

// handleConnect connects the account that the token belongs to. It is asked of
// the server before anything is saved.
func (n *network) handleConnect(w http.ResponseWriter, r *http.Request) error {
	site, address, token := n.site, r.PostFormValue("address"), strings.TrimSpace(r.PostFormValue("token"))
	a, err := n.login(r.Context(), address, token)
	if err == nil {
		_, err = site.Connect(r.Context(), site.City(r), name, n.botID(r.Context(), site.City(r)), func(tx *gorm.DB, b report.Bot) error {
			return n.saveAccount(tx, b.ID, a)
		})
	}
	if err == nil {
		return site.Saved(w, r, name, site.T(r, "scaffold.connected", "Handle", a.Handle))
	}
	field, textID := mistakeOf(err)
	if textID == "" {
		return err
	}
	s, err := n.stored(r)
	if err != nil {
		return err
	}
	s.Address, s.Token, s.Errors = address, token, map[string]string{field: textID}
	return site.Settings(w, r, http.StatusUnprocessableEntity, name, s)
}

// stored is what the section shows without what was typed.
func (n *network) stored(r *http.Request) (settings, error) {
	b, err := n.host.DB.FindBot(r.Context(), n.site.City(r).ID, name)
	if errors.Is(err, db.ErrNotFound) {
		return settings{}, nil
	}
	if err != nil {
		return settings{}, err
	}
	return n.settings(r.Context(), &b)
}

// login finds out whose token it is. From here on messages count: those before
// are old.
func (n *network) login(ctx context.Context, typed, token string) (account, error) {
	address, err := parseAddress(typed, n.host.Config.Network.AllowPrivate)
	if err != nil {
		return account{}, err
	}
	if token == "" || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return account{}, errNoToken
	}
	me, err := n.client(address, token).me(ctx)
	if err != nil {
		return account{}, err
	}
	return account{Address: address, Handle: me.Name, Token: token, Cursor: me.Newest}, nil
}

// parseAddress reads what people type as the address of a server:
// "toy.example", "https://toy.example/". Without TLS it is only taken where
// plain is set.
func parseAddress(typed string, plain bool) (string, error) {
	typed = strings.TrimSpace(typed)
	if !strings.Contains(typed, "://") {
		typed = "https://" + typed
	}
	u, err := url.Parse(typed)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Opaque != "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return "", errBadAddress
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !plain) {
		return "", errBadAddress
	}
	return u.Scheme + "://" + strings.ToLower(u.Host), nil
}

// mistakeOf says at which field an error of the form belongs, and the text id
// of what to tell. The text id is empty where the mistake is not the visitor's.
func mistakeOf(err error) (field, textID string) {
	kind, _ := bots.KindOf(err)
	switch {
	case errors.Is(err, errBadAddress):
		return "address", "scaffold.error.bad_address"
	case errors.Is(err, errNoToken):
		return "token", "scaffold.error.no_token"
	case errors.Is(err, errTaken):
		return "token", "scaffold.error.taken"
	case kind == bots.KindRefused:
		return "token", "scaffold.error.refused"
	case kind == bots.KindRetryAfter, statusOf(err) >= http.StatusInternalServerError:
		return "address", "scaffold.error.busy"
	case errors.Is(err, ssrf.ErrProhibitedIP), errors.Is(err, ssrf.ErrProhibitedNetwork), errors.Is(err, ssrf.ErrProhibitedPort):
		return "address", "scaffold.error.private"
	case errors.Is(err, errUnreachable):
		return "address", "scaffold.error.unreachable"
	case errors.Is(err, errOtherAPI), statusOf(err) != 0:
		return "address", "scaffold.error.other"
	}
	return "", ""
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
