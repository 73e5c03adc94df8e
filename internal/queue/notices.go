package queue

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
)

// Notices are not kept: who is not there misses them, and looks into the
// database when it starts.
const (
	changedSubject = "city.changed." // a city, its rules or its bots
	passedSubject  = "city.passed."  // a report of the city passed, or was taken back
)

// NotifyChanged tells every process that a city, its rules or its bots changed.
func (q *Queue) NotifyChanged(cityID int64) error { return q.notify(changedSubject, cityID) }

// NotifyPassed tells every process that what the city's page shows changed.
func (q *Queue) NotifyPassed(cityID int64) error { return q.notify(passedSubject, cityID) }

func (q *Queue) notify(subject string, cityID int64) error {
	if err := q.conn.Publish(subject+strconv.FormatInt(cityID, 10), nil); err != nil {
		return fmt.Errorf("notify %s%d: %w", subject, cityID, err)
	}
	return nil
}

// OnChanged calls f for every NotifyChanged, one after the other, until ctx
// ends.
func (q *Queue) OnChanged(ctx context.Context, f func(cityID int64)) error {
	return q.listen(ctx, changedSubject, f)
}

// OnPassed calls f for every NotifyPassed, one after the other, until ctx ends.
func (q *Queue) OnPassed(ctx context.Context, f func(cityID int64)) error {
	return q.listen(ctx, passedSubject, f)
}

// listen subscribes before it returns, so that nothing published afterwards is
// missed.
func (q *Queue) listen(ctx context.Context, subject string, f func(cityID int64)) error {
	sub, err := q.conn.Subscribe(subject+"*", func(msg *nats.Msg) {
		id, err := strconv.ParseInt(strings.TrimPrefix(msg.Subject, subject), 10, 64)
		if err != nil {
			q.log.Warn("a notice cannot be read", "subject", msg.Subject)
			return
		}
		f(id)
	})
	if err != nil {
		return fmt.Errorf("listen to %s*: %w", subject, err)
	}
	context.AfterFunc(ctx, func() { _ = sub.Unsubscribe() })
	return nil
}
