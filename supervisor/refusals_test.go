package supervisor_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/report"
	"ticketfrei/internal/slow"
	"ticketfrei/supervisor"
)

// errRefused is what a network says of a login.
var errRefused = bots.Refused(bots.Say(nil, "toy.invalid", "Token", "access"))

// waits is a Receive that hears nothing.
func waits(ctx context.Context, _ report.Bot, _ func(context.Context, bots.Incoming) error) error {
	<-ctx.Done()
	return ctx.Err()
}

// patient is a rig whose bots need their moderators after three minutes.
func patient(t *testing.T) *rig {
	t.Helper()
	r := newRig(t)
	r.refusals.For = 0
	return r
}

// nobodyTold checks that no moderator was told anything.
func (r *rig) nobodyTold() {
	r.Helper()
	if len(r.told)+len(r.over) > 0 {
		r.Errorf("moderators were told %d times of trouble, %d times of its end", len(r.told), len(r.over))
	}
}

func TestOneRefusalIsNoTrouble(t *testing.T) {
	t.Parallel()
	for where, network := range map[string]func(refused func() error) *toy{
		"check": func(refused func() error) *toy {
			return &toy{send: ok, receive: waits, check: func(report.Bot) error { return refused() }}
		},
		"receive": func(refused func() error) *toy {
			return &toy{send: ok, receive: func(ctx context.Context, b report.Bot, emit func(context.Context, bots.Incoming) error) error {
				if err := refused(); err != nil {
					return err
				}
				return waits(ctx, b, emit)
			}}
		},
		"send": func(refused func() error) *toy {
			return &toy{receive: waits, send: func(ctx context.Context, d report.Delivery) (report.Receipt, error) {
				if err := refused(); err != nil {
					return report.Receipt{}, err
				}
				return ok(ctx, d)
			}}
		},
		"send of one that hears nothing": func(refused func() error) *toy {
			return &toy{send: func(ctx context.Context, d report.Delivery) (report.Receipt, error) {
				if err := refused(); err != nil {
					return report.Receipt{}, err
				}
				return ok(ctx, d)
			}}
		},
	} {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			r := patient(t)
			b := r.city("city")
			var tries atomic.Int32
			r.start(network(func() error {
				if tries.Add(1) == 1 {
					return errRefused
				}
				return nil
			}))
			r.publishTo(b, "r1", crowd(100)...)
			r.waitForCounts("r1", db.Counts{Sent: 100})
			r.waitForState(b, report.BotRunning)
			r.nobodyTold()
		})
	}
}

// TestRefusedForMinutes has a login be refused again and again, and accepted at last,
// by nobody's doing.
func TestRefusedForMinutes(t *testing.T) {
	slow.Test(t, "is refused again and again")
	t.Parallel()
	r := patient(t)
	var log bytes.Buffer
	r.log = slog.NewTextHandler(&log, nil)
	b := r.city("city")
	var checks atomic.Int32
	var good atomic.Bool
	r.start(&toy{send: ok, receive: waits, check: func(report.Bot) error {
		checks.Add(1)
		if good.Load() {
			return nil
		}
		return errRefused
	}})
	r.waitFor("tries", func() bool { return checks.Load() > 5 })
	if got := r.waitForState(b, report.BotTrouble); got.Restarts != 1 ||
		got.LastError != "Toy does not let the bot in at the moment. If that lasts for 3 minutes, you get a mail." {
		t.Errorf("last error %q, %d restarts", got.LastError, got.Restarts)
	}
	r.publishTo(b, "r1", crowd(100)...)
	r.nobodyTold()

	r.advance(3 * time.Minute)
	if got := receive(t, "notice", r.told); got != "The access token is invalid" {
		t.Errorf("told %q", got)
	}
	r.waitForState(b, report.BotAttention)
	before := checks.Load()
	r.waitFor("looks", func() bool { return checks.Load() > before+5 })
	r.nobodyTold()
	if got := r.counts("r1"); got != (db.Counts{}) {
		t.Errorf("of what was sent meanwhile: %+v", got)
	}

	good.Store(true)
	if got := receive(t, "the end", r.over); got != b.ID {
		t.Errorf("told of bot %d", got)
	}
	r.waitForCounts("r1", db.Counts{Sent: 100})
	if got := r.waitForState(b, report.BotRunning); got.Restarts != 1 {
		t.Errorf("%d restarts for one refusal", got.Restarts)
	}
	r.nobodyTold()
	r.stop()
	for _, line := range []string{
		`level=INFO msg="the bot needs its moderators: it is refused again and again" bot=1 network=toy city=city`,
		`level=INFO msg="the bot works again" bot=1 network=toy state=running city=city`,
	} {
		if n := strings.Count(log.String(), line); n != 1 {
			t.Errorf("%d times in the log: %s\n%s", n, line, log.String())
		}
	}
	// What the log says in full is a sentence, and its times are rounded.
	if !strings.Contains(log.String(), `It was refused: The access token is invalid. It tries again in 1 second."`) {
		t.Errorf("the log says\n%s", log.String())
	}
}

// TestModeratorsReadRoundedTimes has a login be refused, of which the bot's own log asks
// nobody to do anything yet.
func TestModeratorsReadRoundedTimes(t *testing.T) {
	r := patient(t)
	b := r.city("city")
	r.start(&toy{receive: waits, check: func(report.Bot) error { return errRefused }})
	const want = "It was refused: Toy does not let the bot in at the moment. If that lasts for 3 minutes, you get a mail. It tries again in 1 second."
	r.waitFor("a line of the log", func() bool {
		lines, err := r.db.Log(t.Context(), b.ID, 10)
		return err == nil && len(lines) > 0 && lines[0].Text == want
	})
}

// TestSuccessBetweenRefusals has a login be refused now and then, over hours.
func TestSuccessBetweenRefusals(t *testing.T) {
	r := patient(t)
	b := r.city("city")
	var tries atomic.Int32
	r.start(&toy{receive: waits, send: func(ctx context.Context, d report.Delivery) (report.Receipt, error) {
		if tries.Add(1)%2 == 1 {
			return report.Receipt{}, errRefused
		}
		return ok(ctx, d)
	}})
	for _, id := range []string{"r1", "r2", "r3", "r4"} {
		r.publish(b, id, "x")
		r.waitForCounts(id, db.Counts{Sent: 1})
		r.advance(time.Hour)
	}
	r.waitForState(b, report.BotRunning)
	r.nobodyTold()
}

// TestOtherErrorsEndNoRefusal has an instance that refuses a bot be down for a while:
// nothing was accepted.
func TestOtherErrorsEndNoRefusal(t *testing.T) {
	r := newRig(t)
	b := r.city("city")
	var down atomic.Bool
	var checks atomic.Int32
	r.start(&toy{send: ok, receive: waits, check: func(report.Bot) error {
		checks.Add(1)
		if down.Load() {
			return errors.New("connection reset")
		}
		return errRefused
	}})
	receive(t, "notice", r.told)
	r.waitForState(b, report.BotAttention)
	for _, is := range []bool{true, false} {
		down.Store(is)
		before := checks.Load()
		r.waitFor("looks", func() bool { return checks.Load() > before+2 })
		r.waitForState(b, report.BotAttention)
	}
	r.nobodyTold()
}

// TestSendingRefusedForGood has a bot hear, and be refused whenever it sends.
func TestSendingRefusedForGood(t *testing.T) {
	r := newRig(t)
	b := r.city("city")
	var good atomic.Bool
	var tries, hears atomic.Int32
	r.start(&toy{workers: 4, send: func(ctx context.Context, d report.Delivery) (report.Receipt, error) {
		tries.Add(1)
		if !good.Load() {
			return report.Receipt{}, errRefused
		}
		return ok(ctx, d)
	}, receive: func(ctx context.Context, b report.Bot, emit func(context.Context, bots.Incoming) error) error {
		hears.Add(1)
		defer hears.Add(-1)
		return waits(ctx, b, emit)
	}})
	r.publishTo(b, "r1", crowd(300)...)
	receive(t, "notice", r.told)
	r.waitForState(b, report.BotAttention)
	r.waitFor("it hears", func() bool { return hears.Load() == 1 })
	before := tries.Load()
	r.waitFor("looks", func() bool { return tries.Load() > before+5 })
	r.waitForState(b, report.BotAttention)
	r.nobodyTold()
	good.Store(true)
	receive(t, "the end", r.over)
	r.waitForCounts("r1", db.Counts{Sent: 300})
	r.waitForState(b, report.BotRunning)
	r.nobodyTold()
}

// TestRestartOfARefusedBot starts the program again while a bot needs its moderators:
// it tries at once, and they are told once at each end.
func TestRestartOfARefusedBot(t *testing.T) {
	r := newRig(t)
	b := r.city("city")
	r.refusals.Looks = []time.Duration{time.Hour}
	var good atomic.Bool
	var checks atomic.Int32
	network := &toy{send: ok, receive: waits, check: func(report.Bot) error {
		checks.Add(1)
		if good.Load() {
			return nil
		}
		return errRefused
	}}
	r.start(network)
	receive(t, "notice", r.told)
	r.waitForState(b, report.BotAttention)
	r.publish(b, "r1", "x")
	for range 2 {
		r.stop()
		before := checks.Load()
		r.start(network)
		r.waitFor("a try", func() bool { return checks.Load() > before })
		r.waitForState(b, report.BotAttention)
	}
	r.nobodyTold()
	r.stop()
	good.Store(true)
	r.start(network)
	receive(t, "the end", r.over)
	r.waitForCounts("r1", db.Counts{Sent: 1})
	r.stop()
	r.start(network)
	r.waitForState(b, report.BotRunning)
	r.nobodyTold()
}

// TestConnectedAgain has a moderator give a refused bot another login: the others are
// told that it is over.
func TestConnectedAgain(t *testing.T) {
	r := newRig(t)
	b := r.city("city")
	r.refusals.Looks = []time.Duration{time.Hour}
	var good atomic.Bool
	r.start(&toy{send: ok, receive: waits, check: func(report.Bot) error {
		if good.Load() {
			return nil
		}
		return errRefused
	}})
	receive(t, "notice", r.told)
	r.waitForState(b, report.BotAttention)
	good.Store(true)
	r.advance(time.Second)
	if err := r.db.EnableBot(t.Context(), b.ID, true); err != nil {
		t.Fatal(err)
	}
	r.notices.Changed(b.CityID)
	receive(t, "the end", r.over)
	r.waitForState(b, report.BotRunning)
	r.nobodyTold()
}

// TestWaitsBetweenLooks holds the waits of a bot that is refused to what is promised: it
// is sure within four minutes, and back within five, fifteen and sixty.
func TestWaitsBetweenLooks(t *testing.T) {
	for range 100 {
		looks := supervisor.Looks(time.Second)
		sure := time.Duration(0)
		for len(looks) > 0 && looks[0] <= 30*time.Second {
			sure += looks[0]
			looks = looks[1:]
		}
		if sure < 3*time.Minute || sure > 4*time.Minute {
			t.Fatalf("sure after %s", sure)
		}
		for i, most := range []time.Duration{5 * time.Minute, 15 * time.Minute, time.Hour, time.Hour} {
			if looks[i] > most || looks[i] < most*9/10 {
				t.Fatalf("look %d after %s", i, looks[i])
			}
		}
	}
}

// TestBackWithinHalfAMinute holds the waits of a bot that cannot receive to what is
// promised, however long and whatever way a network is away.
func TestBackWithinHalfAMinute(t *testing.T) {
	for failures := range 100 {
		for _, took := range []time.Duration{0, 5 * time.Second, 25 * time.Second, time.Minute} {
			if wait := supervisor.RestartWait(time.Second, failures, took); wait > 25*time.Second || wait < 500*time.Millisecond ||
				took == 25*time.Second && wait > 2*time.Second {
				t.Fatalf("after %d failures, the last of %s: %s", failures, took, wait)
			}
		}
	}
}
