package mail

import (
	"context"
	"errors"
	"html/template"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/markdown"
	"ticketfrei/internal/report"
)

// maxPage is how long the text of the mail page may be, in characters.
const maxPage = 20_000

// settings is what settings.tmpl shows. Errors are texts, ready to be shown.
type settings struct {
	Made        bool   // the city has its bot
	Address     string // where riders write to
	Page        string // markdown of the mail page
	PageError   string
	Preview     template.HTML // of the page, where somebody asked for it
	ShowPreview bool
	Remove      string // address to be removed
	RemoveError string
}

// Settings returns what the section shows of the city.
func (n *Network) Settings(ctx context.Context, city report.City, own []report.Bot) (any, error) {
	bot := firstOf(own)
	return n.settings(ctx, city, bot)
}

func (n *Network) settings(ctx context.Context, city report.City, bot *report.Bot) (*settings, error) {
	s := &settings{Address: n.address(city), Page: n.defaultPage(city)}
	if bot == nil {
		return s, nil
	}
	s.Made = true
	page, err := n.page(ctx, bot.ID)
	if err != nil {
		return nil, err
	}
	s.Page = n.orDefault(city, page)
	return s, nil
}

// defaultPage is the markdown of a mail page that nobody has changed.
func (n *Network) defaultPage(city report.City) string {
	return strings.TrimSpace(n.t(city, "mail.page.default", "City", city.Name, "Address", n.address(city)))
}

// SettingsRoutes adds the forms of the section.
func (n *Network) SettingsRoutes(r chi.Router, site bots.Site) {
	n.site = site
	r.Post("/page", n.site.Handler(n.handlePageSave))
	r.Post("/remove", n.site.Handler(n.handleRemove))
}

// cityBot returns the mail bot of the city that the request is about.
func (n *Network) cityBot(r *http.Request) (report.City, report.Bot, error) {
	city := n.site.City(r)
	b, err := n.host.DB.FindBot(r.Context(), city.ID, Name)
	if errors.Is(err, db.ErrNotFound) {
		err = &bots.PageError{Status: http.StatusNotFound, ID: "mail.subscribe.off", Err: err}
	}
	return city, b, err
}

// handlePageSave stores the text of the mail page, or shows what it will look
// like.
func (n *Network) handlePageSave(w http.ResponseWriter, r *http.Request) error {
	city, b, err := n.cityBot(r)
	if err != nil {
		return err
	}
	s, err := n.settings(r.Context(), city, &b)
	if err != nil {
		return err
	}
	s.Page = strings.TrimSpace(strings.ReplaceAll(r.PostFormValue("page"), "\r\n", "\n"))
	if utf8.RuneCountInString(s.Page) > maxPage {
		s.PageError = n.site.T(r, "mail.settings.page_long", "Max", maxPage)
		return n.site.Settings(w, r, http.StatusUnprocessableEntity, Name, s)
	}
	if r.PostFormValue("action") == "preview" {
		s.Preview, s.ShowPreview = markdown.HTML(n.orDefault(city, s.Page)), true
		return n.site.Settings(w, r, http.StatusOK, Name, s)
	}
	if s.Page == n.defaultPage(city) {
		// The default is not stored: it follows the city's name and language.
		s.Page = ""
	}
	if err := n.savePage(r.Context(), b.ID, s.Page); err != nil {
		return err
	}
	return n.site.Saved(w, r, Name, n.site.T(r, "mail.settings.page_saved"))
}

func (n *Network) orDefault(city report.City, page string) string {
	if page == "" {
		return n.defaultPage(city)
	}
	return page
}

// handleRemove removes a subscriber, who asked a moderator for it.
func (n *Network) handleRemove(w http.ResponseWriter, r *http.Request) error {
	city, b, err := n.cityBot(r)
	if err != nil {
		return err
	}
	typed := r.PostFormValue("email")
	removed, err := n.unsubscribe(r.Context(), b.ID, strings.ToLower(strings.TrimSpace(typed)))
	if err != nil {
		return err
	}
	if removed {
		return n.site.Saved(w, r, Name, n.site.T(r, "mail.settings.removed"))
	}
	s, err := n.settings(r.Context(), city, &b)
	if err != nil {
		return err
	}
	s.Remove, s.RemoveError = typed, n.site.T(r, "mail.settings.remove_unknown")
	return n.site.Settings(w, r, http.StatusUnprocessableEntity, Name, s)
}

// firstOf is the first of the city's bots, nil where there is none.
func firstOf(own []report.Bot) *report.Bot {
	if len(own) == 0 {
		return nil
	}
	return &own[0]
}
