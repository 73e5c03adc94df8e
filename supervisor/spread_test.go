package supervisor_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/bus"
	"ticketfrei/internal/i18n"
	"ticketfrei/internal/notice"
	"ticketfrei/internal/report"
	"ticketfrei/internal/slow"
	"ticketfrei/supervisor"
)

// wide is a network any process may send for.
type wide struct{ *toy }

var _ bots.Spreader = wide{}

func (wide) Spread() {}

// process is one of several that share the cities of a database on a server.
type process struct {
	*testing.T
	db      *db.DB
	notices notice.Board
	sup     *supervisor.Supervisor
	sent    atomic.Int32 // deliveries that it was asked to send
	cities  int          // that it has made
	stop    func()
}

// silent tells moderators nothing.
type silent struct{}

func (silent) Tell(context.Context, report.Bot, string) error { return nil }
func (silent) Over(context.Context, report.Bot) error         { return nil }

// mustStart has a process share the cities of the database at a URL and send by send, eight
// deliveries of a bot at the same time.
func mustStart(t *testing.T, at, name string, send func(context.Context, report.Delivery) (report.Receipt, error)) *process {
	t.Helper()
	texts, err := i18n.New(supervisor.Texts, toyTexts)
	if err != nil {
		t.Fatal(err)
	}
	p := &process{T: t, db: dbtest.MustOpenAt(t, at, time.Now, nil)}
	log := slog.New(slog.DiscardHandler)
	lease := p.db.Share(name, log)
	network := wide{&toy{workers: 8, receive: waits, send: func(ctx context.Context, d report.Delivery) (report.Receipt, error) {
		p.sent.Add(1)
		return send(ctx, d)
	}}}
	p.sup = supervisor.New(supervisor.Options{DB: p.db, Networks: map[string]bots.Network{"toy": network}, Attention: silent{},
		Notices: &p.notices, Bus: &bus.Bus{}, Texts: texts, Expire: 2 * time.Hour, Log: log, Now: time.Now, Metrics: prometheus.NewRegistry()})
	ctx, cancel := context.WithCancel(context.Background())
	sharing, giveUp := context.WithCancel(context.Background())
	var all, shared sync.WaitGroup
	all.Go(func() {
		if err := p.sup.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	all.Go(func() { p.db.Wire(&p.notices, log).Run(ctx) })
	shared.Go(func() { lease.Run(sharing, p.sup) })
	p.stop = sync.OnceFunc(func() {
		giveUp()
		shared.Wait()
		cancel()
		all.Wait()
	})
	t.Cleanup(p.stop)
	return p
}

// owned is how many shards a process works for.
func (p *process) owned() (n int) {
	for shard := range db.Shards {
		if p.db.OwnsShard(shard) {
			n++
		}
	}
	return n
}

func (p *process) await(what string, ok func() bool) {
	p.Helper()
	for late := time.Now().Add(time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(late) {
			p.Fatalf("waited in vain for: %s", what)
		}
	}
}

// ownCity makes cities until there is one that the process works for, or another does.
func (p *process) ownCity(own bool) report.Bot {
	p.Helper()
	for {
		p.cities++
		c := dbtest.MustCreateCity(p, p.db, fmt.Sprintf("city-%d", p.cities), "toy")
		if p.db.Owns(c.ID) != own {
			continue
		}
		list, err := p.db.CityBots(p.Context(), c.ID)
		if err != nil {
			p.Fatal(err)
		}
		p.notices.Changed(c.ID)
		return list[0]
	}
}

// publish stores a report of a city that the process works for, and sends it.
func (p *process) publish(b report.Bot, id string, to int) {
	p.Helper()
	r := report.Report{ID: id, CityID: b.CityID, BotID: b.ID, Network: "toy", Text: "text of " + id, Time: time.Now(), Received: time.Now()}
	saved := dbtest.MustJudge(p, p.db, dbtest.MustHear(p, p.db, r), report.Verdict{Passed: true, Reason: report.ReasonTrigger}, dbtest.NoBrake{},
		db.Audience{BotID: b.ID, Recipients: crowd(to), Spread: true})
	p.sup.Send(saved.Fanouts)
}

// awaitSent waits until nothing is left to be sent, and that is how many got the report.
func (p *process) awaitSent(id string, want int) {
	p.Helper()
	p.await("everything to be sent", func() bool {
		list, err := p.db.Waiting(p.Context())
		if err != nil {
			p.Fatal(err)
		}
		return list[1].Count == 0
	})
	c, err := p.db.Counts(p.Context(), id)
	if err != nil || c != (db.Counts{Sent: want}) {
		p.Errorf("of report %s: %+v, %v, want %d sent", id, c, err, want)
	}
}

// mustHaveServer returns the URL of a new database on the server.
func mustHaveServer(t *testing.T) string {
	t.Helper()
	if !dbtest.OnServer() {
		t.Skip("of PostgreSQL alone: set " + dbtest.ServerVariable)
	}
	return dbtest.MustMakeDatabase(t)
}

// twoProcesses are two that have the same number of cities each.
func twoProcesses(t *testing.T, send func(context.Context, report.Delivery) (report.Receipt, error)) (one, two *process) {
	t.Helper()
	at := mustHaveServer(t)
	one, two = mustStart(t, at, "one", send), mustStart(t, at, "two", send)
	one.await("half of the cities", func() bool { return one.owned() == db.Shards/2 && two.owned() == db.Shards/2 })
	return one, two
}

// inbox counts what each recipient got.
type inbox struct {
	mu  sync.Mutex
	got map[int64]int
}

// add notes a delivery, and returns how many the recipient has got before.
func (i *inbox) add(recipient int64) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.got == nil {
		i.got = make(map[int64]int)
	}
	i.got[recipient]++
	return i.got[recipient] - 1
}

func (i *inbox) len() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return len(i.got)
}

// check tells how many recipients got something, and how many of them several times.
func (i *inbox) check() (all, twice int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, n := range i.got {
		if n > 1 {
			twice++
		}
	}
	return len(i.got), twice
}

// TestLargeReportsAreSentByAll has two processes send one report. Some deliveries fail for
// a moment, wherever they are tried, and come later.
func TestLargeReportsAreSentByAll(t *testing.T) {
	slow.Test(t, "processes find each other within seconds")
	t.Parallel()
	const to = 2000
	var got, tried inbox
	one, two := twoProcesses(t, func(_ context.Context, d report.Delivery) (report.Receipt, error) {
		time.Sleep(5 * time.Millisecond) // as a relay does
		if d.Recipient%97 == 0 && tried.add(d.Recipient) == 0 {
			return report.Receipt{}, errors.New("busy")
		}
		got.add(d.Recipient)
		return report.Receipt{}, nil
	})
	one.publish(one.ownCity(true), "large", to)
	two.awaitSent("large", to)
	if all, twice := got.check(); all != to || twice > 0 {
		t.Errorf("%d got it, %d of them several times, want %d once", all, twice, to)
	}
	if a, b := one.sent.Load(), two.sent.Load(); a < to/5 || b < to/5 {
		t.Errorf("one has sent %d and two %d of %d", a, b, to)
	}

	before := two.sent.Load()
	one.publish(one.ownCity(true), "small", 200)
	one.awaitSent("small", 200)
	if n := two.sent.Load() - before; n > 0 {
		t.Errorf("another process has sent %d deliveries of a small report", n)
	}
}

// TestSpreadReportsAreLetGo has a process that helps to send stop when the bot is switched off,
// go on when it is switched on, and stop for good when the report is taken back or the city
// paused.
func TestSpreadReportsAreLetGo(t *testing.T) {
	slow.Test(t, "processes find each other within seconds")
	t.Parallel()
	var got, another inbox
	one, two := twoProcesses(t, func(_ context.Context, d report.Delivery) (report.Receipt, error) {
		time.Sleep(20 * time.Millisecond)
		if d.Report.Text == "text of large" {
			got.add(d.Recipient)
		} else {
			another.add(d.Recipient)
		}
		return report.Receipt{}, nil
	})
	const to = 20_000
	b := one.ownCity(true)
	one.publish(b, "large", to)
	helps := func() {
		t.Helper()
		before := two.sent.Load()
		two.await("the other process to help", func() bool { return two.sent.Load() > before+50 })
	}
	rests := func(after string) {
		t.Helper()
		var before int32
		for late := time.Now().Add(patience); ; {
			before = one.sent.Load() + two.sent.Load()
			time.Sleep(300 * time.Millisecond) // many deliveries would be sent meanwhile
			if one.sent.Load()+two.sent.Load() == before {
				return
			}
			if time.Now().After(late) {
				t.Fatalf("it is still sent %s", after)
			}
		}
	}
	helps()
	if err := one.db.EnableBot(t.Context(), b.ID, false); err != nil {
		t.Fatal(err)
	}
	one.notices.Changed(b.CityID)
	rests("after the bot was switched off")
	if err := one.db.EnableBot(t.Context(), b.ID, true); err != nil {
		t.Fatal(err)
	}
	one.notices.Changed(b.CityID)
	helps()
	if err := two.db.TakeBack(t.Context(), b.CityID, "large"); err != nil { // a moderator may do so anywhere
		t.Fatal(err)
	}
	two.notices.Passed(b.CityID)
	rests("after it was taken back")

	one.publish(b, "another", to)
	helps()
	if _, _, err := two.db.Pause(t.Context(), b.CityID); err != nil {
		t.Fatal(err)
	}
	two.notices.Changed(b.CityID)
	if err := two.db.WipeReports(t.Context(), b.CityID); err != nil {
		t.Fatal(err)
	}
	two.notices.Passed(b.CityID)
	rests("after the city was paused")
	for _, in := range []*inbox{&got, &another} {
		if all, twice := in.check(); all >= to || twice > 0 {
			t.Errorf("%d of %d got it, %d of them several times", all, to, twice)
		}
	}
}

// TestProcessesStopWhileSpreading stops a process that sends a part of a report, be it the one
// that works for the city or the one that helps. Everybody gets it once.
func TestProcessesStopWhileSpreading(t *testing.T) {
	slow.Test(t, "processes find each other within seconds")
	t.Parallel()
	for _, owner := range []bool{true, false} {
		t.Run(fmt.Sprintf("owner=%t", owner), func(t *testing.T) {
			t.Parallel()
			const to = 1500
			var got inbox
			one, two := twoProcesses(t, func(_ context.Context, d report.Delivery) (report.Receipt, error) {
				time.Sleep(20 * time.Millisecond)
				got.add(d.Recipient)
				return report.Receipt{}, nil
			})
			one.publish(one.ownCity(true), "large", to)
			one.await("both to have sent some", func() bool { return one.sent.Load() > 100 && two.sent.Load() > 100 })
			stops, stays := two, one
			if owner {
				stops, stays = one, two
			}
			stops.stop()
			if n := got.len(); n >= to {
				t.Fatalf("all of %d was sent before the process has stopped", n)
			}
			stays.awaitSent("large", to)
			if all, twice := got.check(); all != to || twice > 0 {
				t.Errorf("%d got it, %d of them several times, want %d once", all, twice, to)
			}
		})
	}
}

// TestHelperWhoseWayIsAway has the process that helps have no way to send. It lets go of what it
// has taken, and takes no more for a while.
func TestHelperWhoseWayIsAway(t *testing.T) {
	slow.Test(t, "processes find each other within seconds")
	t.Parallel()
	const to = 1500
	var got inbox
	at := mustHaveServer(t)
	back := make(chan struct{})
	one := mustStart(t, at, "one", func(_ context.Context, d report.Delivery) (report.Receipt, error) {
		time.Sleep(5 * time.Millisecond)
		got.add(d.Recipient)
		return report.Receipt{}, nil
	})
	two := mustStart(t, at, "two", func(context.Context, report.Delivery) (report.Receipt, error) {
		return report.Receipt{}, bots.Away(bots.Outage{Back: back, All: true}, errors.New("no connection"))
	})
	one.await("half of the cities", func() bool { return one.owned() == db.Shards/2 && two.owned() == db.Shards/2 })
	one.publish(one.ownCity(true), "large", to)
	one.awaitSent("large", to)
	if all, twice := got.check(); all != to || twice > 0 {
		t.Errorf("%d got it, %d of them several times, want %d once", all, twice, to)
	}
	if n := two.sent.Load(); n == 0 || n > 100 {
		t.Errorf("the other process has tried %d deliveries", n)
	}
}

// childOf is the environment variable that makes a test the process that is killed: where
// the database is, and where deliveries go.
const childOf = "TICKETFREI_TEST_KILLED"

// TestKilledWhileSpreading kills a process that sends a part of a report, be it the one
// that works for the city or the one that helps. Everybody gets it, and few twice.
func TestKilledWhileSpreading(t *testing.T) {
	slow.Test(t, "a lease ends")
	if where := os.Getenv(childOf); where != "" {
		beKilled(t, where)
		return
	}
	t.Parallel()
	for _, owner := range []bool{true, false} {
		t.Run(fmt.Sprintf("owner=%t", owner), func(t *testing.T) {
			t.Parallel()
			killOne(t, owner)
		})
	}
}

// killOne kills the owner of a city, or the process that helps it.
func killOne(t *testing.T, owner bool) {
	const to = 3000
	var got inbox
	var byChild atomic.Int32
	sink := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		n, err := strconv.ParseInt(r.URL.Query().Get("to"), 10, 64)
		if err != nil {
			t.Error(err)
		}
		byChild.Add(1)
		got.add(n)
	}))
	defer sink.Close()
	at := mustHaveServer(t)
	p := mustStart(t, at, "stays", func(_ context.Context, d report.Delivery) (report.Receipt, error) {
		time.Sleep(20 * time.Millisecond)
		got.add(d.Recipient)
		return report.Receipt{}, nil
	})
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilledWhileSpreading$", "-test.timeout=5m")
	child.Env = append(os.Environ(), childOf+"="+at+" "+sink.URL)
	tell, err := child.StdinPipe()
	if err == nil {
		err = child.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer child.Process.Kill()
	p.await("half of the cities", func() bool { return p.owned() == db.Shards/2 })
	p.await("the other half to be owned", func() bool {
		free := -1
		err := p.db.ReadRow(t.Context(), "SELECT count(*) FROM shards WHERE owner = ''").Scan(&free)
		return err == nil && free == 0
	})
	b := p.ownCity(!owner)
	if owner {
		_, err = fmt.Fprintln(tell, b.ID)
		if err != nil {
			t.Fatal(err)
		}
	} else {
		p.publish(b, "large", to)
	}
	p.await("both to have sent some", func() bool { return byChild.Load() > 200 && p.sent.Load() > 200 })
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // it was killed
	if n := got.len(); n >= to {
		t.Fatalf("all of %d was sent before the process was killed", n)
	}
	p.await("everybody to get it", func() bool { return got.len() == to })
	if all, twice := got.check(); all != to || twice > 32 {
		t.Errorf("%d of %d got it, %d of them twice, want at most 32", all, to, twice)
	} else {
		t.Logf("%d twice", twice)
	}
}

// beKilled sends until it is killed: what it is told to publish, and what others have.
func beKilled(t *testing.T, where string) {
	at, sink, _ := strings.Cut(where, " ")
	p := mustStart(t, at, "killed", func(ctx context.Context, d report.Delivery) (report.Receipt, error) {
		time.Sleep(20 * time.Millisecond)
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, sink+"?to="+url.QueryEscape(fmt.Sprint(d.Recipient)), nil)
		if err != nil {
			return report.Receipt{}, err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return report.Receipt{}, err
		}
		return report.Receipt{}, errors.Join(func() error { _, err := io.Copy(io.Discard, resp.Body); return err }(), resp.Body.Close())
	})
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		id, err := strconv.ParseInt(lines.Text(), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		b, err := p.db.Bot(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		p.await("the city to be ours", func() bool { return p.db.Owns(b.CityID) })
		p.publish(b, "large", 3000)
	}
	select {}
}
