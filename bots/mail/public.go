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

// PublicRoutes adds the pages of subscribing and unsubscribing. Reading them
// changes nothing, since programs that scan mails follow their links: each has
// a button.
func (n *Network) PublicRoutes(r chi.Router, site bots.Site) {
	n.site = site
	r.Get("/", site.Handler(n.handlePage))
	r.With(n.limitByIP()).Post("/subscribe", site.Handler(n.handleSubscribe))
	r.Get("/confirm/{token}", site.Handler(n.handleConfirmPage))
	r.Post("/confirm/{token}", site.Handler(n.handleConfirm))
	r.Get("/unsubscribe/{token}", site.Handler(n.handleUnsubscribePage))
	// The same for the button on the page and for a mail program (RFC 8058).
	r.Post("/unsubscribe/{token}", site.Handler(n.handleUnsubscribe))
}

func (n *Network) limitByIP() func(http.Handler) http.Handler {
	key := func(r *http.Request) (string, error) { return n.site.ClientIP(r), nil }
	tooMany := n.site.Handler(func(http.ResponseWriter, *http.Request) error {
		return &bots.PageError{Status: http.StatusTooManyRequests, ID: "mail.subscribe.too_many"}
	})
	return httprate.LimitBy(subscribesPerHour, time.Hour, key, httprate.WithLimitHandler(tooMany))
}

// publicPage is what page.tmpl shows.
type publicPage struct {
	Text    template.HTML // by the moderator
	Address string
	On      bool   // the bot is switched on
	Email   string // as it was typed
	Error   string // what is wrong with Email, a text
}

func (n *Network) handlePage(w http.ResponseWriter, r *http.Request) error {
	return n.showPage(w, r, http.StatusOK, "", "")
}

// showPage writes the mail page with what was typed and what is wrong with it.
func (n *Network) showPage(w http.ResponseWriter, r *http.Request, status int, email, wrong string) error {
	city, b, err := n.cityBot(r)
	if err != nil {
		return err
	}
	text, err := n.page(r.Context(), b.ID)
	if err != nil {
		return err
	}
	data := publicPage{Text: markdown.HTML(n.orDefault(city, text)), Address: n.address(city), On: b.Enabled, Email: email, Error: wrong}
	return n.site.Page(w, r, status, Name, "page.tmpl", n.site.T(r, "mail.page.title", "City", city.Name), data)
}

// handleSubscribe sends a mail that asks whether it was them who subscribed.
// The answer is the same whoever subscribes already: nobody learns who does.
func (n *Network) handleSubscribe(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	city, b, err := n.cityBot(r)
	if err != nil {
		return err
	}
	if !b.Enabled {
		return &bots.PageError{Status: http.StatusNotFound, ID: "mail.subscribe.off"}
	}
	typed := r.PostFormValue("email")
	email, problem := n.readAddress(typed)
	if problem != "" {
		return n.showPage(w, r, http.StatusUnprocessableEntity, typed, n.site.T(r, problem))
	}
	if err := n.askToConfirm(r.Context(), city, b, email); err != nil {
		return err
	}
	title := n.site.T(r, "mail.sent.title")
	return n.site.Page(w, r, http.StatusOK, Name, "sent.tmpl", title, struct{ Email string }{email})
}

// askToConfirm sends the mail, unless the address was sent too many.
func (n *Network) askToConfirm(ctx context.Context, city report.City, b report.Bot, email string) error {
	allowed, err := n.requested(ctx, b.ID, n.host.Secrets.Author("mail.request", email))
	if err != nil {
		return err
	}
	if !allowed {
		n.host.Log.Debug("mail: no more mails to confirm for this address today", "city", city.Slug)
		return nil
	}
	var m mailer.Mail
	switch _, err := n.findSubscriber(ctx, b.ID, email); {
	case errors.Is(err, db.ErrNotFound):
		m = n.confirmMail(city, email)
	case err != nil:
		return err
	default:
		m = n.subscribedMail(city, email)
	}
	return n.host.Outbox.PublishMail(ctx, m)
}

// linkPage is what the pages behind the links in mails show.
type linkPage struct {
	Email   string
	Address string // of the city
}

// openLink returns what the link of the request is about.
func (n *Network) openLink(r *http.Request, purpose string) (report.City, report.Bot, linkPage, error) {
	city, b, err := n.cityBot(r)
	if err != nil {
		return city, b, linkPage{}, err
	}
	email, err := n.verify(purpose, city, chi.URLParam(r, "token"))
	if errors.Is(err, secret.ErrTokenExpired) {
		err = &bots.PageError{Status: http.StatusGone, ID: "mail.link.expired", Err: err}
	} else if err != nil {
		err = &bots.PageError{Status: http.StatusNotFound, ID: "mail.link.invalid", Err: err}
	}
	return city, b, linkPage{Email: email, Address: n.address(city)}, err
}

func (n *Network) handleConfirmPage(w http.ResponseWriter, r *http.Request) error {
	city, _, data, err := n.openLink(r, purposeConfirm)
	if err != nil {
		return err
	}
	return n.showLink(w, r, "confirm", city, data)
}

func (n *Network) handleConfirm(w http.ResponseWriter, r *http.Request) error {
	city, b, data, err := n.openLink(r, purposeConfirm)
	if err != nil {
		return err
	}
	if err := n.subscribe(r.Context(), b.ID, data.Email); err != nil {
		return err
	}
	return n.showLink(w, r, "subscribed", city, data)
}

func (n *Network) handleUnsubscribePage(w http.ResponseWriter, r *http.Request) error {
	city, _, data, err := n.openLink(r, purposeUnsubscribe)
	if err != nil {
		return err
	}
	return n.showLink(w, r, "unsubscribe", city, data)
}

func (n *Network) handleUnsubscribe(w http.ResponseWriter, r *http.Request) error {
	city, b, data, err := n.openLink(r, purposeUnsubscribe)
	if err != nil {
		return err
	}
	if _, err := n.unsubscribe(r.Context(), b.ID, data.Email); err != nil {
		return err
	}
	return n.showLink(w, r, "unsubscribed", city, data)
}

// showLink writes the page name.tmpl.
func (n *Network) showLink(w http.ResponseWriter, r *http.Request, name string, city report.City, data linkPage) error {
	title := n.site.T(r, "mail."+name+".title", "City", city.Name)
	return n.site.Page(w, r, http.StatusOK, Name, name+".tmpl", title, data)
}
