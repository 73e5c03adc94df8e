package frontend

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"

	"ticketfrei/db"
	"ticketfrei/internal/report"
)

const (
	// shownFor is how old a report may be and still be shown; maxShown is how
	// many are shown at most.
	shownFor = 24 * time.Hour
	maxShown = 500
	// fadesAfter is how old a report is shown as older, and foldsAfter how old it is
	// put away: whoever waits for a tram wants to know of now.
	fadesAfter = 30 * time.Minute
	foldsAfter = time.Hour
)

// shown is what there is to show of a city, in whatever language.
type shown struct {
	city     report.City
	lines    cityLines
	reports  []db.Judged     // newest first
	answered map[string]bool // by an all-clear: see report.Answered
	looks    []string        // of each of the reports: changes when it is shown otherwise; its age does not count
	version  string          // of all that the list shows
}

// shown returns what there is to show of the city.
func (s *Site) shown(ctx context.Context, cityID int64) (*shown, error) {
	return cached(ctx, s.cache, fmt.Sprint("shown/", cityID), func(ctx context.Context) (*shown, int64, error) {
		sh, err := s.readShown(ctx, cityID)
		return sh, cityID, err
	})
}

func (s *Site) readShown(ctx context.Context, cityID int64) (*shown, error) {
	sh := &shown{}
	var err error
	if sh.city, err = s.DB.City(ctx, cityID); err != nil {
		return nil, err
	}
	if sh.lines, err = s.linesOf(ctx, cityID); err != nil {
		return nil, err
	}
	if sh.reports, err = s.DB.Reports(ctx, cityID, true, shownFor, maxShown); err != nil {
		return nil, err
	}
	list := make([]report.Report, len(sh.reports))
	for i, j := range sh.reports {
		list[i] = j.Report
	}
	sh.answered = report.Answered(list)
	all := sha256.New()
	for _, r := range list {
		look := sh.look(r)
		sh.looks = append(sh.looks, look)
		_, _ = all.Write([]byte(r.ID + look))
	}
	sh.version = hex.EncodeToString(all.Sum(nil)[:8])
	return sh, nil
}

// look stands for what is shown of a report, but for its age.
func (sh *shown) look(r report.Report) string {
	b, text := sh.lines.named(r.Line), []byte(r.Text)
	for _, part := range []string{r.Line, r.Stop, r.Toward, string(r.Lines), b.Color} {
		text = append(append(text, 0), part...)
	}
	for _, is := range []bool{r.Clear, sh.answered[r.ID], b.Dark} {
		text = strconv.AppendBool(text, is)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:4])
}

// shownReport is what report.tmpl shows.
type shownReport struct {
	report.Report
	Look     string // see shown.looks
	Names    string // of its lines, with "|" between them
	Badge    badge  // of its line
	Network  string // name for people
	Stamp    string // its time, for programs
	Clock    string // its time, for people
	Age      string
	Faded    bool
	Answered bool
	Brief    bool // its words say no more than what was read in them
}

// cityReports returns what the city's page shows of its reports, in a language.
func (s *Site) cityReports(ctx context.Context, cityID int64, lang string) (liveList, error) {
	return cached(ctx, s.cache, fmt.Sprint("reports/", cityID, lang), func(ctx context.Context) (liveList, int64, error) {
		sh, err := s.shown(ctx, cityID)
		if err != nil {
			return liveList{}, 0, err
		}
		list, err := s.listReports(sh, lang)
		return list, cityID, err
	})
}

// slug is what the log calls a city.
func (s *Site) slug(ctx context.Context, cityID int64) string { return s.DB.Slug(ctx, cityID) }

// listReports makes the items of the list.
func (s *Site) listReports(sh *shown, lang string) (liveList, error) {
	list := liveList{version: sh.version, items: make([]liveItem, 0, len(sh.reports))}
	p := s.blankPage(lang, "", nil)
	p.City = sh.city
	in := p.times()
	for i, j := range sh.reports {
		r, look := j.Report, sh.looks[i]
		html, err := s.drawn.Get(drawnKey{r.ID, look, lang, in.age(r.Time), in.zone.String()}, func() ([]byte, error) {
			return s.drawReport(p, sh.report(r, look, in))
		})
		if err != nil {
			return liveList{}, err
		}
		list.items = append(list.items, liveItem{id: r.ID, look: look, time: r.Time, lines: r.Lines, html: html})
	}
	return list, nil
}

// drawnKey is all that the HTML of a report depends on. Most reports of a list look as
// they did when it was last made.
type drawnKey struct{ id, look, lang, age, zone string }

// maxDrawn is of how many reports the HTML is kept, which has about half a kilobyte each.
const maxDrawn = 10_000

func (s *Site) drawReport(p *page, r shownReport) ([]byte, error) {
	r.Network = s.networkName(p.Lang, r.Report.Network)
	p.Data = r
	html, err := s.execute("report.tmpl", p)
	if err != nil {
		return nil, fmt.Errorf("render a report: %w", err)
	}
	return html, nil
}

func (sh *shown) report(r report.Report, look string, in times) shownReport {
	return shownReport{Report: r, Look: look, Names: strings.Trim(string(r.Lines), "|"), Badge: sh.lines.named(r.Line),
		Stamp: in.stamp(r.Time), Clock: in.time(r.Time), Age: in.age(r.Time),
		Faded: in.now.Sub(r.Time) >= fadesAfter, Answered: sh.answered[r.ID], Brief: saysNoMore(r)}
}

// saysNoMore tells whether the words of a report are those of its line and its stop
// alone, in whatever order.
func saysNoMore(r report.Report) bool {
	if r.Toward != "" || r.Clear || r.Line+r.Stop == "" {
		return false
	}
	read := " " + strings.ToLower(r.Line+" "+r.Stop) + " "
	for _, word := range strings.Fields(strings.ToLower(r.Text)) {
		if !strings.Contains(read, " "+strings.Trim(word, ".,:!")+" ") {
			return false
		}
	}
	return true
}

// join puts items one after the other.
func join(items []liveItem) template.HTML {
	var all strings.Builder
	for _, it := range items {
		all.Write(it.html)
	}
	return template.HTML(all.String()) //nolint:gosec // html/template has made each of them
}
