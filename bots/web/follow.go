package web

import "net/http"

// followPage is what follow.tmpl shows.
type followPage struct {
	Key   string   // that browsers subscribe with, in base64
	Lines []string // of the city
	Hours []int    // of a day
	On    bool     // the bot is switched on
	Quiet bool     // that is chosen before anybody chooses

	QuietFrom, QuietTo int // the hours that are proposed
}

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
	page := followPage{Key: signer.Public(), Lines: lines, On: b.Enabled, QuietFrom: 22, QuietTo: 6}
	if q := city.SubscriptionDefaults().Quiet; q != nil {
		page.Quiet, page.QuietFrom, page.QuietTo = true, q.From, q.To
	}
	for hour := range 24 {
		page.Hours = append(page.Hours, hour)
	}
	return p.site.Page(w, r, http.StatusOK, Name, "follow.tmpl", p.site.T(r, "web.follow.title", "City", city.Name), page)
}
