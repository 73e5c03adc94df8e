package api

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"ticketfrei/bots"
	"ticketfrei/bots/stream"
	"ticketfrei/db"
	"ticketfrei/internal/apikey"
	"ticketfrei/internal/report"
	"ticketfrei/internal/zone"
	"ticketfrei/manage"
)

// publicFor is how old a report may be and still be read without a key, as on the city's
// page.
const publicFor = 24 * time.Hour

var (
	seesReports = []apikey.Right{apikey.Read, apikey.Moderate}
	moderates   = []apikey.Right{apikey.Moderate}
)

// The states of a report.
const (
	stateHeard     = "heard" // it waits to be judged
	statePassed    = "passed"
	stateRefused   = "refused"
	stateHeld      = "held"
	stateTakenBack = "taken_back"
)

// reportForm is a report as the API shows it.
type reportForm struct {
	report.Form
	State  string `json:"state" enum:"heard,passed,refused,held,taken_back" doc:"What became of it. Who has no key sees those that passed."`
	Detail string `json:"detail,omitempty" doc:"What decided: a pattern, a word, a line. Only with a key."`
}

// form shows a report. The public does not see why it passed, nor what programs made of it.
func (a *API) form(ctx context.Context, j db.Judged, judged bool) reportForm {
	f := reportForm{Form: j.Report.Form(city(ctx).Slug, j.Verdict), State: stateOf(j, judged), Detail: j.Verdict.Detail}
	if j.Verdict.Reason == report.ReasonTest {
		f.Detail = string(j.Verdict.Tested().Reason)
	}
	if !may(ctx, seesReports...) {
		f.Form, f.Detail = public(f.Form), ""
	}
	return f
}

// public is what of a report everybody may read.
func public(f report.Form) report.Form {
	f.Reason, f.Results = "", nil
	return f
}

func stateOf(j db.Judged, judged bool) string {
	switch {
	case !judged:
		return stateHeard
	case j.Verdict.Passed:
		return statePassed
	case j.Held:
		return stateHeld
	case j.Verdict.Reason == report.ReasonTakenBack:
		return stateTakenBack
	default:
		return stateRefused
	}
}

func (a *API) reportRoutes() {
	const path, one, tag = "/cities/{city}/reports", "/cities/{city}/reports/{id}", "reports"
	add(a, route{id: "list-reports", method: http.MethodGet, path: path, tag: tag, summary: "Reports, the newest first",
		about: "Without a key, those that passed in the last 24 hours, as on the city's page. With one, all that are kept.", takes: []string{"since", "until", "line", "network", "reason", "words", "state", "after", "limit"}}, a.listReports)
	addBody(a, route{id: "post-report", method: http.MethodPost, path: path, tag: tag, summary: "Post a report", status: http.StatusAccepted,
		about: "It is on disk when this is answered, and judged as any report is: GET it by its id to see what became of it. " +
			"To the brakes, the key is who wrote it.",
		needs: []apikey.Right{apikey.Report}, gives: []string{"Location"}, errors: []int{http.StatusConflict}}, a.postReport)
	add(a, route{id: "get-report", method: http.MethodGet, path: one, tag: tag, summary: "A report, and what became of it",
		about: "Without a key, or with one that may neither read nor report, only one that passed in the last 24 hours."}, a.getReport)
	add(a, route{id: "take-back-report", method: http.MethodPost, path: one + "/take-back", tag: tag, summary: "Take a report back wherever it was posted",
		needs: moderates}, a.takeBack)
	add(a, route{id: "let-through-report", method: http.MethodPost, path: one + "/let-through", tag: tag, summary: "Send a report on that is held, or was taken for a question",
		needs: moderates, errors: []int{http.StatusConflict}}, a.letThrough)
	add(a, route{id: "throw-away-report", method: http.MethodDelete, path: one, tag: tag, summary: "Throw away a report that is held", needs: moderates}, a.throwAway)
	add(a, route{id: "mute-author", method: http.MethodPut, path: one + "/mute", tag: tag, summary: "Hold what the author of a report writes from now on",
		needs: moderates, errors: []int{http.StatusConflict}}, a.mute)
	add(a, route{id: "unmute-author", method: http.MethodDelete, path: one + "/mute", tag: tag, summary: "End that", needs: moderates}, a.unmute)
	add(a, route{id: "get-always", method: http.MethodGet, path: one + "/always", tag: tag, summary: "What would change of the rules so that such a report passes",
		needs: seesReports, errors: []int{http.StatusConflict}}, a.getAlways)
	addBody(a, route{id: "always-let-through", method: http.MethodPost, path: one + "/always", tag: tag, summary: "Change the rules so that such a report passes, and send it on",
		about: "Needs the right moderate, too.", needs: changesRules, errors: []int{http.StatusConflict}}, a.alwaysLetThrough)
	add(a, route{id: "count-reports", method: http.MethodGet, path: "/cities/{city}/counts", tag: tag, summary: "How many reports are kept, by what became of them", needs: seesReports}, a.countReports)
	add(a, route{id: "list-muted", method: http.MethodGet, path: "/cities/{city}/mutes", tag: tag, summary: "The authors who are muted, the last first", needs: seesReports}, a.listMuted)
	add(a, route{id: "end-mute", method: http.MethodDelete, path: "/cities/{city}/mutes/{id}", tag: tag, summary: "End a mute", needs: moderates}, a.endMute)
	a.heldRoutes()
}

type reportList struct {
	Reports []reportForm `json:"reports" nullable:"false"`
	Next    string       `json:"next,omitempty" doc:"There are more: ask again with this as after."`
}

func (a *API) listReports(ctx context.Context, in *request) (*reply[reportList], error) {
	sees := may(ctx, seesReports...)
	if in.State != statePassed && !sees {
		return nil, unauthorized("what did not pass needs a key with the right "+anyOf(seesReports), "")
	}
	if in.Words != "" && !sees {
		return nil, unauthorized("a search for words needs a key with the right "+anyOf(seesReports), "")
	}
	since, err := sinceOf(in.Since, a.Now(), city(ctx), a.Config.Reports.Zone)
	if err != nil {
		return nil, wrong("query.since", err.Error(), in.Since)
	}
	if public := a.publicSince(); !sees && since.Before(public) {
		since = public
	}
	until, err := sinceOf(in.Until, a.Now(), city(ctx), a.Config.Reports.Zone)
	if err != nil {
		return nil, wrong("query.until", err.Error(), in.Until)
	}
	all := in.State == "all"
	w := manage.Wanted{Passed: all || in.State == statePassed, Refused: all || in.State == stateRefused, Held: all || in.State == stateHeld,
		Since: since, Until: until, Line: in.Line, Network: in.Network, Words: in.Words, Limit: in.Limit}
	if in.Reason != "" && sees { // the public does not see why
		w.Reasons = []report.Reason{report.Reason(in.Reason)}
	}
	if w.After, err = db.ParsePlace(in.After); err != nil {
		return nil, wrong("query.after", "is nothing that an answer had as next", in.After)
	}
	found, err := a.Cities.Search(ctx, city(ctx).ID, w)
	if err != nil {
		return nil, err
	}
	forms := make([]reportForm, len(found.Reports))
	for i, j := range found.Reports {
		forms[i] = a.form(ctx, j, true)
	}
	l := reportList{Reports: forms}
	if found.More {
		l.Next = found.Next.String()
	}
	return answered(l, nil)
}

// publicSince is since when reports may be read without a key.
func (a *API) publicSince() time.Time { return a.Now().Add(-publicFor) }

// tooOld tells whether a report can be read no more without a key.
func (a *API) tooOld(r report.Report) bool { return r.Time.Before(a.publicSince()) }

// sinceOf reads since when reports are wanted; empty: all.
func sinceOf(text string, now time.Time, c report.City, server string) (time.Time, error) {
	local := now.In(zone.Of(c, server))
	day := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, local.Location())
	switch text {
	case "":
		return time.Time{}, nil
	case "today":
		return day, nil
	case "yesterday":
		return day.AddDate(0, 0, -1), nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return now.AddDate(0, 0, -int(n)), nil
		}
	}
	ago, err := time.ParseDuration(text)
	if err != nil || ago < 0 {
		return time.Time{}, errors.New("is neither a time such as 2030-12-31T18:00:00Z, nor how long ago, such as 90s, 15m, 2h or 3d, nor today or yesterday")
	}
	return now.Add(-ago), nil
}

// newReport is a report that is posted.
type newReport struct {
	Text string    `json:"text" minLength:"1" maxLength:"5000" doc:"Plain text, as a person would write it." example:"U1 Plärrer, 2 Kontis Richtung Fürth"`
	Time time.Time `json:"time,omitzero" doc:"When it was written; now where it is left out."`
}

type heardReport struct {
	ID    string `json:"id" doc:"The report's id."`
	State string `json:"state" enum:"heard"`
}

// postReport hears a report through the city's bot for streams.
func (a *API) postReport(ctx context.Context, in *request, body *newReport) (*reply[heardReport], error) {
	if strings.TrimSpace(body.Text) == "" {
		return nil, wrong("body.text", "is empty", body.Text)
	}
	c := city(ctx)
	if !c.Paused.IsZero() {
		return nil, db.ErrPaused
	}
	b, err := a.streamBot(ctx, c)
	if err != nil {
		return nil, err
	}
	k, _ := key(ctx)
	msg := bots.Incoming{ID: a.messageID(k, in.IdempotencyKey), Author: fmt.Sprint("key ", k.ID), Text: body.Text, Visibility: report.Public, Time: body.Time}
	if err := a.Hearer.Hear(ctx, b, msg); err != nil {
		return nil, a.notHeard(err)
	}
	id := idOf(a, b, msg)
	return &reply[heardReport]{Location: Path + "/cities/" + c.Slug + "/reports/" + id, Body: heardReport{id, stateHeard}}, nil
}

// messageID is the id of what is posted, as a network gives one: the same for a request that
// is sent a second time.
func (a *API) messageID(k apikey.Key, name string) string {
	if name == "" {
		return "api " + rand.Text()
	}
	return fmt.Sprintf("api %d %s", k.ID, name)
}

// idOf is the id of the report that becomes of what was heard.
func idOf(a *API, b report.Bot, in bots.Incoming) string {
	r := report.Report{CityID: b.CityID, BotID: b.ID, Network: b.Network}
	bots.KeyReport(a.Secrets, &r, in)
	return r.ID
}

// notHeard says why a report was not taken in. What is not about it passes by itself.
func (a *API) notHeard(err error) error {
	switch {
	case errors.Is(err, db.ErrPaused), errors.Is(err, db.ErrNotFound):
		return err
	case errors.Is(err, bots.ErrMessage):
		return wrong("body", "cannot be taken in", nil)
	}
	a.Log.Debug("a report was not taken in", "err", err)
	return later(http.StatusServiceUnavailable, "no reports are taken in at the moment: try again", 30*time.Second)
}

// streamBot returns the city's bot that hears what is posted. It is made where there is none.
func (a *API) streamBot(ctx context.Context, c report.City) (report.Bot, error) {
	b, err := a.streams.Bot(ctx, c.ID)
	if err == nil && !b.Enabled {
		err = problem(http.StatusConflict, "the city's moderators have switched off what hears reports of the API: it is the bot of the network "+stream.Name)
	}
	return b, err
}

func (a *API) getReport(ctx context.Context, in *request) (*reply[reportForm], error) {
	j, judged, err := a.DB.AnyReport(ctx, city(ctx).ID, in.ID)
	if public := judged && j.Verdict.Passed && !a.tooOld(j.Report); err == nil && !public && !may(ctx, append(seesReports, apikey.Report)...) {
		err = db.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return answered(a.form(ctx, j, judged), nil)
}

func (a *API) takeBack(ctx context.Context, in *request) (*reply[none], error) {
	return nil, a.Cities.TakeBack(ctx, city(ctx).ID, in.ID)
}

func (a *API) letThrough(ctx context.Context, in *request) (*reply[none], error) {
	passed, late, err := a.Cities.LetThrough(ctx, city(ctx).ID, db.Choice{ReportID: in.ID})
	switch {
	case err != nil:
		return nil, err
	case late > 0:
		return nil, problem(http.StatusConflict, "the report is too old to be sent (setting reports.expire): it is refused")
	case passed == 0:
		return nil, db.ErrNotFound
	}
	return nil, nil
}

func (a *API) throwAway(ctx context.Context, in *request) (*reply[none], error) {
	n, err := a.Cities.ThrowAway(ctx, city(ctx).ID, db.Choice{ReportID: in.ID})
	if err == nil && n == 0 {
		err = db.ErrNotFound
	}
	return nil, err
}

func (a *API) mute(ctx context.Context, in *request) (*reply[none], error) {
	return nil, a.Cities.Mute(ctx, city(ctx).ID, in.ID)
}

func (a *API) unmute(ctx context.Context, in *request) (*reply[none], error) {
	return nil, a.Cities.Unmute(ctx, city(ctx).ID, in.ID)
}
