package supervisor

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestOneStateIsOneLine has bots of an instance fail for some minutes.
func TestOneStateIsOneLine(t *testing.T) {
	var g gathered
	at := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	var lines []string
	for i := range 10 { // every quarter of a minute
		for bot := range int64(3) {
			down := state{"mastodon", "log.restart", "chaos.example is down."}
			if attrs, logged := g.add(down, bot, at.Add(time.Duration(i)*15*time.Second)); logged {
				lines = append(lines, fmt.Sprint(i, attrs))
			}
		}
	}
	want := []string{"0 []", fmt.Sprint(4, []slog.Attr{slog.Int("times", 12), slog.Int("bots", 3)}),
		fmt.Sprint(8, []slog.Attr{slog.Int("times", 12), slog.Int("bots", 3)})}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Error(diff)
	}
	for _, other := range []state{{"mastodon", "log.restart", "another.example is down."}, {"telegram", "log.restart", "chaos.example is down."}} {
		if _, logged := g.add(other, 1, at); !logged {
			t.Errorf("%v is taken for the same", other)
		}
	}
}
