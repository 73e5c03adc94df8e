package relay_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"ticketfrei/bots"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"
	"ticketfrei/relay"
)

// TestHearIsBounded hears what no queue would take, and times that no calendar
// has: each is one report, and the next one is judged as ever.
func TestHearIsBounded(t *testing.T) {
	rl := newRelay(t, nil)
	c := dbtest.MustCreateCity(t, rl.DB, "fuerth", "crowd")
	b, err := rl.DB.FindBot(t.Context(), c.ID, "crowd")
	if err != nil {
		t.Fatal(err)
	}
	box, err := secret.New(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	hearing := &relay.Hearing{Queue: rl.Queue, Secrets: box, Now: rl.Now}
	for _, in := range []bots.Incoming{
		{ID: "huge", Author: "a", Text: strings.Repeat("U1 Plärrer ", 300_000)},
		{ID: "late", Author: "b", Text: "U2", Time: time.Unix(1<<63-1, 0)},
		{ID: "early", Author: "c", Text: "U3", Time: time.Unix(-1<<62, 0)},
		{ID: "fine", Author: "d", Text: "U4", Time: rl.Now()},
	} {
		if err := hearing.Hear(t.Context(), b, in); err != nil {
			t.Errorf("%s: %v", in.ID, err)
		}
	}
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	judging := make(chan error, 1)
	go func() { judging <- rl.Run(ctx) }()
	reasons := map[report.Reason]int{}
	for ctx.Err() == nil && reasons[report.ReasonTrigger] < 3 {
		clear(reasons)
		for _, passed := range []bool{true, false} {
			list, err := rl.DB.Reports(t.Context(), c.ID, passed, time.Hour, 10)
			if err != nil {
				t.Fatal(err)
			}
			for _, j := range list {
				reasons[j.Verdict.Reason]++
			}
		}
		time.Sleep(2 * time.Millisecond)
	}
	stop()
	if err := <-judging; err != nil {
		t.Fatal(err)
	}
	if reasons[report.ReasonTooLong] != 1 || reasons[report.ReasonTrigger] != 3 {
		t.Errorf("judged %v, want one too long and three that passed", reasons)
	}
}
