package frontend

import (
	"ticketfrei/internal/report"
)

// preview is what others show of a page that they link to.
type preview struct {
	Text      string // what happened in the last hour
	Canonical string // address of the page in the language that was chosen
	Alternate []alternate
	Neutral   string // address of the page in the language of whoever looks
}

// alternate is the page in another language.
type alternate struct{ Lang, URL string }

// preview returns what others show of the page, which is about a line or all.
func (s *Site) preview(p *page, sh *shown, line string) preview {
	v := preview{Text: p.summary(sh, line), Neutral: s.link(p.Path), Canonical: s.link(p.Link(p.Path))}
	for _, lang := range s.Texts.Languages() {
		v.Alternate = append(v.Alternate, alternate{lang, s.link(p.Path + "?" + langParam + "=" + lang)})
	}
	return v
}

// summary says what happened in the last hour.
func (p *page) summary(sh *shown, line string) string {
	var newest report.Report
	count := 0
	for _, j := range sh.reports {
		r := j.Report
		if p.now.Sub(r.Time) >= foldsAfter {
			break
		}
		if r.Clear || !about(r.Lines, line) {
			continue
		}
		if count++; count == 1 {
			newest = r
		}
	}
	if count == 0 {
		return p.T("city.summary.none", "City", p.City.Name)
	}
	return p.T("city.summary.reports", "Count", count, "Newest", title(newest))
}

// title is what a report is called where there is little room: what was read in it, or
// its first words.
func title(r report.Report) string {
	if heading := r.Heading(); heading != "" && heading != "✓" {
		return heading
	}
	return headline(r.Text)
}
