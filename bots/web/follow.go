package web

import "net/http"

// followPage is what follow.tmpl shows.
type followPage struct {
	Key   string   // that browsers subscribe with, in base64
	Lines []string // of the city
	Hours []int    // of a day
	On    bool     // the bot is switched on
}

// usually is the quiet that is proposed.
var usually = quiet{22, 6}

// QuietFrom and QuietTo are the hours that are proposed.
func (followPage) QuietFrom() int { return usually.from }

// QuietTo is the second of them.
func (followPage) QuietTo() int { return usually.to }

// handleFollow is the page on which a phone follows the city.
func (p *pages) handleFollow(w http.ResponseWriter, r *http.Request) error {
	city, b, err := p.cityBot(r)
	if err != nil {
		return err
	}
	signer, err := p.pusher.keyOf(r.Context(), b.ID)
	if err != nil {
		return err
	}
	lines, err := p.host.Places.Lines(r.Context(), city.ID)
	if err != nil {
		return err
	}
	page := followPage{Key: signer.Public(), Lines: lines, On: b.Enabled}
	for hour := range 24 {
		page.Hours = append(page.Hours, hour)
	}
	return p.site.Page(w, r, http.StatusOK, Name, "follow.tmpl", p.site.T(r, "web.follow.title", "City", city.Name), page)
}
