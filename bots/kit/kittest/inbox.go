package kittest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ticketfrei/bots"
	"ticketfrei/internal/report"
)

// Inbox takes what a bot emits.
type Inbox struct {
	mu      sync.Mutex
	fail    error
	refuse  string
	words   []string // commands of outside programs
	got     []bots.Incoming
	changed chan struct{}
}

// NewInbox returns an empty Inbox.
func NewInbox() *Inbox { return &Inbox{changed: make(chan struct{}, 1)} }

// Emit is for Receive.
func (i *Inbox) Emit(_ context.Context, in bots.Incoming) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.fail != nil {
		return i.fail
	}
	if word, _, _ := strings.Cut(strings.TrimPrefix(in.Text, "/"), " "); in.Command && !slices.Contains(i.words, word) {
		return bots.ErrNoCommand
	}
	if i.refuse != "" && in.Text == i.refuse {
		return fmt.Errorf("%w: for the sake of a test", bots.ErrMessage)
	}
	i.got = append(i.got, in)
	select {
	case i.changed <- struct{}{}:
	default:
	}
	return nil
}

var _ bots.Hearer = (*Inbox)(nil)

// Hear is for Host.Hearer.
func (i *Inbox) Hear(ctx context.Context, _ report.Bot, in bots.Incoming) error {
	return i.Emit(ctx, in)
}

// Fail makes Emit return err from now on, and take nothing; with nil it takes
// again what comes.
func (i *Inbox) Fail(err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.fail = err
}

// Know makes Emit take commands of these words, as if outside programs answered them.
func (i *Inbox) Know(words ...string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.words = words
}

// Words are those commands: see bots.Commands.
func (i *Inbox) Words(context.Context, int64) ([]string, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.words, nil
}

// Refuse makes Emit refuse what has that text, as what can never be taken in.
func (i *Inbox) Refuse(text string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.refuse = text
}

// All returns what was emitted so far, in that order; what came twice is there
// twice.
func (i *Inbox) All() []bots.Incoming {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.got)
}

// Texts returns the texts of All.
func (i *Inbox) Texts() []string {
	var list []string
	for _, in := range i.All() {
		list = append(list, in.Text)
	}
	return list
}

// Wait waits until n different reports have come since the beginning, and
// returns All.
func (i *Inbox) Wait(tb testing.TB, n int) []bots.Incoming {
	tb.Helper()
	late := time.After(Patience)
	for len(i.counts()) < n {
		select {
		case <-i.changed:
		case <-late:
			tb.Fatalf("%d reports came, want %d", len(i.counts()), n)
		}
	}
	return i.All()
}

// WaitFor waits until a report of that text has come.
func (i *Inbox) WaitFor(tb testing.TB, text string) {
	tb.Helper()
	late := time.After(Patience)
	for !slices.Contains(i.Texts(), text) {
		select {
		case <-i.changed:
		case <-late:
			tb.Fatalf("report %q did not come", text)
		}
	}
}

// WantOnce checks that no report has come twice.
func (i *Inbox) WantOnce(tb testing.TB) {
	tb.Helper()
	for id, n := range i.counts() {
		if n != 1 {
			tb.Errorf("report %s was emitted %d times", id, n)
		}
	}
}

// counts is how often each report has come, by its id.
func (i *Inbox) counts() map[string]int {
	counts := map[string]int{}
	for _, in := range i.All() {
		counts[in.ID]++
	}
	return counts
}
