package chat

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/account"
	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// maxWelcome is how long the welcome text may be, in characters: what is stored
// is said in the same message.
const maxWelcome = 2000

// Card is what settings.tmpl of a chat network shows.
type Card struct {
	*account.Card
	Welcomes []Welcome   // of the bots, in their order
	Lists    []GroupList // of the bots, in their order
}

// Welcome is the welcome text of a bot as it is shown.
type Welcome struct {
	BotID  int64
	Handle string
	Text   string
	Stored string // what is said after it
	Error  string // what is wrong with it, in words
}

// Section adds the welcome texts and the groups to the card.
func (n *network) Section(ctx context.Context, city report.City, _ []report.Bot, c *account.Card) (any, error) {
	card := &Card{Card: c}
	for _, a := range c.Accounts {
		welcome, err := n.welcome(ctx, a.BotID)
		if err != nil {
			return nil, err
		}
		if welcome == "" {
			welcome = n.defaultWelcome(city)
		}
		card.Welcomes = append(card.Welcomes, Welcome{BotID: a.BotID, Handle: a.Handle, Text: welcome,
			Stored: n.host.Texts.T(city.Language, "kit.chat.stored")})
		groups, err := n.groupList(ctx, a.BotID, a.Handle)
		if err != nil {
			return nil, err
		}
		card.Lists = append(card.Lists, groups)
	}
	return card, nil
}

func (n *network) defaultWelcome(city report.City) string {
	return strings.TrimSpace(n.host.Texts.T(city.Language, "kit.chat.welcome", "City", city.Name))
}

// welcomeForm answers the form of the welcome text.
type welcomeForm struct {
	*network
	site bots.Site
}

// handle stores the welcome text; an empty one, or the default, is the default
// from now on.
func (f *welcomeForm) handle(w http.ResponseWriter, r *http.Request) error {
	city := f.site.City(r)
	welcome := strings.TrimSpace(strings.ReplaceAll(r.FormValue("welcome"), "\r\n", "\n"))
	b, err := formBot(r, f.network, city)
	switch {
	case errors.Is(err, db.ErrNotFound) && r.FormValue("bot_id") != "":
		return &bots.PageError{Status: http.StatusNotFound, ID: "settings.error.gone", Err: err}
	case errors.Is(err, db.ErrNotFound):
		return f.pages.Show(w, r, f.site, func(c *account.Card) { c.Error = f.site.T(r, "kit.account.none") })
	case err != nil:
		return err
	case utf8.RuneCountInString(welcome) > maxWelcome:
		return f.tooLong(w, r, city, b.ID, welcome)
	case welcome == f.defaultWelcome(city):
		welcome = ""
	}
	if err := f.saveWelcome(r.Context(), b.ID, welcome); err != nil {
		return err
	}
	return f.site.Saved(w, r, f.Name, f.site.T(r, "kit.chat.welcome_saved"))
}

// formBot is the bot that the form is about: the city's first where it does not
// say. The error is db.ErrNotFound where the city has no such bot.
func formBot(r *http.Request, n *network, city report.City) (report.Bot, error) {
	field := r.FormValue("bot_id")
	if field == "" {
		return n.host.DB.FindBot(r.Context(), city.ID, n.Name)
	}
	id, err := strconv.ParseInt(field, 10, 64)
	if err != nil {
		return report.Bot{}, db.ErrNotFound
	}
	return n.host.DB.CityBot(r.Context(), city.ID, n.Name, id)
}

// tooLong shows the text that is too long again.
func (f *welcomeForm) tooLong(w http.ResponseWriter, r *http.Request, city report.City, botID int64, welcome string) error {
	own, err := f.host.DB.NetworkBots(r.Context(), city.ID, f.Name)
	if err != nil {
		return err
	}
	data, err := f.pages.Data(r.Context(), city, own, nil)
	if err != nil {
		return err
	}
	card := data.(*Card)
	for i := range card.Welcomes {
		if card.Welcomes[i].BotID == botID {
			card.Welcomes[i].Text, card.Welcomes[i].Error = welcome, f.site.T(r, "kit.chat.welcome_long", "Max", maxWelcome)
		}
	}
	return f.site.Settings(w, r, http.StatusUnprocessableEntity, f.Name, card)
}
