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

	"ticketfrei/db"
	"ticketfrei/internal/report"
	"ticketfrei/internal/zone"
)

const atomType = "application/atom+xml; charset=utf-8"

// atomFeed is a feed with the two links that it should have (RFC 4287, 4.1.1).
type atomFeed struct {
	*feeds.AtomFeed
	Links []feeds.AtomLink
}

// FeedXml makes it a feeds.XmlFeed.
func (f atomFeed) FeedXml() any { return f }

// handleFeed is a city's Atom feed: /city/{slug}/feed.atom.
func (s *Site) handleFeed(w http.ResponseWriter, r *http.Request) error {
	slug := chi.URLParam(r, "slug")
	b, err := cached(r.Context(), s.cache, "feed/"+slug, func(ctx context.Context) (*blob, int64, error) {
		return s.buildFeed(ctx, slug)
	})
	if err != nil {
		return noSuchCity(err)
	}
	b.serve(w, r, "no-cache")
	return nil
}

func (s *Site) buildFeed(ctx context.Context, slug string) (*blob, int64, error) {
	c, err := s.DB.FindCity(ctx, slug)
	if err != nil {
		return nil, 0, err
	}
	judged, err := s.DB.Reports(ctx, c.ID, true, shownFor, maxShown)
	if err != nil {
		return nil, 0, err
	}
	updated := c.Created
	if len(judged) > 0 {
		updated = judged[0].Report.Time
	}
	xml, err := feeds.ToXML(s.atom(c, judged, updated))
	if err != nil {
		return nil, 0, fmt.Errorf("make feed: %w", err)
	}
	return newBlob(atomType, []byte(xml), updated), c.ID, nil
}

// atom builds the feed. A feed must have an author (RFC 4287, 4.1.1): here it
// is the city, since who wrote a report must not be shown.
func (s *Site) atom(c report.City, judged []db.Judged, updated time.Time) atomFeed {
	page, where := s.link("/city/"+c.Slug), zone.Of(c, s.Config.Reports.Zone)
	f := (&feeds.Atom{Feed: &feeds.Feed{
		Title:       s.Texts.T(c.Language, "city.feed_title", "City", c.Name),
		Description: s.Texts.T(c.Language, "city.feed_subtitle", "City", c.Name),
		Author:      &feeds.Author{Name: c.Name},
		Updated:     updated.In(where),
	}}).AtomFeed()
	f.Id = s.tagURI("city:" + c.Slug)
	f.Link = nil // see atomFeed
	for _, j := range judged {
		at := j.Report.Time.In(where).Format(time.RFC3339)
		f.Entries = append(f.Entries, &feeds.AtomEntry{
			Title:     headline(j.Report.Text),
			Id:        s.tagURI("report:" + j.Report.ID),
			Updated:   at,
			Published: at,
			Content:   &feeds.AtomContent{Type: "text", Content: j.Report.Text},
			Links:     []feeds.AtomLink{{Href: page + "#report-" + j.Report.ID, Rel: "alternate", Type: "text/html"}},
		})
	}
	return atomFeed{AtomFeed: f, Links: []feeds.AtomLink{
		{Href: page + "/feed.atom", Rel: "self", Type: "application/atom+xml"},
		{Href: page, Rel: "alternate", Type: "text/html"},
	}}
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
