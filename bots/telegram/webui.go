package telegram

import (
	"context"
	"errors"
	"html/template"
	"net/http"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"
	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// connectTimeout bounds all that connecting asks of Telegram.
const connectTimeout = 20 * time.Second

// maxWelcome is how long the welcome text may be, in characters: what is stored
// is said in the same message.
const maxWelcome = 2000

// settings is what settings.tmpl shows.
type settings struct {
	Bot     *profile // connected
	Pending *profile // its token was checked, waits to be confirmed

	// What was typed, and what is wrong with it: text ids.
	Token string
	Error string
	Says  string // Telegram's own words about Error

	Welcome      string // as in force
	Stored       string // what is said after it
	WelcomeError string
}

// profile is a bot as it is shown.
type profile struct {
	ID     int64
	Handle string // "@name"
	Name   string
	URL    string
	QR     template.URL // picture of the link
}

func newProfile(id int64, username, title string) (*profile, error) {
	picture, err := qrCode(linkTo(username))
	return &profile{ID: id, Handle: "@" + username, Name: title, URL: linkTo(username), QR: picture}, err
}

// SettingsRoutes adds the routes of the settings section.
func (n *network) SettingsRoutes(r chi.Router, site bots.Site) {
	n.site = site
	h := n.site.Handler
	r.Post("/token", h(n.handleToken))
	r.Post("/confirm", h(n.handleConfirm))
	r.Post("/cancel", h(n.handleCancel))
	r.Post("/welcome", h(n.handleWelcome))
}

// PublicRoutes adds nothing: riders use Telegram itself.
func (n *network) PublicRoutes(chi.Router, bots.Site) {}

// Settings returns the connected bot and the one that waits to be confirmed.
func (n *network) Settings(ctx context.Context, city report.City, own []report.Bot) (any, error) {
	b := firstOf(own)
	return n.settings(ctx, city, b)
}

func (n *network) settings(ctx context.Context, city report.City, b *report.Bot) (settings, error) {
	var s settings
	if b != nil {
		a, err := n.store.account(ctx, b.ID)
		if err != nil && !errors.Is(err, db.ErrNotFound) {
			return s, err
		}
		if err == nil {
			if s.Bot, err = newProfile(a.TelegramID, a.Username, a.Name); err != nil {
				return s, err
			}
			s.Stored = n.host.Texts.T(city.Language, "telegram.stored")
			if s.Welcome = a.Welcome; s.Welcome == "" {
				s.Welcome = n.host.Texts.T(city.Language, "telegram.welcome", "City", city.Name)
			}
		}
	}
	p, err := n.store.pending(ctx, city.ID)
	if errors.Is(err, db.ErrNotFound) {
		return s, nil
	}
	if err == nil {
		s.Pending, err = newProfile(p.TelegramID, p.Username, p.Name)
	}
	return s, err
}

// cityBot returns the city's bot; nil where it has none.
func (n *network) cityBot(ctx context.Context, city report.City) (*report.Bot, error) {
	b, err := n.host.DB.FindBot(ctx, city.ID, name)
	if errors.Is(err, db.ErrNotFound) {
		return nil, nil
	}
	return &b, err
}

// form answers with the settings page; change puts in what was typed and what
// is wrong.
func (n *network) form(w http.ResponseWriter, r *http.Request, change func(*settings)) error {
	city := n.site.City(r)
	b, err := n.cityBot(r.Context(), city)
	if err != nil {
		return err
	}
	s, err := n.settings(r.Context(), city, b)
	if err != nil {
		return err
	}
	change(&s)
	return n.site.Settings(w, r, http.StatusUnprocessableEntity, name, s)
}

// tokenPattern is a token within whatever was copied of @BotFather's message.
var tokenPattern = regexp.MustCompile(`\b\d{5,20}:[A-Za-z0-9_-]{35}(?:[^A-Za-z0-9_-]|$)`)

// findToken returns the token in what was typed; empty where there is none.
func findToken(typed string) string {
	found := tokenPattern.FindString(typed)
	return strings.TrimRightFunc(found, func(r rune) bool {
		return !(r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r == '_' || r == '-')
	})
}

// handleToken asks Telegram whose token it is and keeps it until the bot was
// confirmed.
func (n *network) handleToken(w http.ResponseWriter, r *http.Request) error {
	ctx, done := context.WithTimeout(r.Context(), connectTimeout)
	defer done()
	city, typed := n.site.City(r), strings.TrimSpace(r.FormValue("token"))
	wrong := func(id, says string) error {
		return n.form(w, r, func(s *settings) { s.Token, s.Error, s.Says = typed, id, says })
	}
	c, err := n.client("", findToken(typed))
	if err != nil {
		return wrong("telegram.error.no_token", "")
	}
	me, err := c.me(ctx)
	if err != nil {
		return wrong(connectTrouble(err))
	}
	taken, err := n.store.isTaken(ctx, me.ID, city.ID)
	if err != nil {
		return err
	}
	if taken {
		return wrong("telegram.error.taken", "")
	}
	err = n.store.savePending(ctx, pending{CityID: city.ID, TelegramID: me.ID, Username: me.Username, Name: me.FirstName, Token: findToken(typed)})
	if err != nil {
		return err
	}
	return n.site.Saved(w, r, name, n.site.T(r, "telegram.please_confirm"))
}

// connectTrouble is the text id and Telegram's words for what went wrong while
// a bot is being connected.
func connectTrouble(err error) (id, says string) {
	id = troubleOf(err)
	switch {
	case id == "telegram.error.refused":
		return "telegram.error.token_refused", ""
	case refusal(err) != nil && id != "telegram.error.limited":
		return "telegram.error.connect", refusal(err).Description
	}
	return id, ""
}

// handleConfirm connects the bot that was shown.
func (n *network) handleConfirm(w http.ResponseWriter, r *http.Request) error {
	ctx, done := context.WithTimeout(r.Context(), connectTimeout)
	defer done()
	city := n.site.City(r)
	wrong := func(id, says string) error {
		return n.form(w, r, func(s *settings) { s.Error, s.Says = id, says })
	}
	p, err := n.store.pending(ctx, city.ID)
	if errors.Is(err, db.ErrNotFound) || err == nil && formatID(p.TelegramID) != r.FormValue("bot") {
		return wrong("telegram.error.waited", "")
	}
	if err != nil {
		return err
	}
	c, err := n.client("", p.Token)
	if err == nil {
		err = c.takeOver(ctx)
	}
	if err != nil {
		return wrong(connectTrouble(err))
	}
	_, err = n.site.Connect(ctx, city, name, n.botID(ctx, city), func(tx *gorm.DB, b report.Bot) error {
		return n.store.saveAccount(tx, b.ID, p, "")
	})
	if errors.Is(err, errBotTaken) {
		if err := n.store.deletePending(ctx, city.ID); err != nil {
			return err
		}
		return wrong("telegram.error.taken", "")
	}
	if err != nil {
		return err
	}
	n.setMenus(ctx, c)
	return n.site.Saved(w, r, name, n.site.T(r, "telegram.connected", "Handle", "@"+p.Username))
}

// setMenus makes clients offer the bot's commands, in their own language. The
// bot works without.
func (n *network) setMenus(ctx context.Context, c *client) {
	for i, language := range n.host.Texts.Languages() {
		code := language
		if i == 0 {
			code = "" // what clients of all other languages show
		}
		if err := c.setMenu(ctx, code, n.menuIn(language)); err != nil {
			n.host.Log.Warn("the menu of a Telegram bot could not be set", "err", n.host.Texts.T("en", troubleOf(err), "Words", ""))
			return
		}
	}
}

// handleCancel drops the token that waits.
func (n *network) handleCancel(w http.ResponseWriter, r *http.Request) error {
	if err := n.store.deletePending(r.Context(), n.site.City(r).ID); err != nil {
		return err
	}
	return n.site.Saved(w, r, name, n.site.T(r, "telegram.cancelled"))
}

// handleWelcome stores the welcome text; an empty one, or the default, is the
// default from now on.
func (n *network) handleWelcome(w http.ResponseWriter, r *http.Request) error {
	site := n.site
	city := site.City(r)
	text := strings.TrimSpace(strings.ReplaceAll(r.FormValue("welcome"), "\r\n", "\n"))
	b, err := n.cityBot(r.Context(), city)
	if err != nil {
		return err
	}
	switch {
	case b == nil:
		return n.form(w, r, func(s *settings) { s.Error = "telegram.error.not_connected" })
	case utf8.RuneCountInString(text) > maxWelcome:
		return n.form(w, r, func(s *settings) { s.Welcome, s.WelcomeError = text, "telegram.error.welcome_long" })
	case text == strings.TrimSpace(n.host.Texts.T(city.Language, "telegram.welcome", "City", city.Name)):
		text = ""
	}
	if err := n.store.saveWelcome(r.Context(), b.ID, text); err != nil {
		return err
	}
	return site.Saved(w, r, name, site.T(r, "telegram.welcome_saved"))
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
