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
