package bots

import (
	"context"
	"errors"
)

// Answer is a word back to whoever wrote a message.
type Answer struct {
	Outcome Outcome
	Text    string // in words, in the language of whoever wrote it
	// Spoken tells that it has words of an outside program beside the outcome.
	Spoken bool
}

// Always tells whether it is given in words, whatever the city's moderators have said of
// outcomes.
func (a Answer) Always() bool { return a.Spoken || a.Outcome == OutcomeQuestion }

// Outcome is what became of a message. A network may show it as a sign, or leave it out
// where the city's moderators have said so; the answer to a question is always given.
type Outcome string

// What can become of a message.
const (
	OutcomePassed   Outcome = "passed"   // passed on
	OutcomeHeld     Outcome = "held"     // not passed on; Text says what is missing
	OutcomeKnown    Outcome = "known"    // already known
	OutcomeQuestion Outcome = "question" // taken for a question or a thank-you, and answered
)

// standingKey is where the context of Receive has how to tell how the bot stands.
type standingKey struct{}

// WithStanding returns a context for a Receive whose bot may tell how it stands: see
// Stand.
func WithStanding(ctx context.Context, tell func(limit error)) context.Context {
	return context.WithValue(ctx, standingKey{}, tell)
}

// Stand tells, within Receive, that the bot works with less than it could, as without
// a live connection: the error says so to its moderators (see Say). nil: with all it can.
// The bot counts as working all the same. A Receive that begins again tells it again.
func Stand(ctx context.Context, limit error) {
	if tell, ok := ctx.Value(standingKey{}).(func(error)); ok {
		tell(limit)
	}
}

// Trouble marks what is told by Stand: the bot does not do its work, though it runs. It is
// shown as one in trouble, until it tells something else.
func Trouble(err error) error { return &trouble{err} }

// IsTrouble tells whether an error is marked by Trouble.
func IsTrouble(err error) bool { return errors.As(err, new(*trouble)) }

type trouble struct{ error }

func (t *trouble) Unwrap() error { return t.error }
