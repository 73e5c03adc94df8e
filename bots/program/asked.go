package program

import (
	"context"
	"encoding/json"
	"errors"

	"ticketfrei/bots/kit/calls"
)

// errBusy is that a program has as many requests in hand as it may.
var errBusy = errors.New("the program has as many requests in hand as it may")

// askedErrors are the errors of a program that whoever asks it tells apart.
var askedErrors = []error{errBusy, errNotRunning, errLongLine}

// asked is what became of a line that a program was asked by another process.
type asked struct {
	Line  *fromLine `json:"line,omitempty"`
	Error string    `json:"error,omitempty"`
}

// ask has the program of a bot answer a line about a visitor's request or somebody's command,
// here or at the process that runs it. The line gets its id there.
func (n *Network) ask(ctx context.Context, botID int64, l *toLine) (fromLine, error) {
	if at := n.at(botID); at != nil {
		return at.answerLine(ctx, l)
	}
	elsewhere, err := n.calls.Elsewhere(ctx, botID)
	if err != nil {
		return fromLine{}, err
	}
	if !elsewhere {
		return fromLine{}, errNotRunning
	}
	question, err := l.encode()
	if err != nil {
		return fromLine{}, err
	}
	raw, err := n.calls.Ask(ctx, botID, question)
	switch {
	case errors.Is(err, calls.ErrNoRoom):
		return fromLine{}, errBusy
	case errors.Is(err, calls.ErrNotAnswered):
		return fromLine{}, errNotRunning
	case err != nil:
		return fromLine{}, err
	}
	return readAsked(raw)
}

// readAsked reads what became of a line elsewhere.
func readAsked(raw []byte) (fromLine, error) {
	var got asked
	if err := json.Unmarshal(raw, &got); err != nil {
		return fromLine{}, err
	}
	for _, known := range askedErrors {
		if got.Error == known.Error() {
			return fromLine{}, known
		}
	}
	if got.Line == nil {
		return fromLine{}, errors.New(got.Error)
	}
	return *got.Line, nil
}

// answerLine has the program answer a line. Of requests it has only so many in hand.
func (b *bot) answerLine(ctx context.Context, l *toLine) (fromLine, error) {
	if l.ID = b.nextID(l.Type); l.Type == toCommand {
		l.From = l.ID
	}
	if l.Type == toRequest {
		select {
		case b.requests <- struct{}{}:
			defer func() { <-b.requests }()
		default:
			return fromLine{}, errBusy
		}
	}
	got, _, err := b.crew.ask(ctx, l, nil, fromAnswer, fromFailed)
	return got, err
}

// answerElsewhere answers what other processes ask the program, until ctx ends.
func (b *bot) answerElsewhere(ctx context.Context) error {
	err := b.calls.Answer(ctx, b.self.ID, func(ctx context.Context, question []byte) []byte {
		var l toLine
		var a asked
		err := json.Unmarshal(question, &l)
		if err == nil {
			var got fromLine
			if got, err = b.answerLine(ctx, &l); err == nil {
				a.Line = &got
			}
		}
		if err != nil {
			a.Error = err.Error()
		}
		raw, err := json.Marshal(a)
		if err != nil { // a status that is none of JSON, for one
			raw, _ = json.Marshal(asked{Error: err.Error()})
		}
		return raw
	})
	if ctx.Err() != nil {
		return nil
	}
	return err
}
