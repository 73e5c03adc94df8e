package frontend

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/report"
	"ticketfrei/internal/zone"
	"ticketfrei/manage"
)

// The parts of the page of reports.
const (
	partMuted    = "muted"
	partApproval = "approval"
)

// maxSought bounds what is searched for, in bytes.
const maxSought = 200

// reportFilter is what the page of reports is narrowed to.
type reportFilter struct {
	Words   string
	Network string
	Line    string
	Reason  string
	Day     string // as "2030-12-31"; empty: all

	Networks []namedOption
	Lines    []string
	Reasons  []reasonOption

	since, until time.Time
	after        db.Place
}

// namedOption is one of a choice.
type namedOption struct{ Value, Name string }

// reasonOption is a reason with how many reports have it.
type reasonOption struct {
	Value, Text string
	Count       int
}

// Set tells whether something is left out.
func (f reportFilter) Set() bool { return f.Words+f.Network+f.Line+f.Reason+f.Day != "" }

// reportFilter reads what is asked for. What is no day or no place in the list is passed over.
func (s *Site) reportFilter(r *http.Request, show string) (reportFilter, error) {
	q := r.URL.Query()
	f := reportFilter{Words: cutBytes(strings.TrimSpace(q.Get("q")), maxSought), Network: q.Get("network"), Line: q.Get("line"), Reason: q.Get("reason")}
	if day, err := time.ParseInLocation(time.DateOnly, q.Get("day"), zone.Of(s.City(r), s.Config.Reports.Zone)); err == nil {
		f.Day, f.since, f.until = q.Get("day"), day.Add(-time.Millisecond), day.AddDate(0, 0, 1)
	}
	f.after, _ = db.ParsePlace(q.Get("after")) // else from the newest
	lang := visitOf(r.Context()).lang
	for _, n := range s.Networks {
		f.Networks = append(f.Networks, namedOption{n.Name, s.networkName(lang, n.Name)})
	}
	places, err := s.Cities.PlacesOf(r.Context(), s.City(r).ID)
	if err != nil {
		return f, err
	}
	if show != showRefused { // what was refused is kept without its line
		for _, l := range places.Lines() {
			f.Lines = append(f.Lines, l.Name)
		}
	}
	return f, nil
}

func cutBytes(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "")
}

func (f reportFilter) wanted(show string) manage.Wanted {
	w := wanted(show, reportsShown)
	w.Words, w.Network, w.Line, w.Since, w.Until, w.After = f.Words, f.Network, f.Line, f.since, f.until, f.after
	if f.Reason != "" {
		w.Reasons = []report.Reason{report.Reason(f.Reason)}
	}
	return w
}

// older is the address of what comes after a place.
func (f reportFilter) older(show string, after db.Place) string {
	q := url.Values{"show": {show}, "after": {after.String()}}
	for name, value := range map[string]string{"q": f.Words, "network": f.Network, "line": f.Line, "reason": f.Reason, "day": f.Day} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return "/settings/reports?" + q.Encode()
}

// reportCounts is how many reports are in each of the lists.
type reportCounts struct{ Passed, Refused, Held int }

// count fills in how many reports there are of each kind.
func (p *reportsPage) count(list []db.ReasonCount) {
	for _, c := range list {
		switch {
		case c.Passed:
			p.Counts.Passed += c.Count
		case c.Held:
			p.Counts.Held += c.Count
			p.Counts.Refused += c.Count
		default:
			p.Counts.Refused += c.Count
		}
		if shown := p.Show == showPassed && c.Passed || p.Show == showHeld && c.Held || p.Show == showRefused && !c.Passed; shown {
			p.Filter.Reasons = append(p.Filter.Reasons, reasonOption{string(c.Reason), "settings.why." + string(c.Reason), c.Count})
		}
	}
}

// mutedItem is somebody who is muted, as a moderator sees it.
type mutedItem struct {
	Author  string
	Since   time.Time
	Text    string // the last that is kept of them; empty: nothing is
	Network string // where they wrote that, as people call it
	Reach   string // text id of whom the mute reaches
}

func (s *Site) mutedItems(r *http.Request) ([]mutedItem, error) {
	list, err := s.Cities.Muted(r.Context(), s.City(r).ID)
	items := make([]mutedItem, len(list))
	for i, m := range list {
		items[i] = mutedItem{Author: m.Author, Since: m.Since}
		if last := m.Last.Report; m.Last.Seq != 0 {
			items[i].Text, items[i].Network = last.Text, s.networkName(visitOf(r.Context()).lang, last.Network)
			items[i].Reach = s.muteReach(last)
		}
	}
	return items, err
}

// muteReach is the id of the text that says whom a mute of a report's author reaches.
func (s *Site) muteReach(of report.Report) string {
	for _, n := range s.Networks {
		_, page := n.Network.(bots.OnCityPage)
		if n.Name == of.Network && page && of.Unverified {
			return "settings.muted.reach_day"
		}
	}
	if of.Unverified {
		return "settings.muted.reach_unverified"
	}
	return "settings.muted.reach"
}

// handleApproval saves whose reports wait for a moderator.
func (s *Site) handleApproval(w http.ResponseWriter, r *http.Request) error {
	approval := report.Approval(r.PostFormValue("approval"))
	_, err := s.Cities.Change(r.Context(), s.City(r).ID, manage.Patch{Approval: &approval}, "")
	if wrong, err := problems(err); wrong != nil || err != nil {
		if err == nil {
			err = gone(fmt.Errorf("approval %q", approval))
		}
		return err
	}
	return s.saved(w, r, pageReports, partApproval, s.T(r, "settings.approval.saved"))
}
