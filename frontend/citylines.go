package frontend

import (
	"context"
	"net/url"
	"strings"

	"ticketfrei/internal/report"
	"ticketfrei/place"
)

const (
	// lineParam is the part of a page's query that has the line that it is about.
	lineParam = "line"
	// maxLines is how many lines stand in the row above the reports.
	maxLines = 24
	// unknownLine is the line of a page about a line that the city has not. None has
	// this name.
	unknownLine = "|"
)

// badge is a line as it is shown.
type badge struct {
	Name  string
	Color string // "#rrggbb"; empty: none
	Dark  bool   // its name is written dark
}

// cityLines are the lines of a city.
type cityLines struct {
	places *place.Places
	list   []badge
	byName map[string]badge
}

// named returns a line of the city; one that it no longer has, without a colour.
func (l cityLines) named(name string) badge {
	if b, ok := l.byName[name]; ok {
		return b
	}
	return badge{Name: name}
}

// find returns the name of a line as the city writes it.
func (l cityLines) find(name string) (string, bool) {
	for _, b := range l.list {
		if strings.EqualFold(b.Name, name) {
			return b.Name, true
		}
	}
	return "", false
}

// linesOf returns the lines of a city.
func (s *Site) linesOf(ctx context.Context, cityID int64) (cityLines, error) {
	places, err := s.Cities.PlacesOf(ctx, cityID)
	l := cityLines{places: places, byName: map[string]badge{}}
	for _, line := range places.Lines() {
		b := badge{Name: line.Name, Color: line.Color, Dark: line.Ink() == "#000000"}
		l.list, l.byName[b.Name] = append(l.list, b), b
	}
	return l, err
}

// allLines are the lines of the city, and those of reports that it no longer has.
func (sh *shown) allLines() cityLines {
	all := cityLines{list: sh.lines.list}
	known := func(name string) bool { _, ok := all.find(name); return ok }
	for _, j := range sh.reports {
		for _, name := range j.Report.Lines.List() {
			if !known(name) {
				all.list = append(all.list[:len(all.list):len(all.list)], badge{Name: name})
			}
		}
	}
	return all
}

// askedLine returns the line that a visitor asks for; empty for all.
func (s *Site) askedLine(ctx context.Context, slug string, query url.Values) (string, error) {
	asked := strings.TrimSpace(query.Get(lineParam))
	if asked == "" {
		return "", nil
	}
	sh, err := s.shownAt(ctx, slug)
	if err != nil {
		return "", err
	}
	if name, ok := sh.allLines().find(asked); ok {
		return name, nil
	}
	return unknownLine, nil
}

// shownAt is shown for the city at an address.
func (s *Site) shownAt(ctx context.Context, slug string) (*shown, error) {
	id, err := cached(ctx, s.cache, "city/"+slug, func(ctx context.Context) (int64, int64, error) {
		c, err := s.DB.FindCity(ctx, slug)
		return c.ID, c.ID, err
	})
	if err != nil {
		return nil, err
	}
	return s.shown(ctx, id)
}

// lineLink is a line in the row above the reports.
type lineLink struct {
	badge
	Count  int // reports of the last hour that are not answered
	URL    string
	Chosen bool
}

// lineLinks returns the row of lines; none where there are no lines. Of very many, those
// with reports come first.
func (sh *shown) lineLinks(p *page, chosen string) []lineLink {
	counts, today := map[string]int{}, map[string]bool{chosen: true}
	for _, j := range sh.reports {
		open := !j.Report.Clear && !sh.answered[j.Report.ID] && p.now.Sub(j.Report.Time) < foldsAfter
		for _, name := range j.Report.Lines.List() {
			today[name] = true
			if open {
				counts[name]++
			}
		}
	}
	var links []lineLink
	for _, b := range sh.fewLines(today) {
		links = append(links, lineLink{badge: b, Count: counts[b.Name], URL: p.onLine("/city/"+sh.city.Slug, b.Name), Chosen: b.Name == chosen})
	}
	return links
}

// fewLines returns the lines that have room in the row: all, or the first and those with
// reports, in the order of the city.
func (sh *shown) fewLines(today map[string]bool) []badge {
	all := sh.allLines().list
	if len(all) <= maxLines {
		return all
	}
	room := maxLines
	for _, b := range all {
		if today[b.Name] {
			room--
		}
	}
	var few []badge
	for _, b := range all {
		if today[b.Name] || room > 0 {
			few = append(few, b)
			if !today[b.Name] {
				room--
			}
		}
	}
	return few[:min(len(few), maxLines)]
}

// onLine returns a path of the site about a line, in the chosen language. An empty line
// is all.
func (p *page) onLine(path, line string) string {
	q := url.Values{}
	if p.Asked != "" {
		q.Set(langParam, p.Asked)
	}
	if line != "" {
		q.Set(lineParam, line)
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// about tells whether a report is about a line; all are about the empty one.
func about(lines report.Lines, line string) bool { return line == "" || lines.Has(line) }
