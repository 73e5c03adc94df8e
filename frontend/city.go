package frontend

import (
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
	Version   string // of Reports
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
	b, err := cached(r.Context(), s.cache, "page/"+slug, func(ctx context.Context) (*blob, int64, error) {
		return s.buildCityPage(ctx, slug)
	})
	if errors.Is(err, db.ErrNotFound) {
		if spelled := report.Slug(slug); spelled != slug && spelled != "" {
			http.Redirect(w, r, "/city/"+spelled, http.StatusFound)
			return nil
		}
	}
	if err != nil {
		return noSuchCity(err)
	}
	b.serve(w, r, "no-cache")
	return nil
}

func (s *Site) buildCityPage(ctx context.Context, slug string) (*blob, int64, error) {
	c, err := s.DB.FindCity(ctx, slug)
	if err != nil {
		return nil, 0, err
	}
	list, err := s.cityReports(ctx, c.ID)
	if err != nil {
		return nil, 0, err
	}
	p := s.blankPage(c.Language, c.Name, nil)
	data := cityPage{Version: list.version}
	if data.Addresses, err = s.addresses(ctx, c); err != nil {
		return nil, 0, err
	}
	data.Text = p.Markdown(s.cityText(c, data.Addresses))
	for _, it := range list.items {
		data.Reports = append(data.Reports, template.HTML(it.html))
	}
	p.City, p.Data, p.Path = c, data, "/city/"+c.Slug
	body, err := s.execute("city.tmpl", p)
	if err != nil {
		return nil, 0, err
	}
	return newBlob("text/html; charset=utf-8", body, time.Time{}), c.ID, nil
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
		html, err := s.execute("report.tmpl", p)
		if err != nil {
			return liveList{}, err
		}
		list.items = append(list.items, liveItem{id: j.Report.ID, html: html})
	}
	list.version = hex.EncodeToString(version.Sum(nil)[:8])
	return list, nil
}
