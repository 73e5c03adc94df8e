package frontend

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/report"
)

const (
	// shownFor is how old a report may be and still be shown; maxShown is how
	// many are shown at most.
	shownFor = 24 * time.Hour
	maxShown = 500
)

// cityPage is what city.tmpl shows.
type cityPage struct {
	Text      template.HTML
	Addresses []address
	Reports   []template.HTML
	Version   string          // of Reports
	Parts     []template.HTML // of the networks that have one on the page: see bots.OnCityPage
	Said      *bots.Said      // what became of the visitor's report; nil: they wrote none
}

// address is where riders write to.
type address struct {
	Network string // name of its directory
	Title   string // name for people
	Text    string
	URL     template.URL
	Page    string // label of the link to the network's public page; empty if it has none
	Visible string // where the network shows who wrote; at its first address alone, empty where it does not
}

// handleCity is the page of a city: /city/{slug}.
func (s *Site) handleCity(w http.ResponseWriter, r *http.Request) error {
	slug := chi.URLParam(r, "slug")
	in := pageIn{asked: visitOf(r.Context()).asked, matched: s.Texts.MatchOr(r.Header.Get("Accept-Language"), "")}
	b, err := cached(r.Context(), s.cache, fmt.Sprint("page/", slug, in), func(ctx context.Context) (*blob, int64, error) {
		return s.buildCityPage(ctx, slug, in)
	})
	if errors.Is(err, db.ErrNotFound) {
		if spelled := report.Slug(slug); spelled != slug && spelled != "" {
			http.Redirect(w, r, keepQuery(r, "/city/"+spelled), http.StatusFound)
			return nil
		}
	}
	if err != nil {
		return noSuchCity(err)
	}
	w.Header().Add("Vary", "Accept-Language")
	b.serve(w, r, "no-cache")
	return nil
}

// pageIn is how visitors want a city's page: pages that differ in it are kept each.
type pageIn struct {
	asked   string // language that they have chosen on the page; empty: none
	matched string // language of their browser; empty: none that there is
}

func (in pageIn) of(c report.City) string { return cmp.Or(in.asked, in.matched, c.Language) }

func (s *Site) buildCityPage(ctx context.Context, slug string, in pageIn) (*blob, int64, error) {
	c, err := s.DB.FindCity(ctx, slug)
	if err != nil {
		return nil, 0, err
	}
	p := s.blankPage(in.of(c), c.Name, nil)
	p.Asked = in.asked
	body, err := s.cityPage(ctx, c, p, nil)
	if err != nil {
		return nil, 0, err
	}
	return newBlob("text/html; charset=utf-8", body, time.Time{}), c.ID, nil
}

// CityPage writes the page of a city with what became of a report: see bots.Site.
func (s *Site) CityPage(w http.ResponseWriter, r *http.Request, status int, said bots.Said) error {
	c, err := s.DB.City(r.Context(), s.City(r).ID)
	if err != nil {
		return noSuchCity(err)
	}
	body, err := s.cityPage(r.Context(), c, s.newPage(r, c.Name, nil), &said)
	if err != nil {
		return err
	}
	return writePage(w, r, status, body)
}

// cityPage makes the page of a city.
func (s *Site) cityPage(ctx context.Context, c report.City, p *page, said *bots.Said) ([]byte, error) {
	list, err := s.cityReports(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	p.City, p.Path = c, "/city/"+c.Slug
	c.Language = p.Lang // in which our own words about it are
	data := cityPage{Version: list.version, Said: said}
	if data.Addresses, err = s.addresses(ctx, c); err != nil {
		return nil, err
	}
	if data.Parts, err = s.cityParts(ctx, p, said); err != nil {
		return nil, err
	}
	data.Text = p.Markdown(s.cityText(c, data.Addresses))
	for _, it := range list.items {
		data.Reports = append(data.Reports, template.HTML(it.html))
	}
	p.Data = data
	return s.execute("city.tmpl", p)
}

// cityPart is what a network's city.tmpl shows.
type cityPart struct {
	Said *bots.Said // see cityPage
	Own  any        // what the network gave
}

// cityParts makes the parts of the page that networks have there.
func (s *Site) cityParts(ctx context.Context, p *page, said *bots.Said) ([]template.HTML, error) {
	all, err := s.DB.CityBots(ctx, p.City.ID)
	if err != nil {
		return nil, err
	}
	var parts []template.HTML
	for _, n := range s.Networks {
		on, ok := n.Network.(bots.OnCityPage)
		if !ok {
			continue
		}
		for _, b := range all {
			if b.Network != n.Name || !b.Enabled {
				continue
			}
			own, err := on.CityPart(ctx, p.City, b)
			if err != nil {
				return nil, err
			}
			html, err := s.execute("bots/"+n.Name+"/city.tmpl", p.With(cityPart{said, own}))
			if err != nil {
				return nil, err
			}
			parts = append(parts, template.HTML(html))
		}
	}
	return parts, nil
}

// cityText returns the markdown of a city's page: the moderator's, or the
// default.
func (s *Site) cityText(c report.City, where []address) string {
	if c.Page != "" {
		return c.Page
	}
	if len(where) == 0 {
		return s.Texts.T(c.Language, "city.default_text_quiet", "City", c.Name)
	}
	texts := make([]string, len(where))
	for i, a := range where {
		texts[i] = a.Text
	}
	or := "** " + s.Texts.T(c.Language, "city.or") + " **"
	return s.Texts.T(c.Language, "city.default_text", "City", c.Name, "Addresses", strings.Join(texts, or))
}

// defaultPage returns the markdown for a city whose moderator has not written a
// page, with the city's addresses filled in.
func (s *Site) defaultPage(ctx context.Context, c report.City) (string, error) {
	where, err := s.addresses(ctx, c)
	if err != nil {
		return "", err
	}
	c.Page = ""
	return s.cityText(c, where), nil
}

// addresses returns where riders of the city can write to. A network that
// cannot say at the moment is left out.
func (s *Site) addresses(ctx context.Context, c report.City) ([]address, error) {
	all, err := s.DB.CityBots(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	var list []address
	for _, n := range s.Networks {
		addressed, ok := n.Network.(bots.Addressed)
		if !ok {
			continue
		}
		visible := s.optional(c.Language, n.Name+".visible")
		for _, b := range all {
			if b.Network != n.Name || !b.Enabled {
				continue
			}
			text, url, err := addressed.Address(ctx, c, b)
			if err != nil {
				s.Log.Warn("the city page lacks the address of a bot", "bot", b.ID, "network", n.Name, "err", err)
				continue
			}
			list = append(list, address{Network: n.Name, Title: s.networkName(c.Language, n.Name), Text: text, URL: template.URL(url),
				Page: s.optional(c.Language, n.Name+".public_page"), Visible: visible})
			visible = ""
		}
	}
	return list, nil
}

// optional returns a text that a network may have; empty where it has not.
func (s *Site) optional(lang, id string) string {
	if !s.Texts.Has(id) {
		return ""
	}
	return s.Texts.T(lang, id)
}

// networkName returns what people call the network of that directory. A report
// may be from a network that this program no longer has.
func (s *Site) networkName(lang, name string) string {
	if id := name + ".title"; s.Texts.Has(id) {
		return s.Texts.T(lang, id)
	}
	return name
}

// shownReport is what partials/report.tmpl shows.
type shownReport struct {
	ID      string
	Text    string
	Time    time.Time
	Network string // name for people
}

// cityReports returns what the city's page shows of its reports.
func (s *Site) cityReports(ctx context.Context, cityID int64) (liveList, error) {
	return cached(ctx, s.cache, fmt.Sprint("reports/", cityID), func(ctx context.Context) (liveList, int64, error) {
		list, err := s.buildReports(ctx, cityID)
		return list, cityID, err
	})
}

func (s *Site) buildReports(ctx context.Context, cityID int64) (liveList, error) {
	c, err := s.DB.City(ctx, cityID)
	if err != nil {
		return liveList{}, err
	}
	judged, err := s.DB.Reports(ctx, cityID, true, shownFor, maxShown)
	if err != nil {
		return liveList{}, err
	}
	var list liveList
	version := sha256.New()
	for _, j := range judged {
		version.Write([]byte(j.Report.ID + " " + j.Report.Text + "\x00"))
		p := s.blankPage(c.Language, "", shownReport{ID: j.Report.ID, Text: j.Report.Text, Time: j.Report.Time,
			Network: s.networkName(c.Language, j.Report.Network)})
		p.City = c
		html, err := s.execute("report.tmpl", p)
		if err != nil {
			return liveList{}, err
		}
		list.items = append(list.items, liveItem{id: j.Report.ID, html: html})
	}
	list.version = hex.EncodeToString(version.Sum(nil)[:8])
	return list, nil
}
