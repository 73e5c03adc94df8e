package supervisor

import (
	"errors"
	"time"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// The waits before a delivery is tried again after a temporary error: doubled
// each time, with jitter.
const (
	firstRetry = time.Second
	lastRetry  = 10 * time.Minute
)

// failedToSend does what the kind of error asks for.
func (r *runner) failedToSend(i item, err error, held *slot) {
	kind, after := bots.KindOf(err)
	if r.guest {
		switch {
		case kind == bots.KindRefused, kind == bots.KindAway && bots.OutageOf(err).All:
			after = guestRest
			fallthrough
		case kind == bots.KindRetryAfter:
			r.sup.turnAway(r, i, after, held)
			return
		}
	}
	switch kind {
	case bots.KindGone:
		r.removeRecipient(i, err, held)
	case bots.KindPermanent:
		r.log.Warn("supervisor.log.not_sent", "err", err)
		r.end(i, db.Failed, report.Receipt{}, held)
	case bots.KindRefused:
		r.sendingRefused(i, err, held)
	case bots.KindLater:
		r.waitsForRecipient(i, err, after, held)
	case bots.KindRetryAfter:
		r.log.Warn("supervisor.log.told_to_wait", "err", err)
		r.sup.count(r.bot.Network, resultRetry, 1)
		i.row.box.putBackFor(i, after)
		held.Leave()
	case bots.KindAway:
		r.wayIsAway(i, err, held)
	default:
		r.tryLater(i, err, held)
	}
}

// A delivery that waits alone does so for at most longestAlone, and is then tried again.
// One that is put off for less than quiet is not worth a line in the log.
const (
	shortestAlone = 100 * time.Millisecond
	longestAlone  = time.Hour
	quiet         = 10 * time.Second
)

// waitsForRecipient puts off a delivery whose recipient takes no more at the moment. That is no
// trouble of the bot.
func (r *runner) waitsForRecipient(i item, err error, d time.Duration, held *slot) {
	defer held.Leave()
	if r.sending.Err() != nil { // the program stops, or the city is not ours any more
		i.row.box.putBack(i)
		return
	}
	d = min(max(d, shortestAlone), longestAlone)
	r.sup.count(r.bot.Network, resultRetry, 1)
	if d >= quiet {
		r.log.Info("supervisor.log.waits", "err", errors.Unwrap(err), "in", d)
	}
	i.row.box.later(i, d)
}

// tryLater leaves a delivery open that may be sent another time.
func (r *runner) tryLater(i item, err error, held *slot) {
	defer held.Leave()
	if r.sending.Err() != nil { // the program stops, or the city is not ours any more
		i.row.box.putBack(i)
		return
	}
	r.sup.count(r.bot.Network, resultRetry, 1)
	if wait, first := i.row.box.failed(i); first { // thousands fail when a server is down
		r.log.Warn("supervisor.log.later", "err", err, "in", wait)
	}
	r.setHealth(r.words(err), func(h *health) { h.cannotSend = true })
}

// removeRecipient forgets a recipient who is not there any more.
func (r *runner) removeRecipient(i item, cause error, held *slot) {
	if network, ok := r.network.(bots.Recipients); ok {
		if err := r.callRemove(network, i.row.Recipients[i.index]); err != nil {
			r.sup.Log.Error("a recipient could not be removed, trying again", "bot", r.bot.ID, "err", err)
			i.row.box.failed(i)
			held.Leave()
			return
		}
		r.log.Info("supervisor.log.gone", "err", cause)
	}
	r.end(i, db.Failed, report.Receipt{}, held)
}

// callRemove calls RemoveRecipient. A panic is an error.
func (r *runner) callRemove(network bots.Recipients, recipient int64) (err error) {
	defer r.recovered(&err)
	return network.RemoveRecipient(r.sending, r.bot, recipient)
}
