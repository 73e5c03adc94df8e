package bots

import (
	"errors"
	"fmt"
	"time"
)

// Kind says what the program does about an error of a bot.
type Kind int

// The kinds of errors.
const (
	Temporary Kind = iota // tried again, later each time, until the report expires
	KindRetryAfter
	KindPermanent
	KindGone
	KindRefused
)

// Error is an error with a kind. Its text is shown to the moderator: plain
// words, no secrets.
type Error struct {
	Kind  Kind
	After time.Duration // of KindRetryAfter
	Err   error
}

func (e *Error) Error() string {
	if e.Kind == KindRetryAfter {
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

// Gone marks an error that says that the recipient is not there any more: it
// is removed and not sent to again.
func Gone(err error) error { return &Error{Kind: KindGone, Err: err} }

// Refused marks an error that says that the bot's credentials are not
// accepted (any more): the bot stops, is shown as needing attention, and its
// moderators are mailed once. Its deliveries wait for a moderator until they
// expire.
func Refused(err error) error { return &Error{Kind: KindRefused, Err: err} }

// KindOf returns the kind of err and, of KindRetryAfter, how long to wait.
// An error without a kind is Temporary.
func KindOf(err error) (Kind, time.Duration) {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind, e.After
	}
	return Temporary, 0
}
