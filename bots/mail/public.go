package mail

import (
	"context"
	"errors"
	"html/template"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/httprate"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/clients"
	"ticketfrei/internal/mailer"
	"ticketfrei/internal/markdown"
	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"
)

// subscribesPerHour is how often one address on the internet may ask for a
// subscription: whole houses and schools share one.
const subscribesPerHour = 60

// maxForm bounds what a form may send, in bytes.
const maxForm = 64 << 10

func (p *pages) limitByIP() func(http.Handler) http.Handler {
	key := func(r *http.Request) (string, error) { return p.site.ClientIP(r), nil }
	tooMany := p.site.Handler(func(http.ResponseWriter, *http.Request) error {
		return &bots.PageError{Status: http.StatusTooManyRequests, ID: "mail.subscribe.too_many"}
	})
	limit := httprate.LimitBy(subscribesPerHour, time.Hour, key, httprate.WithLimitHandler(tooMany))
	return func(next http.Handler) http.Handler {
		limited := limit(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			limited.ServeHTTP(w, clients.LimitRequest(r, subscribesPerHour, p.host.DB.LivingProcesses()))
		})
	}
}

// publicPage is what page.tmpl shows.
type publicPage struct {
	Text    template.HTML // by the moderator, or the default
	Own     bool          // Text is a moderator's, and may not say how to report
	Address string
	On      bool   // the bot is switched on
	Offered bool   // one mail an hour can be chosen
	Hourly  bool   // it was chosen
	Email   string // as it was typed
	Error   string // what is wrong with Email, a text
}

func (p *pages) handlePage(w http.ResponseWriter, r *http.Request) error {
	return p.showPage(w, r, http.StatusOK, "", "")
}

// showPage writes the mail page with what was typed and what is wrong with it.
func (p *pages) showPage(w http.ResponseWriter, r *http.Request, status int, email, wrong string) error {
	city, b, err := p.cityBot(r)
	if err != nil {
		return err
	}
	text, err := p.page(r.Context(), b.ID)
	if err != nil {
		return err
	}
	offered, err := p.offersDigest(r.Context(), b)
	if err != nil {
		return err
	}
	ours := city
	ours.Language = p.site.Language(r)
	hourly := wantsDigest(r) || r.Method == http.MethodGet && city.SubscriptionDefaults().Hourly
	data := publicPage{Text: markdown.HTML(p.orDefault(ours, text)), Own: text != "", Address: p.address(city), On: b.Enabled,
		Offered: offered, Hourly: hourly, Email: email, Error: wrong}
	return p.site.Page(w, r, status, Name, "page.tmpl", p.site.T(r, "mail.page.title", "City", city.Name), data)
}

// handleSubscribe sends a mail that asks whether it was them who subscribed.
// The answer is the same whoever subscribes already: nobody learns who does.
func (p *pages) handleSubscribe(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	city, b, err := p.cityBot(r)
	if err != nil {
		return err
	}
	if !b.Enabled {
		return &bots.PageError{Status: http.StatusNotFound, ID: "mail.subscribe.off"}
	}
	typed := r.PostFormValue("email")
	email, problem := p.readAddress(typed)
	if problem != "" {
		return p.showPage(w, r, http.StatusUnprocessableEntity, typed, p.site.T(r, problem))
	}
	city.Language = p.site.Language(r) // of whoever reads the mail
	err = p.askToConfirm(r.Context(), city, b, email, wantsDigest(r), p.site.ClientIP(r))
	if errors.Is(err, bots.ErrTooManyMails) {
		err = &bots.PageError{Status: http.StatusTooManyRequests, ID: "mail.subscribe.too_many", Err: err}
	}
	if err != nil {
		return err
	}
	title := p.site.T(r, "mail.sent.title")
	return p.site.Page(w, r, http.StatusOK, Name, "sent.tmpl", title, struct {
		Email   string
		Delayed bool
	}{email, p.host.AccountMails.Delayed()})
}

// askToConfirm sends the mail, unless the address was sent too many.
func (n *Network) askToConfirm(ctx context.Context, city report.City, b report.Bot, email string, hourly bool, client string) error {
	may, err := n.choicesOf(ctx, b)
	if err != nil {
		return err
	}
	var m mailer.Mail
	switch s, err := n.subscribers.Find(ctx, b.ID, email); {
	case errors.Is(err, db.ErrNotFound), err == nil && !s.Suspended.IsZero():
		m = n.confirmMail(city, email, hourly && may.digest)
	case err != nil:
		return err
	default:
		m = n.subscribedMail(city, email, may)
	}
	return n.host.AccountMails.StoreAsked(ctx, m, bots.Asked{Client: client})
}

// linkPage is what the pages behind the links in mails show.
type linkPage struct {
	Email   string
	Address string // of the city
	Hourly  bool   // one mail an hour is chosen
	Already bool   // it was done before
}

// openLink returns what the link of the request is about.
func (p *pages) openLink(r *http.Request, purpose string) (report.City, report.Bot, linkPage, error) {
	city, b, err := p.cityBot(r)
	if err != nil {
		return city, b, linkPage{}, err
	}
	email, err := p.open(r.Context(), purpose, city, b, chi.URLParam(r, "token"))
	if errors.Is(err, secret.ErrTokenExpired) {
		err = &bots.PageError{Status: http.StatusGone, ID: "mail.link.expired", Title: "error.title_link_over", Err: err}
	} else if err != nil {
		err = &bots.PageError{Status: http.StatusNotFound, ID: "mail.link.invalid", Title: "error.title_link_broken", Err: err}
	}
	return city, b, linkPage{Email: email, Address: p.address(city)}, err
}

func (p *pages) handleConfirmPage(w http.ResponseWriter, r *http.Request) error {
	city, b, data, err := p.openLink(r, purposeConfirm)
	if err != nil {
		return err
	}
	if data.Hourly, err = p.offersDigest(r.Context(), b); err != nil {
		return err
	}
	data.Hourly = data.Hourly && asksForDigest(r)
	return p.showLink(w, r, "confirm", city, data)
}

func (p *pages) handleConfirm(w http.ResponseWriter, r *http.Request) error {
	city, b, data, err := p.openLink(r, purposeConfirm)
	if err != nil {
		return err
	}
	if _, err := p.subscribers.Subscribe(r.Context(), b.ID, data.Email); err != nil {
		return err
	}
	if asksForDigest(r) {
		if err := p.chooseDigest(r.Context(), b, data.Email, true); err != nil {
			return err
		}
	}
	if data.Hourly, err = p.hasDigest(r.Context(), b, data.Email); err != nil {
		return err
	}
	return p.showLink(w, r, "subscribed", city, data)
}

func (p *pages) handleUnsubscribePage(w http.ResponseWriter, r *http.Request) error {
	city, b, data, err := p.openLink(r, purposeUnsubscribe)
	if err != nil {
		return err
	}
	switch _, err := p.subscribers.Find(r.Context(), b.ID, data.Email); {
	case errors.Is(err, db.ErrNotFound):
		data.Already = true
		title := p.site.T(r, "mail.unsubscribed.already_title")
		return p.site.Page(w, r, http.StatusOK, Name, "unsubscribed.tmpl", title, data)
	case err != nil:
		return err
	}
	return p.showLink(w, r, "unsubscribe", city, data)
}

func (p *pages) handleUnsubscribe(w http.ResponseWriter, r *http.Request) error {
	city, b, data, err := p.openLink(r, purposeUnsubscribe)
	if err != nil {
		return err
	}
	if _, err := p.subscribers.Unsubscribe(r.Context(), b.ID, data.Email); err != nil {
		return err
	}
	return p.showLink(w, r, "unsubscribed", city, data)
}

// showLink writes the page name.tmpl.
func (p *pages) showLink(w http.ResponseWriter, r *http.Request, name string, city report.City, data linkPage) error {
	title := p.site.T(r, "mail."+name+".title", "City", city.Name)
	return p.site.Page(w, r, http.StatusOK, Name, name+".tmpl", title, data)
}
