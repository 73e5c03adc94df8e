package mail

import (
	"context"
	"errors"
	"html/template"
	"net/http"
	"regexp"
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

// pages are the forms and pages of the network, with the site around them.
type pages struct {
	*Network
	site bots.Site
}

// SettingsRoutes adds the forms of the section.
func (n *Network) SettingsRoutes(r chi.Router, site bots.Site) {
	p := &pages{n, site}
	r.Post("/page", site.Handler(p.handlePageSave))
	r.Post("/remove", site.Handler(p.handleRemove))
	r.Post("/digest", site.Handler(p.handleDigestSave))
	r.Post("/answers", site.Handler(p.handleAnswersSave))
}

// UploadRoutes adds the form that holds a mail.
func (n *Network) UploadRoutes(r chi.Router, site bots.Site) {
	p := &pages{n, site}
	r.Post("/sample", site.Handler(p.handleSample))
}

// leavingPath is where subscriptions end.
const leavingPath = "unsubscribe"

// LeavingPath is where subscriptions end: see bots.Leaving.
func (n *Network) LeavingPath() string { return leavingPath }

var _ bots.Leaving = (*Network)(nil)

// PublicRoutes adds the pages of subscribing and unsubscribing. Reading them
// changes nothing, since programs that scan mails follow their links: each has
// a button.
func (n *Network) PublicRoutes(r chi.Router, site bots.Site) {
	p := &pages{n, site}
	r.Get("/", site.Handler(p.handlePage))
	r.With(p.limitByIP()).Post("/subscribe", site.Handler(p.handleSubscribe))
	r.Get("/confirm/{token}", site.Handler(p.handleConfirmPage))
	r.Post("/confirm/{token}", site.Handler(p.handleConfirm))
	r.Get("/often/{token}", site.Handler(p.handleOftenPage))
	r.Post("/often/{token}", site.Handler(p.handleOften))
	r.Get("/"+leavingPath+"/{token}", site.Handler(p.handleUnsubscribePage))
	// The same for the button on the page and for a mail program (RFC 8058).
	r.Post("/"+leavingPath+"/{token}", site.Handler(p.handleUnsubscribe))
}

// card is what settings.tmpl shows. Errors are texts, ready to be shown.
type card struct {
	Made        bool     // the city has its bot
	Address     string   // where riders write to
	Others      []string // that reach the city too
	Page        string   // markdown of the mail page
	PageError   string
	Preview     template.HTML // of the page, where somebody asked for it
	ShowPreview bool
	Remove      string // address to be removed
	RemoveError string
	Answers     bool // who reports is answered
	Offered     bool // subscribers may choose one mail an hour
	Hourly      int  // how many have
	Ignored     []ignoredOn
	Sample      sample
}

// Settings returns what the section shows of the city, which has one bot at most.
func (n *Network) Settings(ctx context.Context, city report.City, own []report.Bot) (any, error) {
	if len(own) == 0 {
		return &card{Address: n.address(city)}, nil
	}
	return n.card(ctx, city, own[0])
}

func (n *Network) card(ctx context.Context, city report.City, b report.Bot) (*card, error) {
	page, err := n.page(ctx, b.ID)
	if err != nil {
		return nil, err
	}
	c := &card{Made: true, Address: n.address(city), Page: n.orDefault(city, page), Sample: sample{Address: n.sampleAddress(city)},
		Answers: b.Answers == report.AnswersWords}
	if c.Others, err = n.otherAddresses(ctx, city); err != nil {
		return nil, err
	}
	if c.Offered, err = n.offersDigest(ctx, b); err != nil {
		return nil, err
	}
	if c.Hourly, err = n.countDigests(ctx, b.ID); err != nil {
		return nil, err
	}
	if c.Ignored, err = n.listIgnored(ctx, b.ID); err != nil {
		return nil, err
	}
	return c, nil
}

// otherAddresses are those besides the one that is shown to riders: old ones on stickers.
func (n *Network) otherAddresses(ctx context.Context, city report.City) (list []string, err error) {
	names, err := n.host.DB.OtherNames(ctx, city.ID)
	for _, name := range names {
		if plainName.MatchString(name) {
			list = append(list, name+"@"+n.host.Config.Mail.Domain)
		}
	}
	return list, err
}

// plainName is what stands before the "@" of an address as people write it.
var plainName = regexp.MustCompile(`^[\pL\pN]+([._-][\pL\pN]+)*$`)

// defaultPage is the markdown of a mail page that nobody has changed.
func (n *Network) defaultPage(city report.City) string {
	return strings.TrimSpace(n.t(city, "mail.page.default", "City", city.Name, "Address", n.address(city)))
}

func (n *Network) orDefault(city report.City, page string) string {
	if page == "" {
		return n.defaultPage(city)
	}
	return page
}

// ownCard returns what the section shows of the city that the request is about.
func (p *pages) ownCard(r *http.Request) (report.City, report.Bot, *card, error) {
	city, b, err := p.cityBot(r)
	if err != nil {
		return city, b, nil, err
	}
	c, err := p.card(r.Context(), city, b)
	return city, b, c, err
}

// cityBot returns the mail bot of the city that the request is about.
func (p *pages) cityBot(r *http.Request) (report.City, report.Bot, error) {
	city := p.site.City(r)
	b, err := p.host.DB.FindBot(r.Context(), city.ID, Name)
	if errors.Is(err, db.ErrNotFound) {
		err = &bots.PageError{Status: http.StatusNotFound, ID: "mail.subscribe.off", Err: err}
	}
	return city, b, err
}

// handlePageSave stores the text of the mail page, or shows what it will look
// like.
func (p *pages) handlePageSave(w http.ResponseWriter, r *http.Request) error {
	city, b, s, err := p.ownCard(r)
	if err != nil {
		return err
	}
	s.Page = strings.TrimSpace(strings.ReplaceAll(r.PostFormValue("page"), "\r\n", "\n"))
	if utf8.RuneCountInString(s.Page) > maxPage {
		s.PageError = p.site.T(r, "mail.settings.page_long", "Max", maxPage)
		return p.site.Settings(w, r, http.StatusUnprocessableEntity, Name, s)
	}
	if r.PostFormValue("action") == "preview" {
		s.Preview, s.ShowPreview = markdown.HTML(p.orDefault(city, s.Page)), true
		return p.site.Settings(w, r, http.StatusOK, Name, s)
	}
	if s.Page == p.defaultPage(city) {
		// The default is not stored: it follows the city's name and language.
		s.Page = ""
	}
	if err := p.savePage(r.Context(), b.ID, s.Page); err != nil {
		return err
	}
	return p.site.Saved(w, r, Name, p.site.T(r, "mail.settings.page_saved"))
}

// handleDigestSave stores whether subscribers may choose one mail an hour.
func (p *pages) handleDigestSave(w http.ResponseWriter, r *http.Request) error {
	_, b, err := p.cityBot(r)
	if err != nil {
		return err
	}
	id, on := "mail.settings.digest_off", r.PostFormValue("digest") != ""
	if on {
		id = "mail.settings.digest_on"
	}
	if err := p.saveOffer(r.Context(), b, on); err != nil {
		return err
	}
	return p.site.Saved(w, r, Name, p.site.T(r, id))
}

// handleAnswersSave stores whether who reports is answered.
func (p *pages) handleAnswersSave(w http.ResponseWriter, r *http.Request) error {
	_, b, err := p.cityBot(r)
	if err != nil {
		return err
	}
	id, answers := "mail.settings.answers_off", report.AnswersUsual
	if r.PostFormValue("answers") != "" {
		id, answers = "mail.settings.answers_on", report.AnswersWords
	}
	if err := p.host.DB.SaveAnswers(r.Context(), b.ID, answers); err != nil {
		return err
	}
	p.host.Notices.Changed(b.CityID)
	return p.site.Saved(w, r, Name, p.site.T(r, id))
}

// handleRemove removes a subscriber, who asked a moderator for it. The answer is the
// same whoever subscribes: nobody learns who does.
func (p *pages) handleRemove(w http.ResponseWriter, r *http.Request) error {
	city, b, err := p.cityBot(r)
	if err != nil {
		return err
	}
	typed := r.PostFormValue("email")
	email, problem := p.readAddress(typed)
	if problem == "" {
		if err := p.subscribers.Erase(r.Context(), b.ID, email); err != nil {
			return err
		}
		return p.site.Saved(w, r, Name, p.site.T(r, "mail.settings.removed"))
	}
	s, err := p.card(r.Context(), city, b)
	if err != nil {
		return err
	}
	s.Remove, s.RemoveError = typed, p.site.T(r, "mail.subscribe.invalid")
	return p.site.Settings(w, r, http.StatusUnprocessableEntity, Name, s)
}
