package post_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"ticketfrei/bots/kit/kittest"
	"ticketfrei/bots/kit/post"
)

// reviewing is a service that can look at messages again.
type reviewing struct {
	*service
	mu    sync.Mutex
	asked [][]string
	looks func(n int) ([]post.Message, error) // what the nth look finds
}

func (r *reviewing) Review(_ context.Context, ids []string) ([]post.Message, error) {
	r.mu.Lock()
	if len(r.asked) == 0 && len(ids) < 2 {
		r.mu.Unlock()
		return nil, nil // not all of them were heard yet
	}
	r.asked = append(r.asked, ids)
	n := len(r.asked)
	r.mu.Unlock()
	return r.looks(n)
}

// TestLooksAgainWhateverHappens has looks fail in every way: the bot hears on, and what
// a later one finds is handed over. What is old or was deleted is looked at no more.
func TestLooksAgainWhateverHappens(t *testing.T) {
	over := make(chan struct{})
	s := &service{}
	r := &reviewing{service: s, looks: func(n int) ([]post.Message, error) {
		switch n {
		case 1:
			panic("a look fails")
		case 2:
			return nil, errors.New("the service is away")
		case 3:
			return []post.Message{{ID: "1", Author: "rider@x", Text: "U2", Edited: true}, {ID: "2", Deleted: true}}, nil
		case 5:
			close(over)
		}
		return nil, nil
	}}
	s.conn = r
	_, at := open(t, s, post.Network{ReviewEvery: time.Millisecond})
	in := kittest.NewInbox()
	run := kittest.Receive(t, at, in)
	s.written <- post.Message{ID: "0", Author: "rider@x", Text: "U0", Time: time.Now().Add(-2 * time.Hour)}
	s.written <- post.Message{ID: "1", Author: "rider@x", Text: "U1", Time: time.Now()}
	s.written <- post.Message{ID: "2", Author: "rider@x", Text: "U3"}
	in.WaitFor(t, "U3")
	<-over
	s.written <- post.Message{ID: "4", Author: "rider@x", Text: "U4", Time: time.Now().Add(-2 * time.Hour)}
	in.WaitFor(t, "U4")
	run.Stop()
	var edited, deleted int
	for _, got := range in.All() {
		if got.Edited && got.ID == "1" && got.Text == "U2" {
			edited++
		}
		if got.Deleted && got.ID == "2" {
			deleted++
		}
	}
	if edited != 1 || deleted != 1 {
		t.Errorf("heard %+v", in.All())
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if last := r.asked[len(r.asked)-1]; !slices.Equal(last, []string{"1"}) {
		t.Errorf("looked at %v at last", last)
	}
}
