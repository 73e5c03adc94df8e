package stream

import (
	"context"
	"errors"
	"net/http"

	"ticketfrei/bots"
	"ticketfrei/filter"
)

// errSealed is that something was stored with another secret key.
var errSealed = errors.New("it was stored with another secret key")

func sealed(err error) bool { return errors.Is(err, errSealed) }

// shown is a stream as whoever asks for it gets it.
func (n *Network) shown(ctx context.Context, cityID int64, r row) (Stream, error) {
	s, err := n.streamOf(r)
	if err != nil && !sealed(err) {
		return s, err
	}
	s.Kind, s.Why = n.readTarget(err, s.Target)
	s.Target = Shown(s.Target)
	err = nil
	if s.Why == nil {
		s.Why, err = n.whyPaused(ctx, cityID, r, s)
	}
	if s.Why != nil {
		s.Paused, s.Running = s.Why.Say(n.english), false
	}
	return s, err
}

// readTarget returns the kind of a target, or why it cannot be used: failed is set where it
// could not be opened.
func (n *Network) readTarget(failed error, text string) (kind string, why bots.Sayer) {
	if failed != nil {
		return "", sayer("stream.paused.sealed")
	}
	to, err := n.parse(text)
	if err != nil {
		why, _ = errors.AsType[bots.Sayer](err)
	}
	return to.kind, why
}

// whyPaused says why a stream has stopped by itself; nil where it has not.
func (n *Network) whyPaused(ctx context.Context, cityID int64, r row, s Stream) (bots.Sayer, error) {
	switch r.Paused {
	case 0:
		return nil, nil
	case badFilter:
		var wrong Invalid
		if err := n.checkFilter(ctx, cityID, &s, &wrong); err != nil {
			return nil, err
		}
		if len(wrong) > 0 {
			return unfit{wrong[0].Err}, nil
		}
		return sayer("stream.paused.filter_was"), nil
	}
	return answered(Shown(s.Target), r.Paused), nil
}

// unfit is that a filter does not fit its city any more, and why.
type unfit struct{ error }

// Say says it in the language of t.
func (e unfit) Say(t bots.T) string {
	why := e.Error()
	if f, ok := errors.AsType[*filter.Error](e.error); ok {
		id, data := f.Message()
		why = t(id, data...)
	}
	return t("stream.paused.filter", "Why", why)
}

func (n *Network) english(id string, data ...any) string { return n.host.Texts.T("en", id, data...) }

// sayer is bots.Say of what is not yet known as an error.
func sayer(id string, data ...any) bots.Sayer {
	s, _ := errors.AsType[bots.Sayer](bots.Say(nil, id, data...))
	return s
}

// answered says what it means that a target answers with a status that stops its stream.
func answered(target string, status int) bots.Sayer {
	if status == http.StatusUnauthorized || status == http.StatusForbidden {
		return sayer("stream.paused.refused", "Target", target, "Status", status)
	}
	return sayer("stream.paused.gone", "Target", target, "Status", status)
}
