package supervisor_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/report"
	"ticketfrei/internal/slow"
)

// tally counts what a toy was asked to send, by report and recipient.
type tally struct {
	mu   sync.Mutex
	sent map[string]map[int64]int
}

func (y *tally) add(d report.Delivery) (times int) {
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.sent == nil {
		y.sent = make(map[string]map[int64]int)
	}
	if y.sent[d.Report.ID] == nil {
		y.sent[d.Report.ID] = make(map[int64]int)
	}
	y.sent[d.Report.ID][d.Recipient]++
	return y.sent[d.Report.ID][d.Recipient]
}

// of returns how many recipients of a report were sent to, and how often one was at
// most.
func (y *tally) of(id string) (recipients, most int) {
	y.mu.Lock()
	defer y.mu.Unlock()
	for _, n := range y.sent[id] {
		most = max(most, n)
	}
	return len(y.sent[id]), most
}

func crowd(n int) []int64 {
	list := make([]int64, n)
	for i := range list {
		list[i] = int64(i + 1)
	}
	return list
}

// TestCrowdIsSentToOnce has three reports go to many more than there is room for;
// one in seven cannot be reached the first time.
func TestCrowdIsSentToOnce(t *testing.T) {
	slow.Test(t, "sends to thousands")
	r := newRig(t)
	b := r.city("city")
	const many = 3000
	r.publishTo(b, "before", crowd(many)...)
	var tried, sent tally
	r.start(&toy{workers: 4, send: func(_ context.Context, d report.Delivery) (report.Receipt, error) {
		if tried.add(d) == 1 && d.Recipient%7 == 0 {
			return report.Receipt{}, errors.New("connection reset")
		}
		sent.add(d)
		return report.Receipt{}, nil
	}})
	for _, id := range []string{"r1", "r2"} {
		r.publishTo(b, id, crowd(many)...)
	}
	for _, id := range []string{"before", "r1", "r2"} {
		r.waitForCounts(id, db.Counts{Sent: many})
		if n, most := sent.of(id); n != many || most != 1 {
			t.Errorf("%s: sent to %d, to one of them %d times", id, n, most)
		}
	}
	r.waitForEmptyQueue()
}

// TestLaterReportIsNotStarved has a report come while one before it is on its way
// to thousands.
func TestLaterReportIsNotStarved(t *testing.T) {
	r := newRig(t)
	b := r.city("city")
	var sent tally
	go1 := make(chan struct{}, 1<<20)
	r.start(&toy{send: func(_ context.Context, d report.Delivery) (report.Receipt, error) {
		<-go1
		sent.add(d)
		return report.Receipt{}, nil
	}})
	r.publishTo(b, "large", crowd(5000)...)
	r.publishTo(b, "small", 7)
	for range 10 {
		go1 <- struct{}{}
	}
	r.waitForCounts("small", db.Counts{Sent: 1})
	if n, _ := sent.of("large"); n > 10 {
		t.Errorf("%d of the large report were sent first", n)
	}
	close(go1)
	r.waitForCounts("large", db.Counts{Sent: 5000})
}

// TestChangedBotGoesOn changes a bot while its sends hang: the new run sends the
// rest, and what hangs is not sent by both.
func TestChangedBotGoesOn(t *testing.T) {
	r := newRig(t)
	b := r.city("city")
	var sent tally
	release := make(chan struct{})
	var hanging atomic.Int32
	r.start(&toy{workers: 2, send: func(_ context.Context, d report.Delivery) (report.Receipt, error) {
		sent.add(d)
		if hanging.Add(1) <= 2 {
			<-release
		}
		return report.Receipt{}, nil
	}})
	r.publishTo(b, "r1", crowd(200)...)
	r.waitFor("two that hang", func() bool { return hanging.Load() == 2 })
	r.advance(time.Second)
	if err := r.db.EnableBot(t.Context(), b.ID, true); err != nil {
		t.Fatal(err)
	}
	r.notices.Changed(b.CityID)
	r.publishTo(b, "r2", crowd(200)...)
	r.waitFor("the next report", func() bool { n, _ := sent.of("r2"); return n == 200 })
	close(release)
	for _, id := range []string{"r1", "r2"} {
		r.waitForCounts(id, db.Counts{Sent: 200})
		if n, most := sent.of(id); n != 200 || most != 1 {
			t.Errorf("%s: sent to %d, to one of them %d times", id, n, most)
		}
	}
	r.waitForEmptyQueue()
}

// TestBotThatIsOffLetsReportsExpire has nobody send what a bot has to.
func TestBotThatIsOffLetsReportsExpire(t *testing.T) {
	r := newRig(t)
	b := r.city("city")
	r.publishTo(b, "r1", crowd(100)...)
	if err := r.db.EnableBot(t.Context(), b.ID, false); err != nil {
		t.Fatal(err)
	}
	r.advance(2*time.Hour + time.Second)
	r.start(&toy{send: ok})
	r.waitForCounts("r1", db.Counts{Expired: 100})
	r.waitForEmptyQueue()
	r.waitFor("the metric", func() bool { return r.deliveries(db.Expired) == 100 })
}

// TestRefusedBotLetsReportsExpire has a report come for a bot that waits for its
// moderator: it is not kept in hand, and ends when it has expired.
func TestRefusedBotLetsReportsExpire(t *testing.T) {
	r := newRig(t)
	b := r.city("city")
	r.start(&toy{send: ok, check: func(report.Bot) error {
		return bots.Refused(bots.Say(nil, "toy.invalid", "Token", "access"))
	}})
	r.waitForState(b, report.BotAttention)
	receive(t, "what the moderators are told", r.told)
	r.publishTo(b, "r1", crowd(100)...)
	r.advance(2*time.Hour + time.Second)
	if _, _, err := r.db.Expire(t.Context(), 2*time.Hour, r.sup.InHand); err != nil {
		t.Fatal(err)
	}
	if got := r.counts("r1"); got != (db.Counts{Expired: 100}) {
		t.Errorf("of the report: %+v, want all expired", got)
	}
}

// TestTakenBackWhileBeingSent takes back a report of which some is being sent and
// some waits: the first is taken back when it is out, the rest is never sent.
func TestTakenBackWhileBeingSent(t *testing.T) {
	r := newRig(t)
	b := r.city("city")
	var sent, retracted tally
	release := make(chan struct{})
	r.start(&toy{workers: 3, send: func(_ context.Context, d report.Delivery) (report.Receipt, error) {
		if d.Retract != nil {
			retracted.add(d)
			return report.Receipt{}, nil
		}
		sent.add(d)
		<-release
		return report.Receipt{ID: "post"}, nil
	}})
	r.publishTo(b, "r1", crowd(500)...)
	r.waitFor("three on their way", func() bool { n, _ := sent.of("r1"); return n == 3 })
	r.takeBack(b, "r1")
	close(release)
	r.waitForCounts("r1", db.Counts{Retracted: 3})
	r.waitForEmptyQueue()
	if n, _ := sent.of("r1"); n != 3 {
		t.Errorf("%d were sent", n)
	}
	if n, most := retracted.of("r1"); n != 3 || most != 1 {
		t.Errorf("%d were taken back, one of them %d times", n, most)
	}
}

// TestTakenBackWhileWaitingForItsTurn takes back a report while deliveries of it wait for
// the pace of their network: they are not sent any more.
func TestTakenBackWhileWaitingForItsTurn(t *testing.T) {
	r := newRig(t)
	b := r.city("city")
	var waiting atomic.Int32
	var sent tally
	release := make(chan struct{})
	r.start(&toy{workers: 3, send: func(ctx context.Context, d report.Delivery) (report.Receipt, error) {
		err := bots.Idle(ctx, func() error { waiting.Add(1); <-release; return nil })
		if err != nil {
			return report.Receipt{}, fmt.Errorf("wait: %w", err)
		}
		sent.add(d)
		return report.Receipt{ID: "post"}, nil
	}})
	r.publishTo(b, "r1", crowd(10)...)
	r.waitFor("three to wait", func() bool { return waiting.Load() == 3 })
	r.takeBack(b, "r1")
	r.publishTo(b, "r2", 1)
	close(release)
	r.waitForCounts("r2", db.Counts{Sent: 1})
	r.waitForEmptyQueue()
	if n, _ := sent.of("r1"); n != 0 {
		t.Errorf("%d were sent", n)
	}
}

// TestClockThatGoesBack has the clock of the machine go back an hour while
// deliveries wait to be tried again: they wait no longer for that.
func TestClockThatGoesBack(t *testing.T) {
	slow.Test(t, "waits until a clock goes on")
	r := newRig(t)
	b := r.city("city")
	var tries atomic.Int32
	r.start(&toy{send: func(context.Context, report.Delivery) (report.Receipt, error) {
		if tries.Add(1) == 1 {
			return report.Receipt{}, errors.New("connection reset")
		}
		return report.Receipt{}, nil
	}})
	r.publishTo(b, "r1", 1)
	r.waitFor("a try", func() bool { return tries.Load() == 1 })
	r.advance(-time.Hour)
	r.waitForCounts("r1", db.Counts{Sent: 1})
}

// TestRefusedInTheMiddle has a bot refused while it sends to many: it is stopped,
// and goes on with the rest when a moderator has mended it.
func TestRefusedInTheMiddle(t *testing.T) {
	r := newRig(t)
	b := r.city("city")
	var good atomic.Bool
	var sent tally
	r.start(&toy{send: func(_ context.Context, d report.Delivery) (report.Receipt, error) {
		if d.Recipient > 70 && !good.Load() {
			return report.Receipt{}, bots.Refused(bots.Say(nil, "toy.invalid", "Token", "access"))
		}
		sent.add(d)
		return report.Receipt{}, nil
	}})
	r.publishTo(b, "r1", crowd(300)...)
	receive(t, "notice", r.told)
	r.waitForCounts("r1", db.Counts{Sent: 70})
	good.Store(true)
	r.advance(time.Second)
	if err := r.db.EnableBot(t.Context(), b.ID, true); err != nil {
		t.Fatal(err)
	}
	r.notices.Changed(b.CityID)
	r.waitForCounts("r1", db.Counts{Sent: 300})
	if n, most := sent.of("r1"); n != 300 || most != 1 {
		t.Errorf("sent to %d, to one of them %d times", n, most)
	}
}

// TestAllSendersStartAgain has more wait at the start than one sender takes: as many
// work as the bot may run.
func TestAllSendersStartAgain(t *testing.T) {
	r := newRig(t)
	b := r.city("city")
	r.publishTo(b, "r1", crowd(200)...)
	var hanging atomic.Int32
	release := make(chan struct{})
	r.start(&toy{workers: 4, send: func(context.Context, report.Delivery) (report.Receipt, error) {
		hanging.Add(1)
		<-release
		return report.Receipt{}, nil
	}})
	defer close(release)
	r.waitFor("four at work", func() bool { return hanging.Load() == 4 })
}

// TestOffAndOnWhilePaused switches a bot off and on while it was told to wait and one
// of its sends hangs: it sends the rest.
func TestOffAndOnWhilePaused(t *testing.T) {
	r := newRig(t)
	b := r.city("city")
	var tries atomic.Int32
	release := make(chan struct{})
	r.start(&toy{workers: 2, send: func(context.Context, report.Delivery) (report.Receipt, error) {
		switch tries.Add(1) {
		case 1:
			<-release
		case 2:
			return report.Receipt{}, bots.RetryAfter(2*time.Second, errors.New("slow down"))
		}
		return report.Receipt{}, nil
	}})
	r.publishTo(b, "r1", crowd(10)...)
	r.waitFor("two", func() bool { return tries.Load() == 2 })
	for _, on := range []bool{false, true} {
		r.advance(time.Second)
		if err := r.db.EnableBot(t.Context(), b.ID, on); err != nil {
			t.Fatal(err)
		}
		r.notices.Changed(b.CityID)
		r.waitFor("the change", func() bool { return r.sup.Runs(b.ID) == on })
	}
	close(release)
	r.waitForCounts("r1", db.Counts{Sent: 10})
}

// TestUnreadableFanoutHoldsUpNobody has rows in the database that nobody can read:
// they go, and the bot sends what it can.
func TestUnreadableFanoutHoldsUpNobody(t *testing.T) {
	r := newRig(t)
	b := r.city("city")
	for i, change := range []struct {
		column string
		value  any
	}{{"recipients", []byte{0xff}}, {"open", -1}, {"recipients", []byte{}}} {
		id := fmt.Sprint("bad", i)
		broken := r.store(b, id, 1, 2, 3)[0].ID
		err := r.db.Write(t.Context(), func(tx *gorm.DB) error {
			return tx.Exec("UPDATE fanouts SET "+change.column+" = ? WHERE id = ?", change.value, broken).Error
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	r.publishTo(b, "good", crowd(100)...)
	r.start(&toy{send: ok})
	r.waitForCounts("good", db.Counts{Sent: 100})
	r.waitForEmptyQueue()
}
