package db_test

import (
	"fmt"
	"testing"

	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/dbserver"
	"ticketfrei/internal/slow"
)

// TestWaysToAServer counts how often something is sent to the server, and waited for, for
// what is done of every report.
func TestWaysToAServer(t *testing.T) {
	slow.Test(t, "starts PostgreSQL")
	t.Parallel()
	proxy := dbserver.NewProxy(t, dbserver.Start(t).Address())
	d := dbtest.MustOpenAt(t, proxy.URL(), clock, nil)
	c := dbtest.MustCreateCity(t, d, "city", "toy")
	fewest := map[string]int64{} // statements are prepared at first, and ids taken now and then
	count := func(what string, f func()) {
		before := proxy.Answered()
		f()
		n := proxy.Answered() - before
		if least, ok := fewest[what]; !ok || n < least {
			fewest[what] = n
		}
	}
	var heard db.Heard
	d.FollowHeard(func(h db.Heard) { heard = h })
	for i := range 40 {
		count("hearing a report", func() {
			if err := d.Hear(t.Context(), newReport(c, fmt.Sprint(i), "author", fmt.Sprint("text ", i), noon)); err != nil {
				t.Error(err)
			}
		})
		var saved db.Saved
		count("its verdict", func() {
			saved = dbtest.MustJudge(t, d, heard, passed, dbtest.NoBrake{}, db.Audience{BotID: 1, Recipients: []int64{0}}, db.Audience{BotID: 2, Recipients: recipients(64)})
		})
		var list []db.Outcome
		for k := range saved.Fanouts {
			list = append(list, db.Outcome{Fanout: &saved.Fanouts[k], Counts: db.Counts{Sent: 1}, Receipts: sentTo(1)})
		}
		count("what became of it", func() { dbtest.MustSaveOutcomes(t, d, list...) })
	}
	for what, most := range map[string]int64{"hearing a report": 2 /* one is for the disk */, "its verdict": 2, "what became of it": 1} {
		if fewest[what] > most {
			t.Errorf("%s: %d ways, not %d", what, fewest[what], most)
		}
	}
}

// TestLostAnswersOfHearing has the connection be lost while reports are heard: who judges
// them is told of each once, and of its place.
func TestLostAnswersOfHearing(t *testing.T) {
	slow.Test(t, "starts PostgreSQL")
	t.Parallel()
	proxy := dbserver.NewProxy(t, dbserver.Start(t).Address())
	d := dbtest.MustOpenAt(t, proxy.URL(), clock, nil)
	c := dbtest.MustCreateCity(t, d, "city", "toy")
	places := map[int64]string{}
	d.FollowHeard(func(h db.Heard) { places[h.Seq] = h.Report.ID })
	const reports = 10
	for i := range reports {
		lost := proxy.LoseAnswer()
		if err := d.Hear(t.Context(), newReport(c, fmt.Sprint(i), "", "text", noon)); err != nil {
			t.Errorf("report %d: %v", i, err)
		}
		<-lost
	}
	list := mustListUnjudged(t, d)
	for _, h := range list {
		if places[h.Seq] != h.Report.ID {
			t.Errorf("report %s is at %d, where %q was told to be", h.Report.ID, h.Seq, places[h.Seq])
		}
	}
	if len(list) != reports || len(places) != reports {
		t.Errorf("%d reports are stored and %d were told of, not %d", len(list), len(places), reports)
	}
}
