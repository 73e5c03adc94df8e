package relay_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/db/dbtest"
	"ticketfrei/internal/report"
	"ticketfrei/relay"
)

// utterance is a report of the brake's test, written after the first.
type utterance struct {
	author, text string
	after        time.Duration
}

// TestBrake has authors report, each case in a city of its own, and looks at what
// stands of it.
func TestBrake(t *testing.T) {
	t.Parallel()
	const passed, repeated, flood = report.ReasonTrigger, report.ReasonRepeated, report.ReasonFlood
	first := utterance{"a", "U1 Plärrer", 0}
	many := []utterance{{"a", "U1", 0}, {"a", "U2", 0}, {"a", "U3", 0}, {"a", "U4", 0}, {"a", "U5", 0}}
	tests := []struct {
		name  string
		muted string
		said  []utterance
		want  []report.Reason
	}{
		{"the same text again", "", []utterance{first, {"a", "u1  plärrer", time.Minute}}, []report.Reason{passed, repeated}},
		{"the same text after the window", "", []utterance{first, {"a", "U1 Plärrer", 10 * time.Minute}}, []report.Reason{passed, passed}},
		{"the same text by another", "", []utterance{first, {"b", "U1 Plärrer", 0}}, []report.Reason{passed, passed}},
		{"an older one that comes late", "", []utterance{{"a", "U1 Plärrer", 5 * time.Minute}, first}, []report.Reason{passed, repeated}},
		{"no author is nobody in particular", "", []utterance{{"", "U1", 0}, {"", "U1", 0}}, []report.Reason{passed, passed}},
		{"five, and a sixth", "", append(many, utterance{"a", "U6", 0}), []report.Reason{passed, passed, passed, passed, passed, flood}},
		{"a sixth after the window", "", append(many, utterance{"a", "U6", 10 * time.Minute}), []report.Reason{passed, passed, passed, passed, passed, passed}},
		{"a flood is nobody else's", "", append(many, utterance{"b", "U6", 0}), []report.Reason{passed, passed, passed, passed, passed, passed}},
		{"somebody muted", "a", []utterance{first, {"b", "U1 Plärrer", 0}}, []report.Reason{report.ReasonMuted, passed}},
	}
	rl, _ := newRelay(t, nil)
	start(t, rl)
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := dbtest.MustCreateCity(t, rl.DB, fmt.Sprint("city", i))
			if tt.muted != "" {
				if err := rl.DB.Mute(t.Context(), c.ID, tt.muted); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(tt.want, say(ctx, t, rl, c, tt.said)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// say stores what was said and returns the reason of each verdict.
func say(ctx context.Context, t *testing.T, rl *relay.Relay, c report.City, said []utterance) []report.Reason {
	t.Helper()
	begin := rl.Now().Add(-30 * time.Minute)
	for i, u := range said {
		id := fmt.Sprint(c.Slug, " ", i)
		at := begin.Add(u.after)
		r := report.Report{ID: id, CityID: c.ID, Network: "toy", NetworkID: id, Author: u.author, Text: u.text, Time: at, Received: at}
		if err := rl.DB.Hear(ctx, r); err != nil {
			t.Fatal(err)
		}
	}
	reasons := make([]report.Reason, len(said))
	for i := range said {
		reasons[i] = mustWaitForVerdict(ctx, t, rl, c, fmt.Sprint(c.Slug, " ", i)).Reason
	}
	return reasons
}

// mustWaitForVerdict returns the verdict of a report when it is stored.
func mustWaitForVerdict(ctx context.Context, t *testing.T, rl *relay.Relay, c report.City, id string) report.Verdict {
	t.Helper()
	for {
		j, err := rl.DB.Report(ctx, c.ID, id)
		if err == nil {
			return j.Verdict
		}
		select {
		case <-ctx.Done():
			t.Fatalf("report %s was never judged: %v", id, err)
		case <-time.After(time.Millisecond):
		}
	}
}
