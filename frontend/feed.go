package frontend

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"
	"github.com/gorilla/feeds"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/report"
	"ticketfrei/internal/zone"
)

const atomType = "application/atom+xml; charset=utf-8"

// atomFeed is a feed with the two links that it should have (RFC 4287, 4.1.1).
type atomFeed struct {
	*feeds.AtomFeed
	Links   []feeds.AtomLink
	Entries []atomEntry
}

// atomEntry is an entry that may have several categories: the lines it is about.
type atomEntry struct {
	*feeds.AtomEntry
	Category []category `xml:"category"`
}

type category struct {
	Term string `xml:"term,attr"`
}

// feedLink is the address of the feed of a city's page, about a line or all.
func feedLink(page, line string) string {
	if line == "" {
		return page + "/feed.atom"
	}
	return page + "/feed.atom?" + url.Values{lineParam: {line}}.Encode()
}

// FeedXml makes it a feeds.XmlFeed.
func (f atomFeed) FeedXml() any { return f }

// handleFeed is a city's Atom feed: /city/{slug}/feed.atom. With the query's line it is
// about that line alone.
func (s *Site) handleFeed(w http.ResponseWriter, r *http.Request) error {
	slug := chi.URLParam(r, "slug")
	var line string
	var err error
	if r.URL.RawQuery != "" {
		if line, err = s.askedLine(r.Context(), slug, r.URL.Query()); err != nil {
			return noSuchCity(err)
		}
	}
	b, err := cached(r.Context(), s.cache, "feed/"+slug+"/"+line, func(ctx context.Context) (*blob, int64, error) {
		return s.buildFeed(ctx, slug, line)
	})
	if err != nil {
		return noSuchCity(err)
	}
	w.Header().Set(bots.LoopHeader, "feed")
	b.serve(w, r, "no-cache")
	return nil
}

func (s *Site) buildFeed(ctx context.Context, slug, line string) (*blob, int64, error) {
	sh, err := s.shownAt(ctx, slug)
	if err != nil {
		return nil, 0, err
	}
	var judged []db.Judged
	for _, j := range sh.reports {
		if about(j.Report.Lines, line) {
			judged = append(judged, j)
		}
	}
	c, updated := sh.city, sh.city.Created
	if len(judged) > 0 {
		updated = judged[0].Report.Time
	}
	xml, err := feeds.ToXML(s.atom(c, judged, updated, strings.Trim(line, unknownLine)))
	if err != nil {
		return nil, 0, fmt.Errorf("make feed: %w", err)
	}
	return newBlob(atomType, []byte(xml), updated), c.ID, nil
}

// atom builds the feed, about a line or all. A feed must have an author (RFC 4287,
// 4.1.1): here it is the city, since who wrote a report must not be shown.
func (s *Site) atom(c report.City, judged []db.Judged, updated time.Time, line string) atomFeed {
	page, id, name := s.link("/city/"+c.Slug), "city:"+c.Slug, s.Texts.T(c.Language, "city.feed_title", "City", c.Name)
	if line != "" {
		id, name = id+":line:"+url.PathEscape(line), name+" · "+line
	}
	f := (&feeds.Atom{Feed: &feeds.Feed{
		Title:       name,
		Description: s.Texts.T(c.Language, "city.feed_subtitle", "City", c.Name),
		Author:      &feeds.Author{Name: c.Name},
		Updated:     updated.In(zone.Of(c, s.Config.Reports.Zone)),
	}}).AtomFeed()
	f.Id = s.tagURI(id)
	f.Link = nil // see atomFeed
	feed := atomFeed{AtomFeed: f, Links: []feeds.AtomLink{
		{Href: feedLink(page, line), Rel: "self", Type: "application/atom+xml"},
		{Href: page, Rel: "alternate", Type: "text/html"},
	}}
	where := zone.Of(c, s.Config.Reports.Zone)
	for _, j := range judged {
		feed.Entries = append(feed.Entries, s.atomEntry(j.Report, page, where))
	}
	return feed
}

// atomEntry builds the entry of a report.
func (s *Site) atomEntry(r report.Report, page string, where *time.Location) atomEntry {
	at := r.Time.In(where).Format(time.RFC3339)
	e := atomEntry{AtomEntry: &feeds.AtomEntry{
		Title:     title(r),
		Id:        s.tagURI("report:" + r.ID),
		Updated:   at,
		Published: at,
		Content:   &feeds.AtomContent{Type: "text", Content: r.Text},
		Links:     []feeds.AtomLink{{Href: page + "#report-" + r.ID, Rel: "alternate", Type: "text/html"}},
	}}
	for _, name := range r.Lines.List() {
		e.Category = append(e.Category, category{name})
	}
	return e
}

// tagURI makes an id that is never used twice (RFC 4151). It holds the name of
// this server and the year in which these ids were introduced.
func (s *Site) tagURI(specific string) string {
	host := "localhost"
	if u, err := url.Parse(s.Config.Web.URL); err == nil && u.Hostname() != "" {
		host = u.Hostname()
	}
	return "tag:" + host + ",2025:" + specific
}

// maxHeadline is how long the title of an entry may be, in characters.
const maxHeadline = 80

// headline is the first line of a report, cut at a word.
func headline(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	line = strings.TrimSpace(line)
	if utf8.RuneCountInString(line) <= maxHeadline {
		return line
	}
	short := string([]rune(line)[:maxHeadline])
	if i := strings.LastIndexByte(short, ' '); i > maxHeadline/2 {
		short = short[:i]
	}
	return short + "…"
}
