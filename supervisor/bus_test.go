package supervisor_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"ticketfrei/bots"
	"ticketfrei/internal/bus"
	"ticketfrei/internal/report"
)

// TestBusTellsOfBots has a bot start, be switched off and on, and fail.
func TestBusTellsOfBots(t *testing.T) {
	r := newRig(t)
	b := r.city("city")
	events, other := r.bus.Subscribe(b.CityID, 9, "bot.*"), r.bus.Subscribe(b.CityID+1, 9, ">")
	fail := make(chan struct{})
	r.start(&toy{send: ok, receive: func(ctx context.Context, _ report.Bot, _ func(context.Context, bots.Incoming) error) error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-fail:
			return errors.New("the line is cut")
		}
	}})
	want := func(state string) {
		t.Helper()
		e := receive(t, state, events.C)
		payload := fmt.Sprintf(`{"bot":%d,"network":"toy","state":%q}`, b.ID, state)
		if e.Name != bus.Bot+state || string(e.Payload) != payload || e.Time.IsZero() {
			t.Errorf("told %s %s, want %s", e.Name, e.Payload, state)
		}
	}
	want("running")
	for _, on := range []bool{false, true} {
		if err := r.db.EnableBot(t.Context(), b.ID, on); err != nil {
			t.Fatal(err)
		}
		r.notices.Changed(b.CityID)
		if !on {
			want("off")
		}
	}
	want("starting")
	want("running")
	close(fail)
	want("trouble")
	if len(other.C) > 0 {
		t.Error("another city was told")
	}
}
