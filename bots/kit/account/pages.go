package account

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/remote"
	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// loginTimeout bounds all that a login asks of the network.
const loginTimeout = 20 * time.Second

// Field is a field of the form that asks for an account. Its texts are
// <network>.field.<name>, and where they are there <network>.hint.<name> and
// <network>.example.<name>.
type Field struct {
	Name   string
	ID     string // of the input on the page; empty means <network>-<name>
	Secret bool   // it is shown as dots while it is typed, and to nobody again
}

// Typed is what was typed into the fields, without white space around it.
type Typed map[string]string

// Checker finds out whose account the typed values are.
type Checker interface {
	// Check returns the account, with its token and the cursor to begin with.
	// Errors are those of Wrong, and those that can Say themselves; others are
	// not the moderator's to mend.
	Check(ctx context.Context, typed Typed) (Account, error)
}

// Close closes a Checker that is an io.Closer.
func Close(c Checker) error {
	if closer, ok := c.(io.Closer); ok {
		return closer.Close()
	}
	return nil
}

// Connecter is a Checker that has something to do when an account is connected.
type Connecter interface {
	// Connect is called before the account is stored; where it fails, nothing
	// is connected.
	Connect(ctx context.Context, a Account) error
}

// Replacer is a Checker that has something to do when a bot's account was connected with
// another token.
type Replacer interface {
	// Replaced is called with the account as it was, after the new token is stored.
	Replaced(ctx context.Context, former Account) error
}

// Wrong is an error of what was typed into a field: the text id says what.
func Wrong(field, id string, data ...any) error {
	return &bots.FieldError{Field: field, Err: bots.Say(nil, id, data...)}
}

// Pages are the forms by which an account is connected: the token is checked,
// the account shown, and then confirmed or dropped.
type Pages struct {
	Network string
	Store   *Store
	Host    bots.Host
	Fields  []Field
	Checker Checker
	// Answering is what may be chosen of how who reports is answered; without choices
	// nobody is.
	Answering Answering
	// Section makes what settings.tmpl shows of the card: the card itself
	// where it is nil.
	Section Section
}

// Section adds to a card what else a network's section shows.
type Section interface {
	// Section returns what settings.tmpl sees as .Data. Card must be in it.
	Section(ctx context.Context, city report.City, own []report.Bot, c *Card) (any, error)
}

// Routes adds the routes of the forms.
func (p *Pages) Routes(r chi.Router, site bots.Site) {
	f := &form{p, site}
	r.Post("/token", site.Handler(f.handleToken))
	r.Post("/confirm", site.Handler(f.handleConfirm))
	r.Post("/cancel", site.Handler(f.handleCancel))
	if len(p.Answering.Choices) > 0 {
		r.Post("/answers", site.Handler(f.handleAnswers))
	}
}

// Data returns what settings.tmpl shows as .Data.
func (p *Pages) Data(ctx context.Context, city report.City, own []report.Bot, change func(*Card)) (any, error) {
	c, err := p.card(ctx, city, own)
	if err != nil {
		return nil, err
	}
	if change != nil {
		change(c)
	}
	if p.Section == nil {
		return c, nil
	}
	return p.Section.Section(ctx, city, own, c)
}

// Show answers with the settings page. change puts in what was typed and what
// is wrong with it.
func (p *Pages) Show(w http.ResponseWriter, r *http.Request, site bots.Site, change func(*Card)) error {
	city := site.City(r)
	own, err := p.Host.DB.NetworkBots(r.Context(), city.ID, p.Network)
	if err != nil {
		return err
	}
	data, err := p.Data(r.Context(), city, own, change)
	if err != nil {
		return err
	}
	return site.Settings(w, r, http.StatusUnprocessableEntity, p.Network, data)
}

// Offer keeps a checked account until it is confirmed, and sends the moderator
// to where that is done. The error is ErrTaken where it is another city's.
func (p *Pages) Offer(w http.ResponseWriter, r *http.Request, site bots.Site, a Account) error {
	city := site.City(r)
	if _, err := p.Store.BotOf(r.Context(), city.ID, a); err != nil {
		return err
	}
	if err := p.Store.Wait(r.Context(), Login{CityID: city.ID, Account: a}); err != nil {
		return err
	}
	return site.Saved(w, r, p.Network, site.T(r, "kit.account.please_confirm"))
}

// Maker makes bots: a bots.Site or a bots.Host.
type Maker interface {
	Connect(ctx context.Context, city report.City, network string, botID int64, save func(tx *gorm.DB, b report.Bot) error) (report.Bot, error)
}

// Connect makes the account a bot of the city, or gives the bot that has it its
// new token.
func (p *Pages) Connect(ctx context.Context, by Maker, city report.City, a Account) (report.Bot, error) {
	b, err := p.connect(ctx, by, city, a)
	if errors.Is(err, ErrTaken) {
		// The first of two clicks may have made it the city's own a moment ago.
		b, err = p.connect(ctx, by, city, a)
	}
	return b, err
}

func (p *Pages) connect(ctx context.Context, by Maker, city report.City, a Account) (report.Bot, error) {
	botID, err := p.Store.BotOf(ctx, city.ID, a)
	if err != nil {
		return report.Bot{}, err
	}
	former, _ := p.Store.Account(ctx, botID) // none, or one that cannot be read: nothing to replace
	b, err := by.Connect(ctx, city, p.Network, botID, func(tx *gorm.DB, b report.Bot) error {
		a.BotID = b.ID
		if err := p.Store.Put(tx, a); err != nil {
			return err
		}
		return p.Store.confirmed(tx, city.ID, a)
	})
	if err == nil && former.Token != "" && former.Token != a.Token {
		p.replaced(ctx, former)
	}
	return b, err
}

// replaced tells the network that an account has another token. The account is connected,
// whatever comes of that.
func (p *Pages) replaced(ctx context.Context, former Account) {
	r, ok := p.Checker.(Replacer)
	if !ok {
		return
	}
	if err := r.Replaced(ctx, former); err != nil {
		p.Host.Log.Warn("what an account had before it was connected again was not ended", "bot", former.BotID, "err", err)
	}
}

// Words puts an error of a login into the words of the page; empty where the
// error is not for the moderator.
func (p *Pages) Words(r *http.Request, site bots.Site, err error) string {
	if s := sayer(err); s != nil {
		return s.Say(func(id string, data ...any) string { return site.T(r, id, data...) })
	}
	return ""
}

// sayer returns what says an error of a login; nil where it is not for moderators.
func sayer(err error) bots.Sayer {
	if errors.Is(err, ErrTaken) {
		err = bots.Say(err, "kit.account.taken")
	}
	s, _ := errors.AsType[bots.Sayer](err)
	return s
}

// Fail answers a form of the network's own with the settings page that says what
// is wrong, above what was typed. An error that is not for the moderator is
// returned.
func (p *Pages) Fail(w http.ResponseWriter, r *http.Request, site bots.Site, typed Typed, err error) error {
	words := p.Words(r, site, err)
	if words == "" {
		return err
	}
	return p.Show(w, r, site, func(c *Card) {
		c.fill(typed, "", "")
		c.Error = words
	})
}

// form answers the forms of a site.
type form struct {
	*Pages
	site bots.Site
}

// handleToken asks the network whose login was typed.
func (f *form) handleToken(w http.ResponseWriter, r *http.Request) error {
	ctx, done := context.WithTimeout(r.Context(), loginTimeout)
	defer done()
	typed := f.typed(r.FormValue)
	a, err := f.Checker.Check(ctx, typed)
	if err == nil {
		err = f.Offer(w, r, f.site, a)
	}
	words := f.Words(r, f.site, err)
	if err == nil || words == "" {
		return err
	}
	return f.Show(w, r, f.site, func(c *Card) { c.fill(typed, f.fieldOf(err), words) })
}

// typed are the values of the fields.
func (p *Pages) typed(value func(field string) string) Typed {
	typed := Typed{}
	for _, f := range p.Fields {
		typed[f.Name] = strings.TrimSpace(value(f.Name))
	}
	return typed
}

// takeOver tells the network that an account is about to be connected.
func (p *Pages) takeOver(ctx context.Context, a Account) error {
	if c, ok := p.Checker.(Connecter); ok {
		return c.Connect(ctx, a)
	}
	return nil
}

// fieldOf is the field that an error stands at: the one that it names, the first
// that is no secret where the server is the trouble, and else the last.
func (p *Pages) fieldOf(err error) string {
	if w, ok := errors.AsType[*bots.FieldError](err); ok {
		return w.Field
	}
	if e := remote.As(err); e != nil && slices.Contains(ofServer, e.Trouble) {
		for _, f := range p.Fields {
			if !f.Secret {
				return f.Name
			}
		}
	}
	return p.Fields[len(p.Fields)-1].Name
}

// ofServer is the trouble that another address may mend, and no other login.
var ofServer = []remote.Trouble{remote.UnknownHost, remote.PrivateHost, remote.NoAnswer, remote.Unreachable,
	remote.BadCertificate, remote.NotTheAPI}

// handleConfirm connects the account that was shown.
func (f *form) handleConfirm(w http.ResponseWriter, r *http.Request) error {
	ctx, done := context.WithTimeout(r.Context(), loginTimeout)
	defer done()
	city := f.site.City(r)
	l, err := f.Store.Waiting(ctx, city.ID)
	switch {
	case errors.Is(err, db.ErrNotFound):
		return f.confirmAgain(w, r, city)
	case err != nil:
		return err
	case !isShown(r, l.Account):
		return f.Show(w, r, f.site, func(c *Card) { c.Error = f.site.T(r, "kit.account.another") })
	}
	if err = f.takeOver(ctx, l.Account); err == nil {
		_, err = f.Connect(ctx, f.site, city, l.Account)
	}
	if errors.Is(err, ErrTaken) {
		if err := f.Store.Drop(ctx, city.ID); err != nil {
			return err
		}
	}
	if err != nil {
		return f.Fail(w, r, f.site, nil, err)
	}
	return f.nowConnected(w, r, l.Account)
}

// confirmAgain answers where no login waits: it may have been confirmed a moment
// ago.
func (f *form) confirmAgain(w http.ResponseWriter, r *http.Request, city report.City) error {
	a, err := f.Store.Confirmed(r.Context(), city.ID)
	switch {
	case errors.Is(err, db.ErrNotFound) || err == nil && !isShown(r, a):
		return f.Show(w, r, f.site, func(c *Card) { c.Error = f.site.T(r, "kit.account.waited") })
	case err != nil:
		return err
	}
	return f.nowConnected(w, r, a)
}

func (f *form) nowConnected(w http.ResponseWriter, r *http.Request, a Account) error {
	return f.site.Saved(w, r, f.Network, f.site.T(r, "kit.account.now_connected", "Handle", a.Handle))
}

// isShown tells whether the form was made for a. One of an earlier version does
// not name the server.
func isShown(r *http.Request, a Account) bool {
	return shownAs(r) == a.Remote && (!r.Form.Has("server") || r.Form.Get("server") == a.Server)
}

// shownAs is the id of the account that the form was made for. Telegram's form
// has always called it bot.
func shownAs(r *http.Request) string {
	if id := r.FormValue("account"); id != "" {
		return id
	}
	return r.FormValue("bot")
}

// handleCancel drops the login that waits.
func (f *form) handleCancel(w http.ResponseWriter, r *http.Request) error {
	if err := f.Store.Drop(r.Context(), f.site.City(r).ID); err != nil {
		return err
	}
	return f.site.Saved(w, r, f.Network, f.site.T(r, "kit.account.cancelled"))
}
