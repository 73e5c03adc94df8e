package frontend

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/report"
	"ticketfrei/manage"
)

const (
	reportsShown  = 50 // on the page of reports, of each kind
	reportsLatest = 3  // on the overview, of each kind
)

// The lists of reports, as in ?show=. The values must not change: people have
// bookmarked these addresses.
const (
	showPassed  = "passed"
	showRefused = "refused" // what was refused, and what is held
	showHeld    = "held"
)

// reportRoutes are the page of reports and its buttons.
func (s *Site) reportRoutes(r chi.Router) {
	r.Get("/reports", s.Handler(s.handleReports))
	r.Post("/reports/take-back", s.Handler(s.handleTakeBack))
	r.Post("/reports/mute", s.Handler(s.handleMute))
	r.Post("/reports/unmute", s.Handler(s.handleUnmute))
	r.Get("/reports/always", s.Handler(s.handleAlwaysAsk))
	r.Post("/reports/always", s.Handler(s.handleAlways))
	r.Post("/reports/approval", s.Handler(s.handleApproval))
}

// latestReports is the part of the overview about reports.
type latestReports struct {
	Waiting []heldGroup
	Passed  []reportItem
	Refused []reportItem
}

// reportsPage is what settings/reports.tmpl shows.
type reportsPage struct {
	Show    string // showPassed, showRefused or showHeld
	Waiting []heldGroup
	Items   []reportItem
	Days    int    // how long reports are kept
	Expire  string // how old they may be to be sent
	Counts  reportCounts
	Filter  reportFilter
	Older   string // the address of what is older than what is shown; empty: there is nothing
	Bounded int    // see manage.Found
	Muted   []mutedItem
}

// reportItem is one report as a moderator sees it.
type reportItem struct {
	ID        string
	Text      string
	Time      time.Time
	Network   string // as people call it
	Private   bool
	Show      string // the list it stands in
	Verdict   verdict
	Held      bool
	Asked     bool // it was refused, and may be let through
	Always    bool // the rules may be changed so that it would pass
	Results   []reportResult
	db.Counts      // of its deliveries
	Waiting   int  // how many people it waits for, who get several reports together
	CanMute   bool // it carries the keyed hash of its author
	Muted     bool
}

func (s *Site) latestReports(r *http.Request) (latestReports, error) {
	passed, err := s.reportItems(r, showPassed, reportsLatest)
	if err != nil {
		return latestReports{}, err
	}
	refused, err := s.reportItems(r, showRefused, reportsLatest)
	if err != nil {
		return latestReports{}, err
	}
	waiting, err := s.heldGroups(r)
	return latestReports{Waiting: waiting, Passed: passed, Refused: refused}, err
}

// wanted are the reports of one of the lists of the city.
func wanted(show string, limit int) manage.Wanted {
	return manage.Wanted{Passed: show == showPassed, Refused: show == showRefused, Held: show != showPassed, Limit: limit}
}

// reportItems returns the newest reports of one of the lists of the city.
func (s *Site) reportItems(r *http.Request, show string, limit int) ([]reportItem, error) {
	list, err := s.Cities.Reports(r.Context(), s.City(r).ID, wanted(show, limit))
	if err != nil {
		return nil, err
	}
	return s.itemsOf(r, show, list)
}

// itemsOf shows reports of one of the lists of the city.
func (s *Site) itemsOf(r *http.Request, show string, list []db.Judged) ([]reportItem, error) {
	ctx, city := r.Context(), s.City(r)
	muted, err := s.DB.Mutes(ctx, city.ID)
	if err != nil {
		return nil, err
	}
	items := make([]reportItem, len(list))
	for i, j := range list {
		items[i] = reportItem{ID: j.Report.ID, Text: j.Report.Text, Time: j.Report.Time,
			Network: s.networkName(visitOf(r.Context()).lang, j.Report.Network), Private: j.Report.Visibility == report.Private,
			Show: show, Verdict: newVerdict(j.Verdict), Held: j.Held,
			Asked:   j.Overrulable(),
			Always:  j.Overrulable() && (j.Verdict.Reason == report.ReasonNoTrigger || j.Verdict.Reason == report.ReasonBlocked),
			Results: s.resultsOf(visitOf(r.Context()).lang, j),
			CanMute: j.Report.Author != "", Muted: muted[j.Report.Author]}
		// A refused report was never sent, but one that was taken back was.
		if show != showPassed && j.Verdict.Reason != report.ReasonTakenBack {
			continue
		}
		if err := s.countDeliveries(ctx, &items[i], j); err != nil {
			return nil, err
		}
	}
	return items, nil
}

// countDeliveries counts what became of the deliveries of a report.
func (s *Site) countDeliveries(ctx context.Context, item *reportItem, j db.Judged) (err error) {
	if item.Counts, err = s.DB.Counts(ctx, j.Report.ID); err != nil || !j.Verdict.Passed {
		return err
	}
	for _, n := range s.Networks {
		g, ok := n.Network.(bots.Gatherer)
		if !ok {
			continue
		}
		waiting, err := g.Waiting(ctx, j.Seq)
		if err != nil {
			return err
		}
		if waiting > 0 {
			item.Waiting += waiting
			item.Sent = max(0, item.Sent-1) // that it waits counts as one
		}
	}
	return nil
}

func (s *Site) handleReports(w http.ResponseWriter, r *http.Request) error {
	show := shownReports(r.URL.Query().Get("show"))
	filter, err := s.reportFilter(r, show)
	if err != nil {
		return err
	}
	found, err := s.Cities.Search(r.Context(), s.City(r).ID, filter.wanted(show))
	if err != nil {
		return err
	}
	p := reportsPage{Show: show, Filter: filter, Bounded: found.Bounded, Expire: brief(s.Config.Reports.Expire),
		Days: int(s.Config.Reports.Keep.Round(24*time.Hour) / (24 * time.Hour))}
	if found.More {
		p.Older = filter.older(show, found.Next)
	}
	if p.Items, err = s.itemsOf(r, show, found.Reports); err != nil {
		return err
	}
	if p.Waiting, err = s.heldGroups(r); err != nil {
		return err
	}
	counts, err := s.Cities.CountReports(r.Context(), s.City(r).ID)
	if err != nil {
		return err
	}
	p.count(counts)
	if p.Muted, err = s.mutedItems(r); err != nil {
		return err
	}
	return s.showDesk(w, r, http.StatusOK, pageReports, p)
}

// shownReports returns the list asked for, or the passed reports if it is none of
// them.
func shownReports(show string) string {
	if show == showHeld || show == showRefused {
		return show
	}
	return showPassed
}

// brief writes a time as "2 h" or "90 min".
func brief(d time.Duration) string {
	if d >= time.Hour && d%time.Hour == 0 {
		return fmt.Sprint(int(d.Hours()), " h")
	}
	return fmt.Sprint(int(d.Minutes()), " min")
}

// backToReports leads back to the list that holds the form.
func (s *Site) backToReports(w http.ResponseWriter, r *http.Request, textID string) error {
	s.flash(r.Context(), s.T(r, textID))
	http.Redirect(w, r, "/settings/reports?show="+shownReports(r.PostFormValue("show")), http.StatusSeeOther)
	return nil
}

// ofReport is gone where the report of a form is not there.
func ofReport(err error) error {
	if errors.Is(err, db.ErrNotFound) {
		return gone(err)
	}
	return err
}

func (s *Site) handleTakeBack(w http.ResponseWriter, r *http.Request) error {
	if err := s.Cities.TakeBack(r.Context(), s.City(r).ID, r.PostFormValue("report")); err != nil {
		return ofReport(err)
	}
	s.offerUndo(r, manage.ActTakenBack, r.PostFormValue("report"))
	return s.backToReports(w, r, "settings.reports.taken_back")
}

func (s *Site) handleMute(w http.ResponseWriter, r *http.Request) error {
	err := s.Cities.Mute(r.Context(), s.City(r).ID, r.PostFormValue("report"))
	switch {
	case errors.Is(err, manage.ErrNoAuthor):
		return s.backToReports(w, r, "settings.reports.mute_impossible")
	case err != nil:
		return ofReport(err)
	}
	return s.backToReports(w, r, "settings.reports.mute_done")
}

func (s *Site) handleUnmute(w http.ResponseWriter, r *http.Request) error {
	if author := r.PostFormValue("author"); author != "" {
		if err := s.Cities.UnmuteAuthor(r.Context(), s.City(r).ID, author); err != nil {
			return err
		}
		return s.saved(w, r, pageReports, partMuted, s.T(r, "settings.reports.unmute_done"))
	}
	if err := s.Cities.Unmute(r.Context(), s.City(r).ID, r.PostFormValue("report")); err != nil {
		return ofReport(err)
	}
	return s.backToReports(w, r, "settings.reports.unmute_done")
}
