package frontend

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"ticketfrei/db"
	"ticketfrei/place"
)

// maxStrips bounds the stops that the page draws of lines without reports: a city may
// have thousands. The others are drawn on a page of their line alone.
const maxStrips = 400

// linesPage is what lines.tmpl shows.
type linesPage struct {
	Strips    []strip // lines with reports of the last hour first
	Rows      []lineRow
	Elsewhere int    // reports of the last hour that are about no line of the city
	Version   string // see handleLive
	Line      string // that the page is about; empty for all
	Unknown   bool   // it is about a line that the city has not
	All       string // link to all lines
}

// strip is a line with its stops.
type strip struct {
	badge
	From, To string // its ends
	Stops    []stopMark
	News     []mark // of the last hour, newest first
	Look     string // changes when it is shown otherwise
	URL      string // where it is drawn, where it is not here
}

// stopMark is a stop of a strip.
type stopMark struct {
	Name, URL   string
	First, Last bool
	Report      *mark // its newest; nil: there is none
}

// mark is a report on a strip.
type mark struct {
	ID, Stop, Toward  string
	Age, Stamp, Clock string
	Opacity           string // it fades with age
	Clear, Answered   bool
	Ahead, Back       bool // it is on its way towards the last stop, or the first
}

// lineRow is a row of the table: a report on a line, or none.
type lineRow struct {
	badge
	Report *mark // nil: there is none
}

// handleLines draws the lines of a city: /city/{slug}/lines. With the query's line it is
// about that line alone.
func (s *Site) handleLines(w http.ResponseWriter, r *http.Request) error {
	return noSuchCity(s.serveKept(w, r, "lines", s.buildLinesPage))
}

func (s *Site) buildLinesPage(ctx context.Context, slug string, in pageIn) (*blob, int64, error) {
	sh, err := s.shownAt(ctx, slug)
	if err != nil {
		return nil, 0, err
	}
	lang := in.of(sh.city)
	p := s.blankPage(lang, s.Texts.T(lang, "lines.title", "City", sh.city.Name), nil)
	p.City, p.Path, p.Asked = sh.city, "/city/"+slug+"/lines", in.asked
	if in.line != "" && in.line != unknownLine {
		p.Query = url.Values{lineParam: {in.line}}
	}
	p.Data = sh.linesPage(p, in.line)
	body, err := s.execute("lines.tmpl", p)
	if err != nil {
		return nil, 0, err
	}
	return newBlob("text/html; charset=utf-8", body, time.Time{}), sh.city.ID, nil
}

// linesPage draws the lines of the city, or one of them.
func (sh *shown) linesPage(p *page, line string) linesPage {
	data := linesPage{Version: sh.version, Line: line, Unknown: line == unknownLine, All: p.onLine(p.Path, "")}
	news := sh.newsByLine(p.times())
	data.Elsewhere = len(news[""])
	lines := slices.Clone(sh.lines.places.Lines())
	slices.SortStableFunc(lines, func(a, b place.Line) int { return min(len(news[b.Name]), 1) - min(len(news[a.Name]), 1) })
	room := maxStrips
	for _, l := range lines {
		if line != "" && l.Name != line {
			continue
		}
		st := sh.strip(p, l, news[l.Name])
		if len(st.News) == 0 && line == "" {
			if room -= len(st.Stops); room < 0 {
				st.Stops, st.URL = nil, p.onLine(p.Path, l.Name)
			}
		}
		st.Look = lookOf(st)
		data.Strips = append(data.Strips, st)
		data.Rows = append(data.Rows, rowsOf(st)...)
	}
	return data
}

// newsByLine returns the reports of the last hour by the lines that they are about, newest
// first; those about none by "".
func (sh *shown) newsByLine(in times) map[string][]mark {
	news := map[string][]mark{}
	for _, j := range sh.reports {
		age := in.now.Sub(j.Report.Time)
		if age >= foldsAfter {
			continue
		}
		m, found := sh.mark(j, in), false
		for _, name := range j.Report.Lines.List() {
			if _, known := sh.lines.byName[name]; known {
				news[name], found = append(news[name], m), true
			}
		}
		if !found {
			news[""] = append(news[""], m)
		}
	}
	return news
}

func (sh *shown) mark(j db.Judged, in times) mark {
	r := j.Report
	m := mark{ID: r.ID, Stop: r.Stop, Toward: r.Toward, Clear: r.Clear, Answered: sh.answered[r.ID],
		Age: in.age(r.Time), Stamp: in.stamp(r.Time), Clock: in.time(r.Time)}
	m.Opacity = opacity(in.now.Sub(r.Time))
	if m.Answered {
		m.Opacity = opacity(foldsAfter)
	}
	return m
}

// opacity is how much of a report of that age is seen: all of it at first, and a third
// before it is put away.
func opacity(age time.Duration) string {
	gone := min(max(age, 0), foldsAfter).Minutes() / foldsAfter.Minutes()
	return fmt.Sprintf("%.2f", 1-gone*2/3)
}

// strip draws a line.
func (sh *shown) strip(p *page, l place.Line, news []mark) strip {
	st := strip{badge: sh.lines.named(l.Name), News: make([]mark, len(news))}
	byStop := map[string]*mark{}
	for i := len(news) - 1; i >= 0; i-- { // the newest last
		m := news[i]
		m.Ahead, m.Back = heading(l.Stops, m)
		st.News[i] = m
		byStop[m.Stop] = &st.News[i]
	}
	if len(l.Stops) > 0 {
		st.From, st.To = l.Stops[0], l.Stops[len(l.Stops)-1]
	}
	for i, name := range l.Stops {
		st.Stops = append(st.Stops, stopMark{Name: name, URL: p.reportAt(l.Name + " " + name),
			First: i == 0, Last: i == len(l.Stops)-1, Report: byStop[name]})
	}
	return st
}

// heading tells which way a report is on its way on a line.
func heading(stops []string, m mark) (ahead, back bool) {
	at, toward := slices.Index(stops, m.Stop), slices.Index(stops, m.Toward)
	if at < 0 || toward < 0 {
		return false, false
	}
	return toward > at, toward < at
}

// reportAt returns where somebody can report from a stop, in the chosen language.
func (p *page) reportAt(text string) string {
	query := "?"
	if p.Asked != "" {
		query += langParam + "=" + p.Asked + "&"
	}
	return "/city/" + p.City.Slug + query + "text=" + strings.ReplaceAll(url.QueryEscape(text), "+", "%20") + "#report"
}

// rowsOf returns the rows of a line in the table.
func rowsOf(st strip) []lineRow {
	if len(st.News) == 0 {
		return []lineRow{{badge: st.badge}}
	}
	rows := make([]lineRow, len(st.News))
	for i := range st.News {
		rows[i] = lineRow{st.badge, &st.News[i]}
	}
	return rows
}

// lookOf stands for all that is shown of a strip.
func lookOf(st strip) string {
	sum := sha256.New()
	fmt.Fprintf(sum, "%+v %q %q %q %d %+v", st.badge, st.From, st.To, st.URL, len(st.Stops), st.News)
	for _, s := range st.Stops {
		fmt.Fprintf(sum, "%q", s.Name)
	}
	return hex.EncodeToString(sum.Sum(nil)[:4])
}
