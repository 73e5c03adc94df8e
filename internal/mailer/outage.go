package mailer

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

const (
	// outageLogEvery is how often the log says at most that mails wait.
	outageLogEvery = time.Minute
	// unreachableFor is how long a server does not answer until the operator is told.
	// A refusal does not pass by itself.
	unreachableFor = time.Minute
	// tellEvery is how often the operator is told at most.
	tellEvery = time.Hour
)

// outages tells of routes that are away, however many mails wait for them.
type outages struct {
	log    *slog.Logger
	logged time.Time
	// reported is when the log said last that a report is refused.
	reported time.Time
	told     time.Time
	tell     func(context.Context, Outage) // nil where nobody listens
}

// went says that a route is away, still or from now on. What it returns tells the
// operator, where that is not nil.
func (o *outages) went(w *route, now time.Time) func(context.Context) {
	if now.Sub(o.logged) >= outageLogEvery {
		o.logged = now
		o.log.Error(w.words(), "since", w.Since, "times", w.failures, "err", w.Cause, "said", Words(w.Cause))
	}
	if w.told || o.tell == nil || !w.isRefused() && now.Sub(w.Since) < unreachableFor {
		return nil
	}
	w.told = true
	if !o.told.IsZero() && now.Sub(o.told) < tellEvery {
		return nil
	}
	o.told = now
	tell, outage := o.tell, w.Outage
	return func(ctx context.Context) { tell(ctx, outage) }
}

// refused says that a report is refused because of what it says. It may be anybody's
// doing, so that it is no mail to the operator.
func (o *outages) refused(err error, now time.Time) {
	if now.Sub(o.reported) >= outageLogEvery {
		o.reported = now
		o.log.Warn("mail: the mails with one report are refused, they are tried until it has expired. Others go on", "err", err, "said", Words(err))
	}
}

// words say to the operator what does not work and what to do.
func (o Outage) words() string {
	what := "mail: the relay takes no mails, all of them wait and go on by themselves"
	if !o.All {
		what = "mail: the mail server of a domain takes no mails, those to it wait and go on by themselves"
	}
	if o.isRefused() {
		return what + ". This needs attention: see mail.relay and docs/OPERATING.md"
	}
	return what
}

// isRefused tells whether a server has refused for good.
func (o Outage) isRefused() bool {
	answer, ok := errors.AsType[*Error](o.Cause)
	return ok && answer.Permanent()
}

// ended says that a route takes mails again.
func (o *outages) ended(w *route, now time.Time) {
	level := slog.LevelInfo
	if !w.All { // there are many
		level = slog.LevelDebug
	} else {
		o.logged = time.Time{}
	}
	o.log.Log(context.Background(), level, "mail: mails are taken again", "after", now.Sub(w.Since).Round(time.Second))
}

// OnAway has tell called when the operator should know of an outage: where a server
// refuses, at once; once for an outage, and not more than once an hour.
func (m *Mailer) OnAway(tell func(context.Context, Outage)) {
	m.routes.mu.Lock()
	defer m.routes.mu.Unlock()
	m.routes.outages.tell = tell
}

// Outages returns the ways that take no mails at the moment.
func (m *Mailer) Outages() []Outage { return m.routes.away() }

// Delayed tells whether all mails wait at the moment.
func (m *Mailer) Delayed() bool {
	for _, o := range m.Outages() {
		if o.All {
			return true
		}
	}
	return m.unfound.isBroken()
}
