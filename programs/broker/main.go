// Broker connects a city with a queue: what comes in is a report, what the city sends goes
// out. The queue is named by its URL: SQS and SNS (awssqs, awssns), RabbitMQ (rabbit).
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"gocloud.dev/pubsub"
	_ "gocloud.dev/pubsub/awssnssqs"
	_ "gocloud.dev/pubsub/mempubsub"
	_ "gocloud.dev/pubsub/rabbitpubsub"
)

func main() {
	if err := run(context.Background(), os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "E!", err)
		os.Exit(1)
	}
}

// line is a line of the protocol, either way, as far as this program needs it.
type line struct {
	Type     string            `json:"type"`
	ID       string            `json:"id,omitempty"`
	Protocol int               `json:"protocol,omitempty"`
	Settings map[string]string `json:"settings,omitempty"`
	Author   string            `json:"author,omitempty"`
	Text     string            `json:"text,omitempty"`
	Time     *time.Time        `json:"time,omitempty"`
	Kind     string            `json:"kind,omitempty"`
	Error    string            `json:"error,omitempty"`
}

// atOnce is how many messages are in hand at a time.
const atOnce = 50

// sendTimeout bounds the sending of one message.
const sendTimeout = 15 * time.Second

// bridge is the program while it runs.
type bridge struct {
	topic        *pubsub.Topic        // nil: nothing goes out
	subscription *pubsub.Subscription // nil: nothing comes in

	mu     sync.Mutex
	out    *json.Encoder
	inHand map[string][]*pubsub.Message // by the report's id: not kept yet
	room   chan struct{}
}

// run talks with the server until it says end or closes our input.
func run(ctx context.Context, in io.Reader, out io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	b := &bridge{out: json.NewEncoder(out), inHand: map[string][]*pubsub.Message{}, room: make(chan struct{}, atOnce)}
	defer b.close()
	received := make(chan error, 1)
	lines, ended := read(ctx, in)
	for {
		select {
		case err := <-received:
			return err
		case l, ok := <-lines:
			if !ok {
				return <-ended
			}
			if l.Type == "end" {
				return nil
			}
			if err := b.handle(ctx, l, received); err != nil {
				return err
			}
		}
	}
}

// read reads lines until the input ends.
func read(ctx context.Context, in io.Reader) (<-chan line, <-chan error) {
	lines, ended := make(chan line), make(chan error, 1)
	go func() {
		defer close(lines)
		s := bufio.NewScanner(in)
		s.Buffer(nil, 65<<10)
		for s.Scan() {
			var l line
			if err := json.Unmarshal(s.Bytes(), &l); err != nil {
				fmt.Fprintln(os.Stderr, "W! a line is no JSON")
				continue
			}
			select {
			case lines <- l:
			case <-ctx.Done():
				return
			}
		}
		ended <- s.Err()
	}()
	return lines, ended
}

// handle does what a line says. received is told when nothing can be received any more.
func (b *bridge) handle(ctx context.Context, l line, received chan<- error) error {
	switch l.Type {
	case "begin":
		if err := b.open(ctx, l.Settings); err != nil {
			return err
		}
		b.say(line{Type: "ready", Protocol: 1})
		if b.subscription != nil {
			go func() { received <- b.receive(ctx) }()
		}
	case "ping":
		b.say(line{Type: "pong"})
	case "send":
		go b.send(ctx, l)
	case "kept":
		b.done(l.ID)
	case "unknown":
		if l.ID != "" {
			fmt.Fprintf(os.Stderr, "W! a message is no report: %s\n", l.Error)
			b.done(l.ID) // it would be none the next time, too
		}
	}
	return nil
}

// environment are the settings that the libraries look for in the environment.
var environment = []string{"RABBIT_SERVER_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"}

// open connects with what the settings name.
func (b *bridge) open(ctx context.Context, settings map[string]string) (err error) {
	for _, name := range environment {
		if value := settings[name]; value != "" {
			if err := os.Setenv(name, value); err != nil {
				return fmt.Errorf("setting %s: %w", name, err)
			}
		}
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	if url := settings["TOPIC"]; url != "" {
		if b.topic, err = pubsub.OpenTopic(ctx, url); err != nil {
			return fmt.Errorf("setting TOPIC: %w", err)
		}
	}
	if url := settings["SUBSCRIPTION"]; url != "" {
		if b.subscription, err = pubsub.OpenSubscription(ctx, url); err != nil {
			return fmt.Errorf("setting SUBSCRIPTION: %w", err)
		}
	}
	if b.topic == nil && b.subscription == nil {
		return errors.New("both settings are empty: write a URL into TOPIC, SUBSCRIPTION or both")
	}
	return nil
}

func (b *bridge) say(l line) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.out.Encode(l); err != nil {
		fmt.Fprintln(os.Stderr, "E! say:", err)
	}
}

// close leaves the queue. It gives out again what is not acknowledged; to refuse it would
// have RabbitMQ throw it away.
func (b *bridge) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	if b.subscription != nil {
		_ = b.subscription.Shutdown(ctx)
	}
	if b.topic != nil {
		_ = b.topic.Shutdown(ctx)
	}
}
