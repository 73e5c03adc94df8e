package frontend

import (
	"cmp"
	"context"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"ticketfrei/bots"
	"ticketfrei/internal/report"
	"ticketfrei/internal/zone"
)

// cityPage is what city.tmpl shows.
type cityPage struct {
	Text      template.HTML
	Ways      []way // to follow the city
	Addresses []address
	Recent    template.HTML   // reports of the last hour
	Older     template.HTML   // those before
	Folded    int             // how many those are
	News      string          // how old the newest report of the last hour is; empty: there is none
	Version   string          // of the list; empty where the page shows a part of it
	Zone      string          // in which the page shows times; empty: whoever looks knows
	Lines     []lineLink      // empty where there are none
	AllLines  bool            // the city has lines and stops
	Line      string          // that the page is about; empty for all
	Unknown   bool            // it is about a line that the city has not
	All       string          // link to the reports on all lines
	Feed      string          // link to the feed of what the page shows
	Preview   preview         // for other pages that link to this one
	Parts     []template.HTML // of the networks that have one on the page: see bots.OnCityPage
	Said      *bots.Said      // what became of the visitor's report; nil: they wrote none
}

// handleCity is the page of a city: /city/{slug}. With the query's line it is about
// that line alone.
func (s *Site) handleCity(w http.ResponseWriter, r *http.Request) error {
	return noSuchCity(s.serveKept(w, r, "page", s.buildCityPage))
}

// serveKept answers with what build makes of the city in the path, which is kept for all
// who want it in the same way. kind tells it from what else is kept of the city.
func (s *Site) serveKept(w http.ResponseWriter, r *http.Request, kind string, build func(ctx context.Context, slug string, in pageIn) (*blob, int64, error)) error {
	slug := chi.URLParam(r, "slug")
	in, err := s.pageIn(r, slug)
	if err != nil {
		return err
	}
	b, err := cached(r.Context(), s.cache, fmt.Sprint(kind, "/", slug, in), func(ctx context.Context) (*blob, int64, error) {
		return build(ctx, slug, in)
	})
	if err != nil {
		return err
	}
	w.Header().Add("Vary", "Accept-Language")
	b.serve(w, r, "no-cache")
	return nil
}

// pageIn is how visitors want a page of a city: pages that differ in it are kept each.
type pageIn struct {
	asked   string // language that they have chosen on the page; empty: none
	matched string // language of their browser; empty: none that there is
	line    string // that they want to know of; empty: all
}

// of returns the language of the page of a city.
func (in pageIn) of(c report.City) string { return cmp.Or(in.asked, in.matched, c.Language) }

func (s *Site) pageIn(r *http.Request, slug string) (pageIn, error) {
	in := pageIn{asked: visitOf(r.Context()).asked}
	if in.asked == "" {
		in.matched = s.Texts.MatchOr(r.Header.Get("Accept-Language"), "")
	}
	var err error
	if r.URL.RawQuery != "" {
		in.line, err = s.askedLine(r.Context(), slug, r.URL.Query())
	}
	return in, err
}

func (s *Site) buildCityPage(ctx context.Context, slug string, in pageIn) (*blob, int64, error) {
	c, err := s.DB.FindCity(ctx, slug)
	if err != nil {
		return nil, 0, err
	}
	p := s.blankPage(in.of(c), c.Name, nil)
	p.Asked = in.asked
	if in.line != "" && in.line != unknownLine {
		p.Query = url.Values{lineParam: {in.line}}
		p.Title = in.line + " · " + c.Name
	}
	body, err := s.cityPage(ctx, c, p, in.line, nil)
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
	p := s.newPage(r, c.Name, nil)
	if said.Text != "" {
		first, _, _ := strings.Cut(said.Text, "\n") // an answer to a question has many lines
		p.Title = strings.TrimSuffix(first, ":") + " · " + c.Name
	}
	body, err := s.cityPage(r.Context(), c, p, "", &said)
	if err != nil {
		return err
	}
	return writePage(w, r, status, body)
}

// cityPage makes the page of a city, about all lines or one.
func (s *Site) cityPage(ctx context.Context, c report.City, p *page, line string, said *bots.Said) ([]byte, error) {
	p.City, p.Path = c, "/city/"+c.Slug
	data := cityPage{Said: said, Unknown: line == unknownLine}
	if err := s.addReports(ctx, &data, p, line); err != nil {
		return nil, err
	}
	all, err := s.DB.CityBots(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	data.Addresses = s.addresses(ctx, c, all, p.Lang)
	data.Ways = s.ways(p, all, data.Addresses)
	if data.Parts, err = s.cityParts(ctx, p, all, said); err != nil {
		return nil, err
	}
	if !c.Paused.IsZero() {
		data.Addresses = nil // what is written there reaches nobody
	}
	data.Text = p.Markdown(s.cityText(c, p.Lang, data.Addresses))
	p.Data = data
	return s.execute("city.tmpl", p)
}

// addReports adds the reports on a line, and what belongs to them.
func (s *Site) addReports(ctx context.Context, data *cityPage, p *page, line string) error {
	sh, err := s.shown(ctx, p.City.ID)
	if err != nil {
		return err
	}
	list, err := s.cityReports(ctx, p.City.ID, p.Lang)
	if err != nil {
		return err
	}
	if line == "" {
		data.Version = list.version
	}
	recent, older := list.of(line).split(p.now)
	data.Recent, data.Older, data.Folded = join(recent), join(older), len(older)
	if len(recent) > 0 {
		data.News = p.news(recent[0].time)
	}
	if name := zone.Of(p.City, p.zone).String(); name != "Local" {
		data.Zone = name
	}
	data.Lines, data.AllLines = sh.lineLinks(p, line), len(sh.lines.list) > 0
	if !data.Unknown {
		data.Line = line
	}
	data.All = p.onLine(p.Path, "")
	data.Feed = feedLink(p.Path, data.Line)
	data.Preview = s.preview(p, sh, data.Line)
	return nil
}

// news says how old the newest report is.
func (p *page) news(newest time.Time) string {
	in := p.times()
	if age := in.age(newest); age != in.ages.Now {
		return p.T("city.state.newest", "Age", age)
	}
	return p.T("city.state.newest_now")
}

// cityPart is what a network's city.tmpl shows.
type cityPart struct {
	Said *bots.Said // see cityPage
	Own  any        // what the network gave
}

// cityParts makes the parts of the page that networks have there, of all bots of the city.
func (s *Site) cityParts(ctx context.Context, p *page, all []report.Bot, said *bots.Said) ([]template.HTML, error) {
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
