package frontend

import (
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"ticketfrei/db"
	"ticketfrei/internal/i18n"
	"ticketfrei/internal/markdown"
	"ticketfrei/internal/report"
	"ticketfrei/internal/zone"
	"ticketfrei/manage"
)

// page is what every template sees as its root, whether the site's, the
// settings' or a network's.
type page struct {
	Lang      string
	Asked     string        // language that the visitor has chosen on the page; empty: none
	Title     string        // of the page, translated
	City      report.City   // the zero City if the page is about none
	Operator  bool          // the moderator is one
	Moderator *db.Moderator // nil when nobody is logged in
	Cities    []report.City // of the moderator
	Role      report.Role   // of the moderator, in City
	Wrong     bool          // the page says that something is wrong: see focused
	Flash     string        // what the page says once; empty for nothing
	Saved     savedFlash    // what a part of it says once
	Undo      *undo         // what can be undone; nil: nothing
	Data      any           // what the handler gave
	Contact   string        // how the operator is reached
	Closed    bool          // nobody but the operator adds cities
	URL       string        // public address of the site, without a trailing slash
	Path      string        // path of the page
	Query     url.Values    // what follows the path; for the same page in other languages
	Demo      bool
	Dev       *Dev // for a developer; nil: for nobody

	posted        bool // it answers a form
	forModerators bool // in their languages alone

	texts  translator
	assets *assets
	now    time.Time
	zone   string // reports.zone
}

// translator is what a page needs of the catalogue.
type translator interface {
	T(lang, id string, data ...any) string
	Languages() []string
}

// newPage makes the root for a page that answers r.
func (s *Site) newPage(r *http.Request, title string, data any) *page {
	v := visitOf(r.Context())
	p := s.blankPage(v.lang, title, data)
	p.Operator, p.City, p.Moderator, p.Cities, p.Role, p.Path, p.Asked = v.operator, v.city, v.moderator, v.cities, v.role, r.URL.Path, v.asked
	p.Query, p.posted, p.forModerators = r.URL.Query(), r.Method == http.MethodPost, v.forModerators
	if v.session {
		if p.InSettings() {
			p.Saved, p.Undo = s.popSaved(r), s.popUndo(r)
		}
		p.Flash = s.popFlash(r.Context())
	}
	return p
}

// blankPage makes the root for a page that looks the same to everybody.
func (s *Site) blankPage(lang, title string, data any) *page {
	return &page{Lang: lang, Title: title, Data: data, URL: s.Config.Web.URL, Contact: s.contact(), Closed: s.isClosed(), Demo: s.Demo, Dev: s.Dev,
		texts: s.Texts, assets: s.look.Load().assets, now: s.Now(), zone: s.Config.Reports.Zone}
}

// T returns the text id in the page's language, filled with data: alternating
// names and values.
func (p *page) T(id string, data ...any) string { return p.texts.T(p.Lang, id, data...) }

// Dir is how the page's language is written: "ltr" or "rtl".
func (p *page) Dir() string { return i18n.Direction(p.Lang) }

// InSettings reports whether the page is one of the settings.
func (p *page) InSettings() bool { return strings.HasPrefix(p.Path, "/settings") }

// IsOwner reports whether the moderator is an owner of the city.
func (p *page) IsOwner() bool { return p.Role.May(report.Owner) }

// Asset returns the URL of a file of templates/static. It changes with the
// file's content.
func (p *page) Asset(name string) string { return p.assets.url(name) }

// Time shows a time of the page's city as people say it: the hour if it is today,
// otherwise the day.
func (p *page) Time(t time.Time) template.HTML {
	if t.IsZero() {
		return ""
	}
	local := t.In(zone.Of(p.City, p.zone))
	text := template.HTMLEscapeString(p.when(local))
	return template.HTML(`<time datetime="` + local.Format(time.RFC3339) + `">` + text + `</time>`)
}

// when is what Time shows of a time in the zone of the page's city.
func (p *page) when(local time.Time) string {
	now := p.now.In(local.Location())
	layout := "layout.time.year"
	switch {
	case local.YearDay() == now.YearDay() && local.Year() == now.Year():
		layout = "layout.time.today"
	case now.Sub(local).Abs() < 300*24*time.Hour:
		layout = "layout.time.day"
	}
	return local.Format(p.T(layout))
}

// Posted reports whether the page answers a form, and not a link.
func (p *page) Posted() bool { return p.posted }

// Second shows a time of today in the page's city to the second.
func (p *page) Second(t time.Time) template.HTML {
	local := t.In(zone.Of(p.City, p.zone))
	return template.HTML(`<time datetime="` + local.Format(time.RFC3339) + `">` + local.Format("15:04:05") + `</time>`)
}

// Clock shows what time it is in the page's city.
func (p *page) Clock() template.HTML { return p.Time(p.now) }

// Day shows the day of a time that was stored without its hour.
func (p *page) Day(t time.Time) string { return t.UTC().Format(p.T("layout.time.date")) }

// GoneAfter shows until when the page's city, which was deleted, can be brought back.
func (p *page) GoneAfter() string {
	return p.when(manage.GoneAfter(p.City).In(zone.Of(p.City, p.zone)))
}

// Markdown returns a moderator's text as HTML that can do no harm.
func (p *page) Markdown(text string) template.HTML { return markdown.HTML(text) }

// Initial returns the first letter of a name in upper case. It stands for a
// network that has no picture.
func (p *page) Initial(name string) string {
	r, _ := utf8.DecodeRuneInString(name)
	return strings.ToUpper(string(r))
}

// With returns the page with other data, for a part that several pages share.
func (p *page) With(data any) *page {
	part := *p
	part.Data = data
	return &part
}
