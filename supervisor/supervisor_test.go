package supervisor_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/report"
	"ticketfrei/internal/slow"
)

func ok(context.Context, report.Delivery) (report.Receipt, error) {
	return report.Receipt{ID: "1", URL: "https://toy.example/1"}, nil
}

func TestPanickingBotIsRestartedAndShown(t *testing.T) {
	slow.Test(t, "waits until a bot is started again")
	r := newRig(t)
	bad, good := r.city("bad"), r.city("good")
	var runs atomic.Int32
	r.start(&toy{send: ok, receive: func(ctx context.Context, b report.Bot, emit func(context.Context, bots.Incoming) error) error {
		if b.ID == bad.ID && runs.Add(1) < 4 {
			panic("boom")
		}
		<-ctx.Done()
		return ctx.Err()
	}})
	r.waitFor("fourth run", func() bool { return runs.Load() == 4 })
	got := r.waitForState(bad, report.BotRunning)
	if got.Restarts != 3 || !strings.Contains(got.LastError, "inside the program") {
		t.Errorf("bot = %+v, want 3 restarts and the panic as the last error", got)
	}
	if other := r.waitForState(good, report.BotRunning); other.Restarts != 0 {
		t.Errorf("the other bot was restarted: %+v", other)
	}
	r.stop()
	lines, err := r.db.Log(t.Context(), bad.ID, 10)
	if err != nil || len(lines) == 0 || !strings.Contains(lines[0].Text, "inside the program") {
		t.Errorf("log = %+v, %v", lines, err)
	}
}

func TestReceivedReportIsEmittedUnderItsOwnID(t *testing.T) {
	r := newRig(t)
	b := r.city("city")
	var received atomic.Bool
	r.start(&toy{send: ok, receive: func(ctx context.Context, _ report.Bot, emit func(context.Context, bots.Incoming) error) error {
		defer received.Store(true)
		for range 2 {
			if err := emit(ctx, bots.Incoming{ID: "17", Author: "rider", Text: "  U1 Plärrer \n", Visibility: report.Public}); err != nil {
				return err
			}
		}
		return nil
	}})
	want := r.secrets.ReportID("toy", b.ID, "17")
	var list []db.Heard
	r.waitFor("report", func() bool {
		var err error
		if list, err = r.db.Unjudged(t.Context(), 0, 1, 0, 10); err != nil {
			t.Fatal(err)
		}
		return len(list) > 0 && received.Load()
	})
	rep := list[0].Report
	if len(list) != 1 || rep.ID != want || rep.Text != "U1 Plärrer" || rep.CityID != b.CityID || rep.Time.IsZero() {
		t.Errorf("%d reports, the first %+v", len(list), rep)
	}
	if rep.Author == "" || strings.Contains(rep.Author, "rider") {
		t.Errorf("author = %q, want a hash", rep.Author)
	}
}

func TestSendResults(t *testing.T) {
	slow.Test(t, "waits until sends are tried again")
	r := newRig(t)
	b := r.city("city")
	var tries atomic.Int32
	network := &toy{removed: make(chan int64, 1), send: func(_ context.Context, d report.Delivery) (report.Receipt, error) {
		switch who(d) {
		case "permanent":
			return report.Receipt{}, bots.Permanent(bots.Say(nil, "toy.too_long"))
		case "gone":
			return report.Receipt{}, bots.Gone(bots.Say(nil, "toy.blocked"))
		case "later":
			if tries.Add(1) < 2 {
				return report.Receipt{}, errors.New("connection reset")
			}
		case "panics":
			if tries.Load() < 2 {
				panic("boom")
			}
		}
		return report.Receipt{ID: "9", URL: "u"}, nil
	}}
	r.start(network)
	r.publish(b, "r1", "fine", "permanent", "gone", "later", "panics")
	r.waitForCounts("r1", db.Counts{Sent: 3, Failed: 2})
	r.waitForEmptyQueue()
	if got := receive(t, "removal", network.removed); people[got] != "gone" {
		t.Errorf("removed %s", people[got])
	}
	r.waitForState(b, report.BotRunning)
}

func TestRefusedCredentialsNeedAttentionOnce(t *testing.T) {
	slow.Test(t, "waits until a delivery is tried again")
	r := newRig(t)
	b := r.city("city")
	var good atomic.Bool
	network := &toy{send: ok, check: func(report.Bot) error {
		if good.Load() {
			return nil
		}
		return bots.Refused(bots.Say(nil, "toy.invalid", "Token", "access"))
	}}
	r.start(network)
	if got := receive(t, "notice", r.told); got != "The access token is invalid" {
		t.Errorf("told %q", got)
	}
	if got := r.waitForState(b, report.BotAttention); got.LastError != "The access token is invalid" {
		t.Errorf("last error %q", got.LastError)
	}
	r.publish(b, "r1", "x")

	r.stop() // a restart of the program tries once more, and tells nobody
	made := network.made[b.ID]
	r.start(network)
	r.waitFor("second try", func() bool { network.mu.Lock(); defer network.mu.Unlock(); return network.made[b.ID] > made })
	r.stop()
	if len(r.told) != 0 {
		t.Errorf("told again: %q", <-r.told)
	}

	good.Store(true) // the moderator connects the bot again
	r.start(network)
	if err := r.db.EnableBot(t.Context(), b.ID, true); err != nil {
		t.Fatal(err)
	}
	r.notices.Changed(b.CityID)
	r.waitForState(b, report.BotRunning)
	r.publish(b, "r2", "x")
	r.waitForCounts("r1", db.Counts{Sent: 1})
	r.waitForCounts("r2", db.Counts{Sent: 1})
}

func TestRetryAfterMakesTheWholeBotWait(t *testing.T) {
	r := newRig(t)
	b := r.city("city")
	const wait = 300 * time.Millisecond
	var limited atomic.Int64
	var early atomic.Int32
	r.start(&toy{send: func(_ context.Context, d report.Delivery) (report.Receipt, error) {
		now := time.Now().UnixNano()
		if limited.CompareAndSwap(0, now) {
			return report.Receipt{}, bots.RetryAfter(wait, errors.New("slow down"))
		}
		if now-limited.Load() < int64(wait) {
			early.Add(1)
		}
		return report.Receipt{}, nil
	}})
	r.publish(b, "r1", "first")
	r.waitFor("the limit", func() bool { return limited.Load() != 0 })
	r.publish(b, "r2", "second")
	r.waitForCounts("r1", db.Counts{Sent: 1})
	r.waitForCounts("r2", db.Counts{Sent: 1})
	if early.Load() != 0 {
		t.Error("sent before the time the network asked for")
	}
}

func TestExpiredDeliveryIsNotSent(t *testing.T) {
	r := newRig(t)
	b := r.city("city")
	var sent atomic.Int32
	r.publish(b, "r1", "x")
	r.advance(2*time.Hour + time.Second)
	r.start(&toy{send: func(context.Context, report.Delivery) (report.Receipt, error) {
		sent.Add(1)
		return report.Receipt{}, nil
	}})
	r.waitForCounts("r1", db.Counts{Expired: 1})
	r.waitForEmptyQueue()
	if sent.Load() != 0 {
		t.Errorf("sent %d times", sent.Load())
	}
}

// TestHangingBotKeepsNobodyWaiting fills the outbox of a bot that hangs with many
// times what fits and sends through another meanwhile.
func TestHangingBotKeepsNobodyWaiting(t *testing.T) {
	r := newRig(t)
	hanging, healthy := r.city("hanging"), r.city("healthy")
	release := make(chan struct{})
	r.start(&toy{send: func(ctx context.Context, d report.Delivery) (report.Receipt, error) {
		if d.BotID == hanging.ID {
			select {
			case <-release:
			case <-ctx.Done():
				return report.Receipt{}, ctx.Err()
			}
		}
		return report.Receipt{}, nil
	}})
	var many []int64
	for i := range int64(500) {
		many = append(many, i+1)
	}
	r.publishTo(hanging, "r1", many...)
	for i := range 20 {
		began := time.Now()
		id := fmt.Sprint("h", i)
		r.publish(healthy, id, "x")
		r.waitForCounts(id, db.Counts{Sent: 1})
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("the healthy bot's report took %s", took)
		}
	}
	close(release)
	r.waitForCounts("r1", db.Counts{Sent: len(many)})
	r.waitForEmptyQueue()
}

func TestSettingsChangedTakeEffectAtOnce(t *testing.T) {
	r := newRig(t)
	b := r.city("city")
	running := make(chan report.Bot, 8)
	stopped := make(chan struct{}, 8)
	r.start(&toy{send: ok, receive: func(ctx context.Context, b report.Bot, _ func(context.Context, bots.Incoming) error) error {
		running <- b
		<-ctx.Done()
		stopped <- struct{}{}
		return ctx.Err()
	}})
	receive(t, "start", running)
	change := func(f func() error) {
		t.Helper()
		if err := f(); err != nil {
			t.Fatal(err)
		}
		r.notices.Changed(b.CityID)
	}
	change(func() error { return r.db.EnableBot(t.Context(), b.ID, false) })
	receive(t, "stop after switching off", stopped)
	r.publish(b, "r1", "x") // waits for the bot to be switched on

	r.advance(time.Second)
	change(func() error { return r.db.EnableBot(t.Context(), b.ID, true) })
	receive(t, "start after switching on", running)
	r.waitForCounts("r1", db.Counts{Sent: 1})
	r.advance(time.Second)
	change(func() error { return r.db.EnableBot(t.Context(), b.ID, true) })
	receive(t, "stop of the former run", stopped)
	receive(t, "start of the new run", running)
	change(func() error { return r.db.DeleteBot(t.Context(), b.ID) })
	receive(t, "stop after disconnecting", stopped)
}

// TestCityOfAnotherProcessIsFound has another process make a city, as the command line
// does, switch its bot off and on, and delete it.
func TestCityOfAnotherProcessIsFound(t *testing.T) {
	slow.Test(t, "waits until another process is noticed")
	r := newRig(t)
	running, stopped := make(chan report.Bot, 8), make(chan report.Bot, 8)
	r.start(&toy{send: ok, receive: func(ctx context.Context, b report.Bot, _ func(context.Context, bots.Incoming) error) error {
		running <- b
		<-ctx.Done()
		stopped <- b
		return ctx.Err()
	}})
	other := r.otherProcess()
	b := r.cityIn(other, "late")
	if got := receive(t, "start", running); got.ID != b.ID {
		t.Errorf("started bot %d, want %d", got.ID, b.ID)
	}
	for _, on := range []bool{false, true} {
		if err := other.EnableBot(t.Context(), b.ID, on); err != nil {
			t.Fatal(err)
		}
		if on {
			receive(t, "start after switching on", running)
		} else {
			receive(t, "stop after switching off", stopped)
		}
	}
	if err := other.DeleteCity(t.Context(), b.CityID); err != nil {
		t.Fatal(err)
	}
	receive(t, "stop of a city that was deleted", stopped)
}

func TestStopLetsARunningSendEnd(t *testing.T) {
	r := newRig(t)
	b := r.city("city")
	sending, finish := make(chan struct{}), make(chan struct{})
	r.start(&toy{send: func(ctx context.Context, d report.Delivery) (report.Receipt, error) {
		close(sending)
		select {
		case <-finish:
			return report.Receipt{ID: "done"}, nil
		case <-ctx.Done():
			return report.Receipt{}, ctx.Err()
		}
	}})
	r.publish(b, "r1", "x")
	receive(t, "send", sending)
	time.AfterFunc(50*time.Millisecond, func() { close(finish) })
	r.stop()
	if c := r.counts("r1"); c.Sent != 1 || r.open() != 0 {
		t.Errorf("%+v, %d open", c, r.open())
	}
}

func TestStopIsBounded(t *testing.T) {
	slow.Test(t, "waits for what does not end")
	r := newRig(t)
	b := r.city("city")
	sending := make(chan struct{})
	never := make(chan struct{})
	t.Cleanup(func() { close(never) })
	r.start(&toy{send: func(context.Context, report.Delivery) (report.Receipt, error) {
		close(sending)
		<-never // ignores its context
		return report.Receipt{}, nil
	}})
	r.publish(b, "r1", "x")
	receive(t, "send", sending)
	if took := r.stop(); took > 8*time.Second {
		t.Errorf("stopping took %s", took)
	}
}

func TestTakingBack(t *testing.T) {
	r := newRig(t)
	b := r.city("city")
	retracted := make(chan report.Delivery, 1)
	r.start(&toy{send: func(_ context.Context, d report.Delivery) (report.Receipt, error) {
		if d.Retract != nil {
			retracted <- d
		}
		return report.Receipt{ID: "5", URL: "https://toy.example/5"}, nil
	}})
	r.publish(b, "r1", "")
	r.waitForCounts("r1", db.Counts{Sent: 1})
	r.takeBack(b, "r1")
	if got := receive(t, "retraction", retracted); got.Retract.ID != "5" {
		t.Errorf("took back %+v", got.Retract)
	}
	r.waitForCounts("r1", db.Counts{Retracted: 1})
	r.waitForEmptyQueue()
}

// takeBack takes back a report as a moderator does.
func (r *rig) takeBack(b report.Bot, id string) {
	r.Helper()
	taken, err := r.db.Report(r.Context(), b.CityID, id)
	if err == nil {
		err = r.db.TakeBack(r.Context(), b.CityID, id)
	}
	if err != nil {
		r.Fatal(err)
	}
	r.sup.TakenBack(b.CityID, taken.Seq)
}

// TestTakingBackWhatCannotBe has a network that cannot delete: nobody is told that
// it did, and the delivery leaves the queue.
func TestTakingBackWhatCannotBe(t *testing.T) {
	r := newRig(t)
	b := r.city("city")
	asked := make(chan report.Delivery, 1)
	r.start(&toy{send: func(_ context.Context, d report.Delivery) (report.Receipt, error) {
		if d.Retract != nil {
			asked <- d
			return report.Receipt{}, bots.ErrCannotRetract
		}
		return report.Receipt{ID: "5"}, nil
	}})
	r.publish(b, "r1", "anna")
	r.waitForCounts("r1", db.Counts{Sent: 1})
	r.takeBack(b, "r1")
	receive(t, "retraction", asked)
	r.waitForEmptyQueue()
	if c := r.counts("r1"); c != (db.Counts{Sent: 1}) {
		t.Errorf("recorded %+v", c)
	}
}

// TestStopAndChangeWithFullOutbox stops, and changes, a bot that has more
// waiting for it than it can send.
func TestStopAndChangeWithFullOutbox(t *testing.T) {
	slow.Test(t, "waits for what does not end")
	r := newRig(t)
	b := r.city("city")
	var sending atomic.Int32
	r.start(&toy{send: func(ctx context.Context, d report.Delivery) (report.Receipt, error) {
		sending.Add(1)
		<-ctx.Done()
		return report.Receipt{}, ctx.Err()
	}})
	r.publish(b, "r1", "a", "b", "c", "d", "e")
	r.waitFor("a send", func() bool { return sending.Load() == 1 })
	r.advance(time.Second)
	if err := r.db.EnableBot(t.Context(), b.ID, true); err != nil {
		t.Fatal(err)
	}
	r.notices.Changed(b.CityID)
	r.waitFor("a send of the changed bot", func() bool { return sending.Load() == 2 })
	if took := r.stop(); took > 8*time.Second {
		t.Errorf("stopping took %s", took)
	}
}
