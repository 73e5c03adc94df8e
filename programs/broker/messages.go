package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"gocloud.dev/gcerrors"
	"gocloud.dev/pubsub"
)

// ours marks messages that come from us, so that none goes round in circles.
const ours = "ticketfrei-report"

// body is the form of messages. One that is no JSON object is a report's text.
type body struct {
	ID     string     `json:"id,omitempty"`
	Author string     `json:"author,omitempty"`
	Text   string     `json:"text"`
	Time   *time.Time `json:"time,omitempty"`

	// What SNS wraps a message into on its way to SQS.
	Kind      string `json:"Type,omitempty"`
	MessageID string `json:"MessageId,omitempty"`
	Message   string `json:"Message,omitempty"`
}

// receive says each message as a report, until there are no more to come.
func (b *bridge) receive(ctx context.Context) error {
	for {
		select {
		case b.room <- struct{}{}:
		case <-ctx.Done():
			return nil
		}
		m, err := b.subscription.Receive(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("receive: %w", err)
		}
		b.hear(m)
	}
}

// hear says a message as a report. It is acknowledged when the report is on disk.
func (b *bridge) hear(m *pubsub.Message) {
	l, err := reportOf(m)
	if err != nil {
		m.Ack()
		<-b.room
		return
	}
	b.mu.Lock()
	b.inHand[l.ID] = append(b.inHand[l.ID], m)
	b.mu.Unlock()
	b.say(l)
}

var errOurs = errors.New("it comes from us")

// reportOf reads a message.
func reportOf(m *pubsub.Message) (line, error) {
	if m.Metadata[ours] != "" {
		return line{}, errOurs
	}
	id, text := m.LoggableID, m.Body
	var form body
	if json.Unmarshal(text, &form) == nil && form.Kind == "Notification" && form.Message != "" {
		id, text = form.MessageID, []byte(form.Message)
		form = body{}
	}
	if json.Unmarshal(text, &form) != nil || form.Text == "" {
		form = body{Text: string(text)}
	}
	for _, better := range []string{m.Metadata["id"], form.ID} {
		if better != "" {
			id = better
		}
	}
	return line{Type: "report", ID: id, Author: form.Author, Text: form.Text, Time: form.Time}, nil
}

// done acknowledges the messages of a report.
func (b *bridge) done(id string) {
	b.mu.Lock()
	messages := b.inHand[id]
	delete(b.inHand, id)
	b.mu.Unlock()
	for _, m := range messages {
		m.Ack()
		<-b.room
	}
}

// send puts a report into the queue, and says what came of it.
func (b *bridge) send(ctx context.Context, l line) {
	if b.topic == nil {
		b.say(line{Type: "sent", ID: l.ID}) // nothing is to go out
		return
	}
	raw, err := json.Marshal(body{ID: l.ID, Text: l.Text, Time: l.Time})
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, sendTimeout)
		defer cancel()
		err = b.topic.Send(ctx, &pubsub.Message{Body: raw, Metadata: map[string]string{ours: l.ID}})
	}
	if err != nil {
		b.say(line{Type: "failed", ID: l.ID, Kind: kindOf(err), Error: err.Error()})
		return
	}
	b.say(line{Type: "sent", ID: l.ID})
}

// kindOf tells the server what an error means: whether a moderator must do something.
func kindOf(err error) string {
	switch gcerrors.Code(err) {
	case gcerrors.PermissionDenied, gcerrors.NotFound, gcerrors.FailedPrecondition:
		return "refused"
	case gcerrors.InvalidArgument:
		return "permanent"
	default:
		return "later"
	}
}
