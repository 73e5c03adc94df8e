package mail

import (
	"context"
	"errors"
	"net/http"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// The values of the field that asks how often mails come.
const (
	fieldOften  = "often"
	oftenHourly = "hourly"
)

// wantsDigest tells whether one mail an hour was chosen in a form.
func wantsDigest(r *http.Request) bool { return r.PostFormValue(fieldOften) == oftenHourly }

// asksForDigest tells whether the link of the page chooses one mail an hour.
func asksForDigest(r *http.Request) bool { return r.URL.Query().Get(fieldOften) == oftenHourly }

// chooseDigest has an address get one mail an hour, where the city offers that, or each
// report at once. One that has not subscribed is db.ErrNotFound.
func (n *Network) chooseDigest(ctx context.Context, b report.Bot, email string, hourly bool) error {
	s, err := n.subscribers.Find(ctx, b.ID, email)
	if err != nil {
		return err
	}
	offered, err := n.offersDigest(ctx, b)
	if err != nil || hourly && !offered {
		return err
	}
	return n.setDigest(ctx, s.ID, hourly)
}

// hasDigest tells whether an address gets one mail an hour. One that has not subscribed
// is db.ErrNotFound.
func (n *Network) hasDigest(ctx context.Context, b report.Bot, email string) (bool, error) {
	s, err := n.subscribers.Find(ctx, b.ID, email)
	if err != nil {
		return false, err
	}
	return n.getsDigest(ctx, s.ID)
}

// oftenPage is what often.tmpl shows.
type oftenPage struct {
	linkPage
	Offered bool // one mail an hour can be chosen
	Changed bool // it was just chosen
}

func (p *pages) handleOftenPage(w http.ResponseWriter, r *http.Request) error {
	city, b, data, err := p.openLink(r, purposeOften)
	if err != nil {
		return err
	}
	return p.showOften(w, r, city, b, oftenPage{linkPage: data})
}

func (p *pages) handleOften(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	city, b, data, err := p.openLink(r, purposeOften)
	if err != nil {
		return err
	}
	if err := p.chooseDigest(r.Context(), b, data.Email, wantsDigest(r)); err != nil {
		return notSubscribed(err)
	}
	return p.showOften(w, r, city, b, oftenPage{linkPage: data, Changed: true})
}

// showOften shows how often mails come, with a button for the other.
func (p *pages) showOften(w http.ResponseWriter, r *http.Request, city report.City, b report.Bot, data oftenPage) (err error) {
	if data.Hourly, err = p.hasDigest(r.Context(), b, data.Email); err != nil {
		return notSubscribed(err)
	}
	if data.Offered, err = p.offersDigest(r.Context(), b); err != nil {
		return err
	}
	return p.site.Page(w, r, http.StatusOK, Name, "often.tmpl", p.site.T(r, "mail.often.title", "City", city.Name), data)
}

// notSubscribed is what a visitor reads whose address has not subscribed, or not any more.
func notSubscribed(err error) error {
	if errors.Is(err, db.ErrNotFound) {
		return &bots.PageError{Status: http.StatusNotFound, ID: "mail.often.gone", Title: "error.title_link_over", Err: err}
	}
	return err
}
