package web

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/report"
)

const (
	// reportsPerMinute is how often one network of clients may report. Many people share
	// one, as behind their phone's provider; the brakes hold what is more than a few.
	reportsPerMinute = 20
	// judgedWithin is how long somebody waits to be told what became of their report:
	// they are answered within a second, also by a machine that has much to do.
	judgedWithin = 600 * time.Millisecond
	// commandWithin is how long somebody waits for the answer of an outside program to a
	// command, which begins with commandSign.
	commandWithin = 10 * time.Second
	commandSign   = "/"
	// retryAfter is when somebody may try again while nothing is taken in.
	retryAfter = 30 * time.Second
	// maxForm is how much of a form in parts is held in memory, in bytes: more than a
	// form may be long, so that nothing of it is written to disk.
	maxForm = 1 << 20
	// minKey and maxKey bound the key of a report, in bytes: it must not be guessed.
	minKey, maxKey = 16, 100
)

// handleReport hears a report from the form of the page, and says what became of it.
func (p *pages) handleReport(w http.ResponseWriter, r *http.Request) error {
	city, b, err := p.cityBot(r)
	if err != nil {
		return err
	}
	if !b.Enabled {
		return &bots.PageError{Status: http.StatusNotFound, ID: "web.report.off"}
	}
	w.Header().Add("Vary", "Accept")
	if p.reports.holds(p.site, w, r) {
		return p.refuse(w, r, http.StatusTooManyRequests, "web.report.too_many")
	}
	in, wrong := p.written(r)
	if wrong != "" {
		return p.refuse(w, r, http.StatusUnprocessableEntity, wrong)
	}
	if !city.Paused.IsZero() {
		return p.refuse(w, r, http.StatusConflict, "web.report.paused")
	}
	if in.Author, in.Unverified, err = p.days.writer(r.Context(), p.host.Now(), p.site.ClientNetwork(r), in.Text); err != nil {
		return p.notHeard(w, r, err)
	}
	answered := make(chan bots.Answer, 1)
	in.Answer = func(_ context.Context, a bots.Answer) error {
		select {
		case answered <- a:
		default: // the page shows one
		}
		return nil
	}
	if err := p.host.Hearer.Hear(r.Context(), b, in); err != nil {
		return p.notHeard(w, r, err)
	}
	return p.say(w, r, http.StatusOK, p.outcome(r, p.patience(r, b, in), answered), p.idOf(b, in))
}

// idOf is the id of the report that becomes of what was heard.
func (p *pages) idOf(b report.Bot, in bots.Incoming) string {
	r := report.Report{CityID: b.CityID, BotID: b.ID, Network: b.Network}
	bots.KeyReport(p.host.Secrets, &r, in)
	return r.ID
}

// written reads the form. wrong is the text of what is wrong with it.
func (p *pages) written(r *http.Request) (in bots.Incoming, wrong string) {
	// Some programs send even a short form in parts; what is no form has no text.
	_ = r.ParseMultipartForm(maxForm)
	now, text := p.host.Now(), strings.TrimSpace(r.PostFormValue("text"))
	if text == "" {
		return in, "web.report.empty"
	}
	in = bots.Incoming{ID: rand.Text(), Text: text, Visibility: report.Private, Time: now, Language: p.site.Language(r), Here: true}
	if key := r.PostFormValue("key"); len(key) >= minKey && len(key) <= maxKey {
		in.ID = "key " + key
	}
	if unix, err := strconv.ParseInt(r.PostFormValue("written"), 10, 64); err == nil && unix > 0 && unix < now.Unix() {
		in.Time = time.Unix(unix, 0)
	}
	if now.Sub(in.Time) > p.host.Config.Reports.Expire {
		return in, "web.report.too_old"
	}
	return in, ""
}

// patience is how long somebody waits for an answer to what they have written.
func (p *pages) patience(r *http.Request, b report.Bot, in bots.Incoming) time.Duration {
	said, isCommand := strings.CutPrefix(strings.ToLower(in.Text), commandSign)
	if !isCommand || p.host.Commands == nil {
		return judgedWithin
	}
	words, err := p.host.Commands.Words(r.Context(), b.CityID)
	if err != nil || !slices.ContainsFunc(words, func(word string) bool { return strings.HasPrefix(said, word) }) {
		return judgedWithin
	}
	return commandWithin
}

// outcome waits a moment for what becomes of a report that is on disk, or for the answer to
// a command.
func (p *pages) outcome(r *http.Request, within time.Duration, answered <-chan bots.Answer) bots.Answer {
	wait := time.NewTimer(within)
	defer wait.Stop()
	select {
	case a := <-answered:
		return a
	case <-wait.C:
	case <-r.Context().Done(): // they have left
	}
	return bots.Answer{Outcome: bots.OutcomeReceived, Text: p.site.T(r, "web.report.received")}
}

// notHeard says why a report was not taken in.
func (p *pages) notHeard(w http.ResponseWriter, r *http.Request, err error) error {
	switch {
	case errors.Is(err, db.ErrPaused):
		return p.refuse(w, r, http.StatusConflict, "web.report.paused")
	case errors.Is(err, db.ErrNotFound), r.Context().Err() != nil:
		return err
	}
	p.host.Log.Debug("a report of the page was not taken in", "err", err)
	w.Header().Set("Retry-After", strconv.Itoa(int(retryAfter.Seconds())))
	return p.refuse(w, r, http.StatusServiceUnavailable, "web.report.full")
}

// refuse answers that a report was not taken in, with its words still in the field.
func (p *pages) refuse(w http.ResponseWriter, r *http.Request, status int, textID string) error {
	return p.say(w, r, status, bots.Answer{Outcome: bots.OutcomeRefused, Text: p.site.T(r, textID)}, "")
}

// said is an answer as scripts read it.
type said struct {
	Outcome bots.Outcome `json:"outcome"`
	Text    string       `json:"text"`
	ID      string       `json:"id,omitempty"` // of the report
}

// say answers what became of a report: to the script in JSON, otherwise with the page.
func (p *pages) say(w http.ResponseWriter, r *http.Request, status int, a bots.Answer, id string) error {
	if !strings.Contains(r.Header.Get("Accept"), "application/json") {
		return p.site.CityPage(w, r, status, bots.Said{Answer: a, Draft: draft(r, a)})
	}
	return answerJSON(w, status, said{a.Outcome, a.Text, id})
}

// draft is what stays in the field: what was not passed on, which may be mended.
func draft(r *http.Request, a bots.Answer) string {
	switch a.Outcome {
	case bots.OutcomeHeld, bots.OutcomeQuestion, bots.OutcomeRefused:
		return strings.TrimSpace(r.PostFormValue("text"))
	default:
		return ""
	}
}
