package frontend

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/report"
	"ticketfrei/manage"
)

// The first steps of a city. The values are stored: see db.Steps.
const (
	stepText   = "text"   // name and text are as they should be
	stepBot    = "bot"    // people can write
	stepTest   = "test"   // a test report was sent
	stepSecond = "second" // there is a second moderator
	stepsOver  = "over"   // they are not shown any more
)

// testsPerHour is how many test reports a moderator may send in limitWindow.
const testsPerHour = 30

// stepRoutes are what the first steps need: the notes that one is done, and test reports.
func (s *Site) stepRoutes(r chi.Router) {
	r.Get("/steps", backTo(pageOverview, "steps"))
	r.Post("/steps", s.Handler(s.handleStep))
	r.Get("/steps/test", backTo(pageOverview, "test"))
	r.With(s.limitModerator(testsPerHour, "settings.error.too_many")).Post("/steps/test", s.Handler(s.handleTest))
}

// step is one of the first steps.
type step struct {
	Name string
	Done bool
	Path string // where it is done
}

// firstSteps is the list of first steps; none where they are over.
type firstSteps []step

// Tests reports whether the form of the test report stands among them.
func (l firstSteps) Tests() bool {
	return slices.ContainsFunc(l, func(st step) bool { return st.Name == stepTest && !st.Done })
}

// Next is the first that is not done.
func (l firstSteps) Next() string {
	for _, st := range l {
		if !st.Done {
			return st.Name
		}
	}
	return ""
}

func (s *Site) firstSteps(r *http.Request, pic picture) (firstSteps, error) {
	c, ctx := s.City(r), r.Context()
	if !visitOf(ctx).role.May(report.Moderator) {
		return nil, nil
	}
	noted, err := s.DB.Steps(ctx, c.ID)
	if err != nil || slices.Contains(noted, stepsOver) {
		return nil, err
	}
	people, err := s.DB.CityModerators(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	works := slices.ContainsFunc(pic.Hears, pictureBot.Works)
	list := firstSteps{
		{stepText, c.Page != "", deskPath(pageTexts)},
		{stepBot, works, deskPath(pageNetworks)},
		{stepTest, false, "#test"},
		{stepSecond, len(people) > 1, partPath(pagePeople, partModerators)},
	}
	if err := s.noteSteps(ctx, c.ID, list, noted); err != nil {
		return nil, err
	}
	if c.Off() { // its bots rest, so there is nothing to try
		return slices.DeleteFunc(list, func(st step) bool { return st.Name == stepBot || st.Name == stepTest }), nil
	}
	if list.Next() == "" {
		return nil, s.DB.NoteStep(ctx, c.ID, stepsOver)
	}
	return list, nil
}

// noteSteps has what is done once stay so: a bot that is started again, or a moderator who
// leaves, is no step back.
func (s *Site) noteSteps(ctx context.Context, cityID int64, list firstSteps, noted []string) error {
	for i, st := range list {
		if slices.Contains(noted, st.Name) {
			list[i].Done = true
		} else if st.Done {
			if err := s.DB.NoteStep(ctx, cityID, st.Name); err != nil {
				return err
			}
		}
	}
	return nil
}

// handleStep notes that a moderator takes a step for done, or wants to see none any more.
func (s *Site) handleStep(w http.ResponseWriter, r *http.Request) error {
	name := r.PostFormValue("step")
	if name != stepText && name != stepsOver {
		return gone(errors.New("no such step"))
	}
	if err := s.DB.NoteStep(r.Context(), s.City(r).ID, name); err != nil {
		return err
	}
	http.Redirect(w, r, deskPath(pageOverview)+"#steps", http.StatusSeeOther)
	return nil
}

// testForm is the form of the test report, and the way that the last one went.
type testForm struct {
	Text  string // as typed, or an example
	Email string // where it is sent
	Error string
	Way   []testStop // none: none was sent just now
	Shown bool       // it stands open
}

// testStop is one stop of a test report on its way.
type testStop struct {
	At   time.Time // zero: it has no time of its own
	Text string
	Bad  bool
}

// keyTest holds the way of a test report for the page that shows it.
const keyTest = "test"

func (s *Site) testForm(r *http.Request) testForm {
	f := testForm{Text: s.T(r, "settings.test.example"), Email: s.moderator(r).Email}
	if raw := s.sessions.PopString(r.Context(), keyTest); raw != "" {
		var kept testForm
		if json.Unmarshal([]byte(raw), &kept) == nil {
			f.Text, f.Way, f.Shown = kept.Text, kept.Way, true
		}
	}
	return f
}

// handleTest sends a test report, and shows the way that it went.
func (s *Site) handleTest(w http.ResponseWriter, r *http.Request) error {
	c, m := s.City(r), s.moderator(r)
	f := testForm{Text: strings.TrimSpace(r.PostFormValue("report")), Email: m.Email, Shown: true}
	if f.Text == "" {
		f.Error = s.T(r, "settings.test.empty")
		return s.showOverview(w, r, http.StatusUnprocessableEntity, f)
	}
	t, err := s.Cities.Test(r.Context(), c, f.Text, m.Email)
	switch {
	case errors.Is(err, manage.ErrNoWay):
		f.Error = s.T(r, "settings.test.no_way")
	case errors.Is(err, db.ErrPaused):
		f.Error = s.T(r, "settings.pause.paused", "City", c.Name)
	case errors.Is(err, bots.ErrBacklog):
		f.Error = s.T(r, "settings.test.late")
	case err != nil:
		return err
	}
	if f.Error != "" {
		return s.showOverview(w, r, http.StatusConflict, f)
	}
	f.Way = s.testStops(r, t)
	if t.Verdict.Passed {
		if err := s.DB.NoteStep(r.Context(), c.ID, stepTest); err != nil {
			return err
		}
	}
	raw, err := json.Marshal(f)
	if err != nil {
		return err
	}
	s.sessions.Put(r.Context(), keyTest, string(raw))
	http.Redirect(w, r, deskPath(pageOverview)+"#test", http.StatusSeeOther)
	return nil
}

// testStops puts the way of a test report into words.
func (s *Site) testStops(r *http.Request, t manage.Tested) []testStop {
	lang := visitOf(r.Context()).lang
	stops := []testStop{{At: t.Heard, Text: s.T(r, "settings.test.heard", "Network", s.networkName(lang, t.Network))}}
	if t.Judged.IsZero() {
		return append(stops, testStop{Text: s.T(r, "settings.test.late"), Bad: true})
	}
	v := newVerdict(t.Verdict)
	stops = append(stops, testStop{At: t.Judged, Text: strings.TrimSpace(s.T(r, v.Reason) + " " + v.Detail), Bad: !t.Verdict.Passed})
	for _, sent := range t.Sent {
		network := s.networkName(lang, sent.Network)
		stop := testStop{At: sent.At, Text: s.T(r, "settings.test.sent", "Network", network, "Email", s.moderator(r).Email)}
		if sent.Err != nil {
			s.Log.Warn("a test report could not be sent", "city", s.City(r).Slug, "network", sent.Network, "err", sent.Err)
			stop.Text, stop.Bad = s.T(r, "settings.test.not_sent", "Network", network)+" "+s.plainWords(r, sent.Err), true
		}
		stops = append(stops, stop)
	}
	if a := s.City(r).Approval; t.Verdict.Passed && a != report.ApproveNone {
		stops = append(stops, testStop{Text: s.T(r, "settings.looked_first."+string(a))})
	}
	return append(stops, s.wouldReach(r, t)...)
}

// wouldReach says whom a real report would have reached.
func (s *Site) wouldReach(r *http.Request, t manage.Tested) []testStop {
	var would []string
	for _, o := range t.Others {
		whom := s.T(r, "settings.picture.public")
		if o.People >= 0 {
			whom = s.T(r, "settings.picture.people", "Count", o.People)
		}
		would = append(would, s.networkName(visitOf(r.Context()).lang, o.Network)+" ("+whom+")")
	}
	if len(would) == 0 {
		return nil
	}
	return []testStop{{Text: s.T(r, "settings.test.would", "Whom", strings.Join(would, ", "))}}
}
