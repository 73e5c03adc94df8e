package pace_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"ticketfrei/bots/kit/pace"
)

// wantPaused checks that a message to a chat may not be sent for that long.
func wantPaused(t *testing.T, p *pace.Pacer, chat string, left time.Duration, ofChat bool) {
	t.Helper()
	ctx, done := context.WithTimeout(t.Context(), time.Second/10)
	defer done()
	err := p.Wait(ctx, chat, false)
	if paused, ok := errors.AsType[*pace.PausedError](err); !ok || paused.Left != left || paused.Chat != ofChat {
		t.Errorf("chat %s: %v, want a pause of %s", chat, err, left)
	}
}

func TestLimited(t *testing.T) {
	inBubble(t, "holds the chat alone", func(t *testing.T) {
		p, began := pace.New(limits), time.Now()
		p.Limited("-7", true, time.Hour)
		wantPaused(t, p, "-7", time.Hour, true)
		wait(t, p, "-8", true)
		wait(t, p, "8", false)
		if took := time.Since(began); took > time.Second {
			t.Errorf("others waited %s", took)
		}
		time.Sleep(time.Hour)
		wait(t, p, "-7", true)
	})
	inBubble(t, "for an hour at most", func(t *testing.T) {
		p := pace.New(limits)
		if d := p.Limited("-7", true, 30*24*time.Hour); d != time.Hour {
			t.Errorf("paused for %s", d)
		}
	})
	inBubble(t, "many groups are no reason for the bot", func(t *testing.T) {
		p := pace.New(limits)
		for _, chat := range []string{"-1", "-2", "-3", "-4", "-5"} {
			p.Limited(chat, true, time.Hour)
		}
		wait(t, p, "8", false)
	})
	inBubble(t, "one person again and again is none either", func(t *testing.T) {
		p := pace.New(limits)
		for range 9 {
			p.Limited("7", false, time.Second)
		}
		wait(t, p, "8", false)
	})
	inBubble(t, "several people are", func(t *testing.T) {
		p := pace.New(limits)
		p.Limited("1", false, 40*time.Second)
		p.Limited("2", false, 30*time.Second)
		p.Limited("3", false, time.Hour)
		wantPaused(t, p, "8", 30*time.Second, false)
	})
	inBubble(t, "but not over a long time", func(t *testing.T) {
		p := pace.New(limits)
		for _, chat := range []string{"1", "2", "3", "4"} {
			p.Limited(chat, false, time.Hour)
			time.Sleep(8 * time.Second)
		}
		wait(t, p, "8", false)
	})
	inBubble(t, "nor for longer than a quarter of an hour", func(t *testing.T) {
		p := pace.New(limits)
		for _, chat := range []string{"1", "2", "3"} {
			p.Limited(chat, false, time.Hour)
		}
		wantPaused(t, p, "8", 15*time.Minute, false)
	})
}

func TestSoon(t *testing.T) {
	inBubble(t, "a turn that is far away is not waited for", func(t *testing.T) {
		p, began := pace.New(pace.Limits{Chat: 0.01}), time.Now()
		wait(t, p, "7", false)
		err := p.Soon(t.Context(), "7", false)
		if late, ok := errors.AsType[*pace.LateError](err); !ok || late.In.Round(time.Second) != 100*time.Second || !errors.Is(err, pace.ErrBusy) {
			t.Errorf("error %v", err)
		}
		time.Sleep(100 * time.Second)
		if err := p.Soon(t.Context(), "7", false); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > 101*time.Second {
			t.Errorf("took %s", took)
		}
	})
	inBubble(t, "few wait for their chat at the same time", func(t *testing.T) {
		p := pace.New(pace.Limits{Chat: 1, Waiting: 2})
		wait(t, p, "7", false)
		late, sent := 0, 0
		ended := make(chan error)
		for range 5 {
			go func() { ended <- p.Soon(t.Context(), "7", false) }()
		}
		for range 5 {
			if err := <-ended; errors.Is(err, pace.ErrBusy) {
				late++
			} else if err == nil {
				sent++
			}
		}
		if late != 3 || sent != 2 {
			t.Errorf("%d were put off and %d sent, want 3 and 2", late, sent)
		}
		wait(t, p, "8", false) // others need not wait for them
	})
}
