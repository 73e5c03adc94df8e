package supervisor_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"

	"ticketfrei/bots"
	"ticketfrei/internal/report"
)

// TestOperatorReadsWords has a bot fail with nothing but a text for moderators: the
// operator's log says it in English, not by its id.
func TestOperatorReadsWords(t *testing.T) {
	r := newRig(t)
	var log bytes.Buffer
	r.log = slog.NewTextHandler(&log, nil)
	r.city("city")
	var runs atomic.Int32
	r.start(&toy{receive: func(ctx context.Context, _ report.Bot, _ func(context.Context, bots.Incoming) error) error {
		if runs.Add(1) == 1 {
			return bots.Say(nil, "toy.invalid", "Token", "main")
		}
		<-ctx.Done()
		return ctx.Err()
	}})
	r.waitFor("second run", func() bool { return runs.Load() == 2 })
	r.stop()
	if got := log.String(); !strings.Contains(got, "Stopped: The main token is invalid") || strings.Contains(got, "toy.invalid") {
		t.Errorf("the log says\n%s", got)
	}
}

// TestManyBotsFailAlike has the bots of three cities fail for the same reason: the operator's
// log says so once, with a city's slug, and each bot's own log too.
func TestManyBotsFailAlike(t *testing.T) {
	r := newRig(t)
	var log bytes.Buffer
	r.log = slog.NewTextHandler(&log, nil)
	list := []report.Bot{r.city("nuernberg"), r.city("fuerth"), r.city("erlangen")}
	r.start(&toy{receive: func(context.Context, report.Bot, func(context.Context, bots.Incoming) error) error {
		return bots.Say(nil, "toy.invalid", "Token", "main")
	}})
	for _, b := range list {
		r.waitForState(b, report.BotTrouble)
		r.waitFor("a line in its own log", func() bool {
			lines, err := r.db.Log(t.Context(), b.ID, 10)
			return err == nil && len(lines) > 0
		})
	}
	r.stop()
	if n := strings.Count(log.String(), "Stopped: The main token is invalid"); n != 1 {
		t.Errorf("%d times in the log, want 1:\n%s", n, &log)
	}
	if !strings.Contains(log.String(), "city=nuernberg") && !strings.Contains(log.String(), "city=fuerth") && !strings.Contains(log.String(), "city=erlangen") {
		t.Errorf("the log names no city:\n%s", &log)
	}
}
