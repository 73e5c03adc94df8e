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
	linesPage
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
	shown := oftenPage{linkPage: data}
	if r.PostFormValue(fieldChosen) != "" {
		shown.linesPage.Chosen = true
		err = p.chooseLines(r.Context(), b, data.Email, r)
	} else {
		shown.Changed = true
		err = p.chooseDigest(r.Context(), b, data.Email, wantsDigest(r))
	}
	if err != nil {
		return notSubscribed(err)
	}
	return p.showOften(w, r, city, b, shown)
}

// showOften shows which reports come and how often, with a form for each.
func (p *pages) showOften(w http.ResponseWriter, r *http.Request, city report.City, b report.Bot, data oftenPage) (err error) {
	s, err := p.subscribers.Find(r.Context(), b.ID, data.Email)
	if err != nil {
		return notSubscribed(err)
	}
	if data.Hourly, err = p.getsDigest(r.Context(), s.ID); err != nil {
		return err
	}
	may, err := p.choicesOf(r.Context(), b)
	if err != nil {
		return err
	}
	chosen, title := data.linesPage.Chosen, "mail.often.title"
	var asked []string // by the link, and not stored yet
	if !chosen {
		asked = r.URL.Query()[fieldLine]
	}
	data.Offered, data.linesPage = may.digest, lineChoices(may.lines, s.Lines, asked)
	if data.linesPage.Chosen = chosen; len(data.Lines) > 0 {
		title = "mail.lines.title"
	}
	return p.site.Page(w, r, http.StatusOK, Name, "often.tmpl", p.site.T(r, title, "City", city.Name), data)
}

// notSubscribed is what a visitor reads whose address has not subscribed, or not any more.
func notSubscribed(err error) error {
	if errors.Is(err, db.ErrNotFound) {
		return &bots.PageError{Status: http.StatusNotFound, ID: "mail.often.gone", Title: "error.title_link_over", Err: err}
	}
	return err
}
