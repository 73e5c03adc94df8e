package pace_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	"ticketfrei/bots/kit/pace"
)

// limits are those of a network that says so: 30 messages a second in all, 1 a
// second in a chat, 20 a minute in a group. 5 at once and then 15 a minute are
// never more than 20 in a minute.
var limits = pace.Limits{All: 30, Chat: 1, Group: rate.Every(4 * time.Second), GroupBurst: 5, SlowFor: 5 * time.Minute}

// inBubble runs a test on a clock that jumps ahead while everybody waits.
func inBubble(t *testing.T, name string, test func(t *testing.T)) {
	t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
}

func wait(t *testing.T, p *pace.Pacer, chat string, group bool) {
	t.Helper()
	if err := p.Wait(t.Context(), chat, group); err != nil {
		t.Fatal(err)
	}
}

// waitFor sends n messages, each to a chat of its own, and returns how long that
// took.
func waitFor(t *testing.T, p *pace.Pacer, n int) time.Duration {
	t.Helper()
	began := time.Now()
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			if err := p.Wait(t.Context(), string(rune('a'+i)), false); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	return time.Since(began).Round(time.Millisecond)
}

func TestPacing(t *testing.T) {
	inBubble(t, "all chats", func(t *testing.T) {
		if took := waitFor(t, pace.New(pace.Limits{All: 200}), 61); took != 300*time.Millisecond {
			t.Errorf("61 messages at 200 a second took %s, want 300ms", took)
		}
	})
	inBubble(t, "no limits", func(t *testing.T) {
		p := pace.New(pace.Limits{})
		began := time.Now()
		for range 1000 {
			wait(t, p, "7", true)
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("took %s", took)
		}
	})
	inBubble(t, "one chat", func(t *testing.T) {
		p := pace.New(pace.Limits{Chat: 50})
		began := time.Now()
		for range 6 {
			wait(t, p, "7", false)
		}
		if took := time.Since(began).Round(time.Millisecond); took != 100*time.Millisecond {
			t.Errorf("6 messages at 50 a second took %s, want 100ms", took)
		}
		began = time.Now()
		wait(t, p, "8", false)
		if took := time.Since(began); took != 0 {
			t.Errorf("another chat waited %s", took)
		}
	})
	inBubble(t, "a group in a minute", func(t *testing.T) {
		p, began, at := pace.New(limits), time.Now(), []time.Time{}
		for range 60 {
			wait(t, p, "-7", true)
			at = append(at, time.Now())
		}
		for i := 20; i < len(at); i++ {
			if within := at[i].Sub(at[i-20]); within < time.Minute {
				t.Fatalf("message %d comes %s after message %d: more than 20 in a minute", i, within, i-20)
			}
		}
		if took := at[4].Sub(began); took > 5*time.Second {
			t.Errorf("the fifth waits %s", took)
		}
	})
	inBubble(t, "a chat that becomes a group", func(t *testing.T) {
		p, began := pace.New(pace.Limits{Group: 1}), time.Now()
		wait(t, p, "7", false)
		wait(t, p, "7", true)
		wait(t, p, "7", true)
		if took := time.Since(began); took != time.Second {
			t.Errorf("took %s, want 1s", took)
		}
	})
}

func TestTurnThatComesTooLate(t *testing.T) {
	for name, l := range map[string]pace.Limits{"of the chat": {Chat: 1}, "of the group": {Group: 1}, "of all": {All: 1}} {
		inBubble(t, name, func(t *testing.T) {
			p, began := pace.New(l), time.Now()
			ctx, done := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer done()
			if err := p.Wait(ctx, "7", true); err != nil {
				t.Fatal(err)
			}
			if err := p.Wait(ctx, "7", true); !errors.Is(err, pace.ErrBusy) {
				t.Errorf("error %v, want ErrBusy", err)
			}
			// The turn that was not taken is somebody else's.
			wait(t, p, "7", true)
			if took := time.Since(began).Round(time.Millisecond); took != time.Second {
				t.Errorf("the next waited %s, want 1s", took)
			}
		})
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	inBubble(t, "", func(t *testing.T) {
		p := pace.New(pace.Limits{Chat: 1})
		wait(t, p, "7", false)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(10*time.Millisecond, cancel)
		if err := p.Wait(ctx, "7", false); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	})
}

func TestPause(t *testing.T) {
	inBubble(t, "makes what is sent wait, and halves the pace", func(t *testing.T) {
		p := pace.New(pace.Limits{All: 1000, SlowFor: time.Minute})
		p.Pause(time.Second)
		p.Pause(time.Second) // on its way together with the first
		// One message right after the pause, and 100 at 500 a second.
		if took := waitFor(t, p, 101); took != 1200*time.Millisecond {
			t.Errorf("101 messages took %s, want 1.2s", took)
		}
		time.Sleep(time.Minute)
		if took := waitFor(t, p, 101); took != 100*time.Millisecond {
			t.Errorf("afterwards 101 messages took %s, want 100ms", took)
		}
	})
	inBubble(t, "again and again", func(t *testing.T) {
		p := pace.New(limits)
		for range 20 {
			p.Pause(time.Second)
			time.Sleep(2 * time.Second)
		}
		if took := waitFor(t, p, 11); took > 10*time.Second {
			t.Errorf("11 messages took %s: less than one a second", took)
		}
	})
	inBubble(t, "of a slow network is never faster", func(t *testing.T) {
		p := pace.New(pace.Limits{All: rate.Every(10 * time.Second), SlowFor: time.Hour})
		p.Pause(time.Second)
		time.Sleep(time.Minute)
		if took := waitFor(t, p, 3); took != 20*time.Second {
			t.Errorf("3 messages took %s, want 20s", took)
		}
	})
	inBubble(t, "without a limit", func(t *testing.T) {
		p := pace.New(pace.Limits{SlowFor: time.Minute})
		p.Pause(time.Second)
		if took := waitFor(t, p, 50); took != time.Second {
			t.Errorf("50 messages took %s, want the pause", took)
		}
	})
	inBubble(t, "longer than can be waited", func(t *testing.T) {
		p := pace.New(limits)
		p.Pause(time.Hour)
		ctx, done := context.WithTimeout(t.Context(), time.Minute)
		defer done()
		err := p.Wait(ctx, "7", false)
		if paused, ok := errors.AsType[*pace.PausedError](err); !ok || paused.Left != time.Hour {
			t.Errorf("error %v", err)
		}
	})
	inBubble(t, "that begins while a message waits", func(t *testing.T) {
		p, began := pace.New(pace.Limits{All: 10, Chat: 1}), time.Now()
		wait(t, p, "7", false)
		time.AfterFunc(time.Second/2, func() { p.Pause(3 * time.Second) })
		wait(t, p, "7", false)
		if took := time.Since(began); took < 3500*time.Millisecond {
			t.Errorf("sent after %s, within the pause", took)
		}
	})
}

func TestPacers(t *testing.T) {
	p := pace.NewPacers(limits)
	first := p.Of(1)
	if p.Of(1) != first {
		t.Error("a bot that is made again does not keep its pace")
	}
	if p.Of(2) == first {
		t.Error("two bots share a pace")
	}
	p.Forget(1)
	p.Forget(3) // that never was
	if p.Of(1) == first {
		t.Error("a bot that is no more is remembered")
	}
}

func TestPacersOfManyGoroutines(t *testing.T) {
	p := pace.NewPacers(pace.Limits{})
	var all sync.WaitGroup
	for i := range int64(50) {
		all.Go(func() {
			if err := p.Of(i%5).Wait(t.Context(), "7", i%2 == 0); err != nil {
				t.Error(err)
			}
			p.Of(i % 5).Pause(0)
			p.Forget(i % 3)
		})
	}
	all.Wait()
}
