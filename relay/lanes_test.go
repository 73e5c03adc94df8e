package relay_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/report"
	"ticketfrei/relay"
)

// author says one thing after the other, each so long after the one before that
// nothing holds it.
type author struct {
	name string
	said int
}

// mustSay stores the next n reports of an author.
func (a *author) mustSay(t *testing.T, rl *relay.Relay, c report.City, n int) {
	for range n {
		at := rl.Now().Add(time.Duration(a.said-10_000) * 10 * time.Minute)
		r := report.Report{ID: fmt.Sprint(c.Slug, " ", a.name, " ", a.said), CityID: c.ID, Network: "toy", Author: a.name,
			Text: fmt.Sprint("U", a.said), Time: at, Received: rl.Now()}
		if err := rl.DB.Hear(t.Context(), r); err != nil {
			t.Error(err)
		}
		a.said++
	}
}

// sayTogether has all authors say n things at the same time.
func sayTogether(t *testing.T, rl *relay.Relay, c report.City, authors []author, n int) {
	var saying sync.WaitGroup
	for i := range authors {
		saying.Go(func() { authors[i].mustSay(t, rl, c, n) })
	}
	saying.Wait()
}

func newAuthors(n int) []author {
	list := make([]author, n)
	for i := range list {
		list[i].name = fmt.Sprint("a", i)
	}
	return list
}

// mustBeInOrder checks that the reports of a city came as they were stored, and those
// of each author as they were said.
func mustBeInOrder(t *testing.T, list []db.Fanout) {
	t.Helper()
	said := make(map[string]int)
	last := int64(0)
	for _, f := range list {
		if f.Seq <= last {
			t.Fatalf("report %d came after report %d", f.Seq, last)
		}
		last = f.Seq
		if want := fmt.Sprint("U", said[f.Report.Author]); f.Report.Text != want {
			t.Fatalf("%s comes from %s before %s", f.Report.Text, f.Report.Author, want)
		}
		said[f.Report.Author]++
	}
}

// gate is a network whose recipients nobody learns until it is open.
func gate(open <-chan struct{}) bots.Network {
	return listing{list: func(report.Report) ([]int64, error) {
		<-open
		return []int64{1}, nil
	}}
}

// TestLaneKeepsTheOrder has more reports come while one is judged than a lane keeps,
// and then more while it catches up, and then some when it has.
func TestLaneKeepsTheOrder(t *testing.T) {
	t.Parallel()
	const before, meanwhile, after = relay.LaneSize/16 + 40, 30, 10
	open := make(chan struct{})
	rl, out := newRelay(t, map[string]bots.Network{"gate": gate(open)})
	rl.Expire = 10_000 * time.Hour
	c := dbtest.MustCreateCity(t, rl.DB, "fuerth", "gate")
	authors := newAuthors(16)
	start(t, rl)
	sayTogether(t, rl, c, authors, before)
	close(open)
	sayTogether(t, rl, c, authors, meanwhile)
	mustBeInOrder(t, out.mustWait(t, 16*(before+meanwhile)))
	sayTogether(t, rl, c, authors, after)
	mustBeInOrder(t, out.mustWait(t, 16*(before+meanwhile+after)))
}

// TestLaneGoesOnAfterRestart stops while reports wait, and starts once more: each is
// sent once, in order, also those that came in between.
func TestLaneGoesOnAfterRestart(t *testing.T) {
	t.Parallel()
	const authors, before, between = 4, 100, 10
	const some = 70 // less than wait
	let := make(chan struct{})
	networks := map[string]bots.Network{"gate": gate(let)}
	rl, out := newRelay(t, networks)
	rl.Expire = 10_000 * time.Hour
	c := dbtest.MustCreateCity(t, rl.DB, "fuerth", "gate")
	list := newAuthors(authors)
	sayTogether(t, rl, c, list, before)
	end, wait := begin(t, rl)
	for range some {
		let <- struct{}{}
	}
	end()
	close(let) // what was begun is finished
	wait()
	first := out.mustWait(t, len(out.list))
	if n := len(first); n < some || n == authors*before {
		t.Errorf("it stopped after %d reports of %d, of which it had judged %d", n, authors*before, some)
	}
	again, rest := newRelayOn(rl.DB, rl.Now(), networks)
	again.Expire = rl.Expire
	sayTogether(t, again, c, list, between)
	start(t, again)
	mustBeInOrder(t, append(first, rest.mustWait(t, authors*(before+between)-len(first))...))
}

// TestReportThatCannotBeJudged has one report trouble its network: the others of its
// city are sent, and it as well when the trouble is over. Where it never is, the
// report is held.
func TestReportThatCannotBeJudged(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		fails int // how often
		fail  func() ([]int64, error)
		want  report.Reason
		tries int
	}{
		{"recipients cannot be listed", 3, func() ([]int64, error) { return nil, errors.New("no") }, report.ReasonTrigger, 4},
		{"panic", 3, func() ([]int64, error) { panic("no") }, report.ReasonTrigger, 4},
		{"recipients can never be listed", 1000, func() ([]int64, error) { return nil, errors.New("no") }, report.ReasonTrouble, relay.MaxTries},
		{"panic each time", 1000, func() ([]int64, error) { panic("no") }, report.ReasonTrouble, relay.MaxTries},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tries := 0
			network := listing{list: func(r report.Report) ([]int64, error) {
				if r.ID != "bad" {
					return []int64{1}, nil
				}
				if tries++; tries <= tt.fails {
					return tt.fail()
				}
				return []int64{1}, nil
			}}
			rl, out := newRelay(t, map[string]bots.Network{"crowd": network})
			c := dbtest.MustCreateCity(t, rl.DB, "fuerth", "crowd")
			for _, id := range []string{"before", "bad", "after"} {
				mustHear(t, rl, c, id)
			}
			stop := start(t, rl)
			ctx, end := context.WithTimeout(t.Context(), time.Minute)
			defer end()
			if v := mustWaitForVerdict(ctx, t, rl, c, "bad"); v.Reason != tt.want || v.Passed != (tt.want == report.ReasonTrigger) {
				t.Errorf("the verdict is %+v, want %s", v, tt.want)
			}
			want := []string{"before", "after"}
			if tt.want == report.ReasonTrigger {
				want = append(want, "bad")
			}
			var got []string
			for _, f := range out.mustWait(t, len(want)) {
				got = append(got, f.Report.ID)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("sent: %s", diff)
			}
			mustHear(t, rl, c, "next")
			out.mustWait(t, len(want)+1)
			stop()
			if tries != tt.tries {
				t.Errorf("it was tried %d times, want %d", tries, tt.tries)
			}
			if n := mustCountBacklog(t, rl.DB); n != 0 {
				t.Errorf("%d reports still wait", n)
			}
		})
	}
}

// TestCityIsDeletedWhileItsReportsWait judges what is gone with its city, and goes on
// with that of another on the same lane.
func TestCityIsDeletedWhileItsReportsWait(t *testing.T) {
	t.Parallel()
	open := make(chan struct{})
	rl, out := newRelay(t, map[string]bots.Network{"gate": gate(open)})
	gone := dbtest.MustCreateCity(t, rl.DB, "gone", "gate")
	var stays report.City
	for i := 0; stays.ID%16 != gone.ID%16; i++ {
		stays = dbtest.MustCreateCity(t, rl.DB, fmt.Sprint("stays", i), "gate")
	}
	start(t, rl)
	for i := range 3 {
		mustHear(t, rl, gone, fmt.Sprint("gone", i))
		mustHear(t, rl, stays, fmt.Sprint("stays", i))
	}
	if err := rl.DB.DeleteCity(t.Context(), gone.ID); err != nil {
		t.Fatal(err)
	}
	rl.Notices.Changed(gone.ID)
	close(open)
	for i, f := range out.mustWait(t, 3) {
		if want := fmt.Sprint("stays", i); f.Report.ID != want {
			t.Errorf("%s was sent, want %s", f.Report.ID, want)
		}
	}
}
