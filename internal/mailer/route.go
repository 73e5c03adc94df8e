package mailer

import (
	"context"
	"errors"
	"hash/maphash"
	"log/slog"
	"sync"
	"time"

	"ticketfrei/internal/backoff"
)

const (
	// refusedAlike is how many recipients in a row, none of whom was refused
	// before, are refused for reasons that are not theirs until a route is away.
	refusedAlike = 3
	// goneAlike is how many recipients of a relay in a row may be gone before it is
	// the relay that does not know its recipients any more.
	goneAlike = 10
	// trialTime is after how long the next mail tries, whatever has become of the
	// one that tries.
	trialTime = 10 * time.Second
	// firstPause and lastPause are for how long a domain is left alone whose server
	// does not answer: it would take connections from others.
	firstPause, lastPause = 10 * time.Second, 2 * time.Minute
	// maxRoutes and maxRefused bound what is remembered.
	maxRoutes, maxRefused = 4096, 4096
)

// Away is the error of a mail that waits because its way takes none at the moment. It
// says nothing of the mail or its recipient.
type Away struct {
	Outage
	// Back is closed when mails are taken again.
	Back <-chan struct{}
	// Tried is set where Cause is what became of this mail.
	Tried bool
}

func (a *Away) Error() string { return "mails wait: " + a.Cause.Error() }

func (a *Away) Unwrap() error { return a.Cause }

// Outage is what is known of a way that takes no mails.
type Outage struct {
	Since time.Time
	Cause error // an *Error where a server has refused
	// All is set where all mails wait; otherwise those to one domain.
	All bool
}

// route is a way that mails go: to the relay, or to one domain where there is none.
// While it is away, one mail at a time tries, and the others wait.
type route struct {
	refused     map[uint64]bool // recipients that were refused the last time
	alike, gone int             // recipients in a row that were

	Outage                 // of zero Since: the route is fine
	back     chan struct{} // closed when it is again
	trial    time.Time     // when the mail began that tries; zero: none does
	next     time.Time     // nothing tries before
	failures int           // since it is away
	told     bool          // the operator was
}

func (w *route) isAway() bool { return !w.Since.IsZero() }

func (w *route) away() *Away { return &Away{Outage: w.Outage, Back: w.back} }

// refuse notes that a recipient was refused, and returns how many were in a row.
func (w *route) refuse(recipient uint64, row *int) int {
	if !w.refused[recipient] {
		if len(w.refused) >= maxRefused {
			clear(w.refused)
		}
		w.refused[recipient] = true
		*row++
	}
	return *row
}

// routes knows the routes that are in trouble; of others there is nothing to know.
type routes struct {
	all  bool // there is one
	seed maphash.Seed
	now  func() time.Time

	mu      sync.Mutex
	trouble map[string]*route
	open    map[string]int // connections in use
	outages outages
}

func newRoutes(all bool, log *slog.Logger, now func() time.Time) *routes {
	return &routes{all: all, seed: maphash.MakeSeed(), now: now,
		trouble: make(map[string]*route), open: make(map[string]int), outages: outages{log: log}}
}

// enter returns nil where a mail may try, and an *Away where it has to wait. While the
// route is away, one that is going to try keeps the others waiting.
func (r *routes) enter(key string, going bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.trouble[key]
	if w == nil || !w.isAway() {
		return nil
	}
	now := r.now()
	if now.Before(w.next) || !w.trial.IsZero() && now.Sub(w.trial) < trialTime {
		return w.away()
	}
	if going {
		w.trial = now
	}
	return nil
}

// count notes how many more connections are in use.
func (r *routes) count(key string, more int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.open[key] += more; r.open[key] == 0 {
		delete(r.open, key)
	}
}

// note learns from what became of a mail, and returns the error of Send: an *Away
// where the mail waits for its route.
func (r *routes) note(ctx context.Context, key, to string, err error) error {
	tell, err := r.learn(key, to, err)
	if tell != nil {
		tell(context.WithoutCancel(ctx))
	}
	return err
}

// learn is note but for telling the operator, which tell does where it is not nil.
func (r *routes) learn(key, to string, err error) (tell func(context.Context), _ error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w, recipient := r.route(key), maphash.String(r.seed, to)
	w.trial = time.Time{}
	if err == nil {
		delete(w.refused, recipient)
		w.alike, w.gone = 0, 0
		r.goOn(w)
	} else if r.blames(key, w, recipient, err) {
		tell = r.fail(w, err)
		away := w.away()
		away.Tried, err = true, away
	}
	if !w.isAway() && len(w.refused) == 0 {
		delete(r.trouble, key)
	}
	return tell, err
}

// route returns what is known of a route.
func (r *routes) route(key string) *route {
	w := r.trouble[key]
	if w != nil {
		return w
	}
	for other, w := range r.trouble {
		if len(r.trouble) < maxRoutes {
			break
		}
		r.goOn(w) // whoever waits tries
		delete(r.trouble, other)
	}
	w = &route{refused: make(map[uint64]bool)}
	r.trouble[key] = w
	return w
}

// blames tells whether an error says that the route is away, still or from now on.
func (r *routes) blames(key string, w *route, recipient uint64, err error) bool {
	switch about(err) {
	case aboutNothing:
		return false
	case aboutServer:
		// Where others get through, it takes no more connections.
		return w.isAway() || r.open[key] == 0
	case aboutUs:
		return w.refuse(recipient, &w.alike) >= refusedAlike || w.isAway()
	case aboutMailbox:
		if r.all && w.refuse(recipient, &w.gone) >= goneAlike {
			return true
		}
	}
	// The server has looked at the recipient: what came before is mended.
	if answer, ok := errors.AsType[*Error](w.Cause); !ok || answer.Stage != StageRcpt && answer.Stage != StageData {
		r.goOn(w)
	}
	return false
}

// fail notes that a route is away because of err.
func (r *routes) fail(w *route, err error) (tell func(context.Context)) {
	now := r.now()
	if !w.isAway() {
		w.Outage, w.back = Outage{Since: now, All: r.all}, make(chan struct{})
	}
	w.Cause = err
	if !r.all && about(err) == aboutServer {
		w.next = now.Add(backoff.Wait(firstPause, w.failures, lastPause))
	}
	w.failures++
	return r.outages.went(w, now)
}

// goOn notes that a route takes mails.
func (r *routes) goOn(w *route) {
	if !w.isAway() {
		return
	}
	close(w.back)
	r.outages.ended(w, r.now())
	*w = route{refused: w.refused}
}

// away returns the routes that are away.
func (r *routes) away() (list []Outage) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, w := range r.trouble {
		if w.isAway() {
			list = append(list, w.Outage)
		}
	}
	return list
}
