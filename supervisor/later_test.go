package supervisor_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/report"
	"ticketfrei/internal/slow"
)

// TestLater has one recipient take nothing for a while: it waits alone, is no trouble of
// the bot, and costs others no room.
func TestLater(t *testing.T) {
	r := newRig(t)
	b := r.city("city")
	const wait = 400 * time.Millisecond
	var got arrivals
	var limited atomic.Int64
	var early atomic.Int32
	r.start(&toy{receive: waits, send: func(_ context.Context, d report.Delivery) (report.Receipt, error) {
		now := time.Now().UnixNano()
		if d.Recipient == 7 && limited.CompareAndSwap(0, now) {
			return report.Receipt{}, bots.Later(wait, errors.New("slow mode"))
		}
		if d.Recipient == 7 && now-limited.Load() < int64(wait) {
			early.Add(1)
		}
		got.add(d)
		return report.Receipt{}, nil
	}})
	r.publishTo(b, "r1", crowd(300)...)
	r.waitForCounts("r1", db.Counts{Sent: 299})
	r.waitForState(b, report.BotRunning)
	r.waitForCounts("r1", db.Counts{Sent: 300})
	if early.Load() > 0 || len(got.of(7)) != 1 {
		t.Errorf("%d too early, sent %v", early.Load(), got.of(7))
	}
	r.waitForEmptyQueue()
	r.waitForState(b, report.BotRunning)
}

// TestLaterFillsNoRoom has more reports wait for one recipient than a bot has room for,
// over a restart.
func TestLaterFillsNoRoom(t *testing.T) {
	slow.Test(t, "stores hundreds of reports")
	r := newRig(t)
	b := r.city("city")
	var open atomic.Bool
	var sent tally
	network := &toy{send: func(_ context.Context, d report.Delivery) (report.Receipt, error) {
		if d.Recipient == 7 && !open.Load() {
			return report.Receipt{}, bots.Later(time.Minute, errors.New("slow mode"))
		}
		sent.add(d)
		return report.Receipt{}, nil
	}}
	r.start(network)
	const many = 400
	for i := range many {
		r.publishOf("anna", b, fmt.Sprint("r", i), 6, 7, 8)
	}
	for i := range many {
		r.waitForCounts(fmt.Sprint("r", i), db.Counts{Sent: 2})
	}
	r.stop()
	open.Store(true)
	r.advance(time.Minute)
	r.start(network)
	for i := range many {
		r.waitForCounts(fmt.Sprint("r", i), db.Counts{Sent: 3})
		if n, most := sent.of(fmt.Sprint("r", i)); n != 3 || most != 1 {
			t.Errorf("report %d: sent to %d, to one of them %d times", i, n, most)
		}
	}
	r.waitForEmptyQueue()
}

// TestLaterExpires has a recipient take nothing until a report is too old.
func TestLaterExpires(t *testing.T) {
	r := newRig(t)
	b := r.city("city")
	r.start(&toy{send: func(context.Context, report.Delivery) (report.Receipt, error) {
		return report.Receipt{}, bots.Later(200*time.Millisecond, errors.New("slow mode"))
	}})
	r.publishTo(b, "r1", 1, 2)
	r.waitFor("both to be put off", func() bool { return r.open() == 2 })
	r.advance(2*time.Hour + time.Second)
	r.waitForCounts("r1", db.Counts{Expired: 2})
	r.waitForEmptyQueue()
}

// TestTakenBackWhileItWaits takes back a report that waits for a recipient.
func TestTakenBackWhileItWaits(t *testing.T) {
	r := newRig(t)
	b := r.city("city")
	var retracted tally
	r.start(&toy{send: func(_ context.Context, d report.Delivery) (report.Receipt, error) {
		if d.Retract != nil {
			if retracted.add(d) == 1 && d.Recipient == 2 {
				return report.Receipt{}, bots.Later(200*time.Millisecond, errors.New("slow mode"))
			}
			return report.Receipt{}, nil
		}
		if d.Recipient == 1 {
			return report.Receipt{}, bots.Later(time.Minute, errors.New("slow mode"))
		}
		return report.Receipt{ID: fmt.Sprint("post", d.Recipient)}, nil
	}})
	r.publishTo(b, "r1", 1, 2, 3)
	r.waitForCounts("r1", db.Counts{Sent: 2})
	r.waitFor("the other to be put off", func() bool { return r.open() == 1 })
	r.takeBack(b, "r1")
	r.waitForCounts("r1", db.Counts{Retracted: 2})
	r.waitForEmptyQueue()
	if n, most := retracted.of("r1"); n != 2 || most != 2 {
		t.Errorf("%d were taken back, one of them %d times", n, most)
	}
}

// TestBackAtOnce has a bot's network be away for long: what waits is sent as soon as it
// hears again, and not when its time would have come.
func TestBackAtOnce(t *testing.T) {
	slow.Test(t, "waits until a bot counts as working again")
	r := newRig(t)
	b := r.city("city")
	back := make(chan struct{})
	var tries, runs atomic.Int32
	r.start(&toy{send: func(context.Context, report.Delivery) (report.Receipt, error) {
		if tries.Add(1); !isClosed(back) {
			return report.Receipt{}, errDown
		}
		return report.Receipt{}, nil
	}, check: func(report.Bot) error {
		if runs.Add(1) > 1 {
			<-back
		}
		return nil
	}, receive: func(ctx context.Context, b report.Bot, emit func(context.Context, bots.Incoming) error) error {
		if !isClosed(back) {
			return errDown
		}
		return waits(ctx, b, emit)
	}})
	for i := range 3 {
		r.publishOf("anna", b, fmt.Sprint("r", i), 0)
	}
	r.waitFor("tries", func() bool { return tries.Load() == 4 }) // the next is at least six seconds later
	r.waitForState(b, report.BotTrouble)
	began := time.Now()
	close(back)
	for i := range 3 {
		r.waitForCounts(fmt.Sprint("r", i), db.Counts{Sent: 1})
	}
	r.waitForState(b, report.BotRunning)
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("took %s", took)
	}
}

// TestStand has a bot work without a live connection, which its card says, and with it
// again.
func TestStand(t *testing.T) {
	r := newRig(t)
	var log bytes.Buffer
	r.log = slog.NewTextHandler(&log, nil)
	b := r.city("city")
	tell := make(chan error)
	r.start(&toy{send: ok, receive: func(ctx context.Context, b report.Bot, _ func(context.Context, bots.Incoming) error) error {
		for {
			select {
			case limit := <-tell:
				bots.Stand(ctx, limit)
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}})
	r.waitForState(b, report.BotRunning)
	says := func(want string) {
		t.Helper()
		r.waitFor("the card to say "+want, func() bool {
			got, err := r.db.Bot(t.Context(), b.ID)
			return err == nil && got.State == report.BotRunning && got.Limit() == want && got.LastError == want && got.ErrorAt.IsZero()
		})
	}
	tell <- bots.Say(errors.New("no stream"), "toy.blocked")
	says("blocked us")
	r.publish(b, "r1", "x") // which says nothing of how it hears
	r.waitForCounts("r1", db.Counts{Sent: 1})
	says("blocked us")
	tell <- nil
	says("")
	tell <- bots.Say(errors.New("no stream"), "toy.blocked")
	says("blocked us")
	r.stop()
	for line, want := range map[string]int{
		`level=INFO msg="the bot works with less than it could" bot=1 network=toy limit="blocked us" err="no stream" city=city`: 2,
		`level=INFO msg="the bot works with all it can again" bot=1 network=toy city=city`:                                      1,
	} {
		if n := strings.Count(log.String(), line); n != want {
			t.Errorf("%d times in the log, want %d: %s\n%s", n, want, line, log.String())
		}
	}
	r.start(&toy{send: ok, receive: waits})
	says("")
	r.nobodyTold()
}

// TestTrouble has a bot say that it does not do its work, though it runs, and that it does
// again.
func TestTrouble(t *testing.T) {
	r := newRig(t)
	var log bytes.Buffer
	r.log = slog.NewTextHandler(&log, nil)
	b := r.city("city")
	tell := make(chan error)
	r.start(&toy{send: ok, receive: func(ctx context.Context, b report.Bot, _ func(context.Context, bots.Incoming) error) error {
		for {
			select {
			case limit := <-tell:
				bots.Stand(ctx, limit)
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}})
	r.waitForState(b, report.BotRunning)
	for range 3 { // it says so each time it looks
		tell <- bots.Trouble(bots.Say(errors.New("no modem"), "toy.blocked"))
	}
	r.waitForState(b, report.BotTrouble)
	if got, err := r.db.Bot(t.Context(), b.ID); err != nil || got.LastError != "blocked us" || got.Restarts != 0 {
		t.Errorf("the bot is %+v, %v", got, err)
	}
	r.publish(b, "r1", "x") // which it may still send
	r.waitForCounts("r1", db.Counts{Sent: 1})
	tell <- nil
	r.waitForState(b, report.BotRunning)
	r.nobodyTold()
	tell <- bots.Trouble(bots.Say(errors.New("no modem"), "toy.blocked"))
	r.waitForState(b, report.BotTrouble)
	r.stop()
	if n := strings.Count(log.String(), `err="no modem"`); n != 1 { // within a minute
		t.Errorf("%d times in the log, want 1:\n%s", n, &log)
	}
}
