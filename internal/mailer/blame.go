package mailer

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
)

// stagesInTurn are the stages of a dialogue as they come.
var stagesInTurn = []Stage{StageConnect, StageAuth, StageMail, StageRcpt, StageData}

// refusesUs tells whether the answer to a mail, which is about us, says that the route
// is away. A refusal of one text for good, however many recipients it is for, may be
// about that text, and one of an address that a stranger has typed in about that
// address.
func (r *routes) refusesUs(w *route, mail Mail, answer *Error) bool {
	after := answer.Stage == StageData && answer.Permanent()
	asked := mail.Account && (answer.Stage == StageRcpt || after)
	switch {
	case (after || asked) && w.isMended(answer):
		return false
	case asked:
		// Until it has taken anything, it may be one that takes nothing of us.
		domain, err := domainOf(mail.To)
		if err == nil && r.all && !r.taken && w.refuse(r.hash("domain", domain), &w.alike) >= refusedAlike {
			return true
		}
	case after && mail.About == "":
	case after:
		recipients := w.refuse(r.hash("to", mail.To), &w.alike)
		if w.refuse(r.hash("report", mail.About), &w.reports) >= refusedAlike && recipients >= refusedAlike {
			return true
		}
	case w.refuse(r.hash("to", mail.To), &w.alike) >= refusedAlike, w.isAway():
		return true
	}
	return w.isAway()
}

// isMended tells whether what a route was away for is over, though this mail was not
// taken: it has got further.
func (w *route) isMended(err error) bool {
	answer, ok := errors.AsType[*Error](err)
	if !w.isAway() || !ok {
		return false
	}
	cause, ok := errors.AsType[*Error](w.Cause)
	if !ok {
		return answer.Stage == StageData || !errors.Is(w.Cause, errHangs)
	}
	return slices.Index(stagesInTurn, answer.Stage) > slices.Index(stagesInTurn, cause.Stage)
}

const (
	// reportPause and lastReportPause are for how long a report is left alone that was
	// refused: the longer, the longer it has been.
	reportPause, lastReportPause = 5 * time.Second, 2 * time.Minute
	// reportTime is after how long a refused report is forgotten that nobody sends any
	// more.
	reportTime = time.Hour
)

// learnReport learns from what became of a mail whether the report in it is refused
// wherever it goes, while other mails may be taken.
func (r *routes) learnReport(key string, mail Mail, err error) error {
	own := reportKey(key, mail)
	w := r.trouble[own]
	if w != nil {
		w.trial = time.Time{}
	}
	answer, ok := errors.AsType[*Error](err)
	switch {
	case mail.About == "":
	case err == nil && w != nil:
		r.goOn(w)
		delete(r.trouble, own)
	case !ok || answer.Stage != StageData || !answer.Permanent() || about(err) != aboutUs:
	default:
		return r.refuseReport(r.route(own), mail, err)
	}
	return err
}

// refuseReport notes that a report was refused, and returns an *Away where all mails
// with it wait.
func (r *routes) refuseReport(w *route, mail Mail, err error) error {
	now := r.now()
	w.next = now
	if w.refuse(r.hash("to", mail.To), &w.alike) < refusedAlike && !w.isAway() {
		r.forgetReports(func(key string, w *route) bool {
			return strings.Contains(key, " ") && now.Sub(w.next) > reportTime
		})
		return err
	}
	if !w.isAway() {
		w.Outage, w.back = Outage{Since: now, Report: true}, make(chan struct{})
		r.outages.refused(err, now)
	}
	w.Cause = err
	w.next = now.Add(min(max(now.Sub(w.Since)/6, reportPause), lastReportPause))
	if away, ok := errors.AsType[*Away](err); ok && !away.Report {
		return err // as all others do
	}
	return w.away()
}

// forgetReports forgets refused reports. Mails with them that wait try.
func (r *routes) forgetReports(these func(key string, w *route) bool) {
	for key, w := range r.trouble {
		if these(key, w) {
			r.goOn(w)
			delete(r.trouble, key)
		}
	}
}

const (
	// Where hangingAlike connections have heard nothing for hangTime, the server hangs.
	hangingAlike = 3
	hangTime     = 20 * time.Second
)

// errHangs is of a server that says nothing.
var errHangs = errors.New("the mail server says nothing")

// busy is a route on which mails are under way.
type busy struct {
	connections int
	heard       time.Time // when one of them had an answer, or the first began
}

// count notes how many more connections are in use.
func (r *routes) count(key string, more int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b := r.open[key]
	if b == nil {
		b = &busy{heard: r.now()}
		r.open[key] = b
	}
	if b.connections += more; b.connections == 0 {
		delete(r.open, key)
	}
}

// heard notes that a server has answered, or that it has not.
func (r *routes) heard(key string, err error) {
	_, answered := errors.AsType[*Error](err)
	if b := r.open[key]; b != nil && (err == nil || answered) {
		b.heard = r.now()
	}
}

// listen finds out whether a route hangs. Mails under way are not cut off: the server
// may be slow and work.
func (r *routes) listen(key string, now time.Time) {
	b := r.open[key]
	if b == nil || b.connections < hangingAlike || now.Sub(b.heard) < hangTime {
		return
	}
	if w := r.route(key); !w.isAway() {
		_ = r.fail(w, errHangs) // nobody is told so early
	}
}

// trial is a mail that tries while all others wait; one of no back is any other mail.
type trial struct {
	back  <-chan struct{} // closed when others are taken
	hurry bool
}

// bound bounds how long a trial takes: who waits for it may be kept from trying. One
// that is patient is not any more when others are taken.
func (t trial) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	if t.hurry {
		return context.WithTimeout(ctx, trialTime)
	}
	ctx, cancel := context.WithCancel(ctx)
	if t.back == nil {
		return ctx, cancel
	}
	go func() {
		select {
		case <-t.back:
		case <-ctx.Done():
			return
		}
		select {
		case <-time.After(trialTime):
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}
