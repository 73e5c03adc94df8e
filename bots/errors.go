package bots

import (
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"
)

// Kind says what the program does about an error of a bot.
type Kind int

// The kinds of errors.
const (
	KindTemporary Kind = iota // tried again, later each time, until the report expires
	KindRetryAfter
	KindPermanent
	KindGone
	KindRefused
	KindAway
	KindLater
)

// Error is an error with a kind.
type Error struct {
	Kind  Kind
	After time.Duration // of KindRetryAfter and KindLater
	Away  Outage        // of KindAway
	Err   error
}

// Outage is a way to recipients that takes nothing at the moment, of no bot's own.
type Outage struct {
	Back   <-chan struct{} // closed when it takes deliveries again
	All    bool            // nothing of the bot gets through; else this delivery
	Report bool            // no delivery of this report gets through, but others do
}

func (e *Error) Error() string {
	if e.Kind == KindRetryAfter || e.Kind == KindLater {
		return fmt.Sprintf("%v (asked to wait %s)", e.Err, e.After.Round(time.Millisecond))
	}
	return e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// Permanent marks an error that trying again cannot mend: the delivery is
// recorded as failed, shown to the moderator and not tried again.
func Permanent(err error) error { return &Error{Kind: KindPermanent, Err: err} }

// RetryAfter marks an error after which the network asked to wait d: all
// deliveries of the bot wait that long.
func RetryAfter(d time.Duration, err error) error {
	return &Error{Kind: KindRetryAfter, After: d, Err: err}
}

// Later marks an error after which this delivery waits d, at most an hour, or until the
// report expires: the recipient takes no more at the moment, as a group in slow mode. The
// bot's other deliveries go on. What waits is not counted as tried.
func Later(d time.Duration, err error) error {
	return &Error{Kind: KindLater, After: d, Err: err}
}

// Gone marks an error that says that the recipient is not there any more: it
// is removed and not sent to again.
func Gone(err error) error { return &Error{Kind: KindGone, Err: err} }

// Refused marks an error that says, in the network's own form, what only a moderator can
// mend: the bot's credentials are not accepted (any more), or something is set up
// elsewhere that keeps it from working. Its deliveries wait, until they expire. The login
// is checked once more; where it is refused for minutes, the bot is shown as needing
// attention, looks again now and then, and its moderators are mailed at each end. The
// answer of something between, as a firewall, is never one of this kind.
func Refused(err error) error { return &Error{Kind: KindRefused, Err: err} }

// Away marks an error that says that the way to the recipient takes nothing from
// anybody, as a relay that is down: the delivery waits until it does again, or until
// the report expires. Now and then one is sent as a trial, of which Send says again
// what has become.
func Away(o Outage, err error) error { return &Error{Kind: KindAway, Away: o, Err: err} }

// ErrTooManyMails is the answer to a client that has caused too many mails: see
// AccountMails.
var ErrTooManyMails = errors.New("the client has caused too many mails")

// ErrCannotRetract is the answer of a Retracter that cannot take this back, as
// the service cannot or does not any more.
var ErrCannotRetract = errors.New("this cannot be taken back")

// ErrMessage is wrapped by the errors of emit, and of Hearer.Hear, that are about
// one message alone: it is never taken in, whatever is tried. The bot tells its log,
// leaves the message out and goes on with the next.
var ErrMessage = errors.New("this message cannot be taken in")

// ErrBacklog is the error of emit, and of Hearer.Hear, while too many reports wait to be
// judged. The operator sees it in the metrics.
var ErrBacklog = errors.New("too many reports wait to be judged (setting reports.backlog)")

// ErrNoCommand is the error of emit, and of Hearer.Hear, of an Incoming that is a Command
// which no outside program of the city knows.
var ErrNoCommand = errors.New("no program of the city knows this command")

// KindOf returns the kind of err and, of KindRetryAfter and KindLater, how long to wait.
// An error without a kind is KindTemporary.
func KindOf(err error) (Kind, time.Duration) {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind, e.After
	}
	return KindTemporary, 0
}

// OutageOf returns the outage of an error of KindAway.
func OutageOf(err error) Outage {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Away
	}
	return Outage{}
}

// T returns the text id in some language, filled with data (alternating names
// and values).
type T func(id string, data ...any) string

// Sayer is an error that a moderator can read: the program shows it in the
// language of the city. What is said holds no secret. Error() stays for the
// operator's log.
type Sayer interface {
	error
	Say(t T) string
}

// Say returns a Sayer whose words are the text id, filled with data. cause is
// for the log and may be nil.
func Say(cause error, id string, data ...any) error { return &said{cause, id, data} }

type said struct {
	cause error
	id    string
	data  []any
}

func (s *said) Error() string {
	if s.cause != nil {
		return s.cause.Error()
	}
	return s.id
}

func (s *said) Unwrap() error { return s.cause }

// Say returns the words in the language of t.
func (s *said) Say(t T) string { return t(s.id, s.data...) }

// InFull puts err into words for the operator's log, with all causes. What has no cause
// says its words instead of their id.
func InFull(err error, t T) string {
	full := err.Error()
	for s, ok := errors.AsType[*said](err); ok; s, ok = errors.AsType[*said](s.cause) {
		if s.cause == nil {
			return strings.ReplaceAll(full, s.id, s.Say(t))
		}
	}
	return full
}

// Words puts err into words for a moderator. What cannot say itself is an
// internal error: the operator finds it in the log.
func Words(err error, t T) string {
	if s, ok := errors.AsType[Sayer](err); ok {
		return s.Say(t)
	}
	return t("bots.error.internal")
}

// Guard calls f, and makes an error of its panic. The supervisor does so with what it calls:
// a goroutine that a bot begins itself would end the program of all cities.
func Guard(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return f()
}
