package app

import (
	"context"
	"fmt"
	"testing"

	"ticketfrei/internal/slow"
)

// TestKilledWhileInstancesCall kills the program while an instance calls it for fifty
// mentions, has it called in vain, and starts it again.
func TestKilledWhileInstancesCall(t *testing.T) {
	slow.Test(t, "builds the program")
	t.Parallel()
	const reports = 50
	s := startScene(t, t.TempDir(), "TICKETFREI_MASTODON_MODE=push")
	until := func(what string, ok func() bool) {
		t.Helper()
		ctx, done := context.WithTimeout(t.Context(), patience)
		defer done()
		if err := s.account.Wait(ctx, ok); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	write := func(from, to int) {
		for i := from; i < to; i++ {
			s.account.Mention(fmt.Sprintf("rider%d@elsewhere.example", i), fmt.Sprintf("Report %d.", i), "public")
		}
	}
	until("subscribe", func() bool { return s.account.Endpoint() != "" })
	write(0, reports/2)
	until("take some calls", func() bool { return s.account.Calls().Taken > reports/4 })
	s.program.kill()
	write(reports/2, reports-1)
	until("have been called in vain", func() bool { return s.account.Calls().Failed > 0 })
	s.program = startProgram(t, s.binary, s.env...)
	until("boost all", func() bool { return len(s.account.Boosts()) >= reports-1 })
	write(reports-1, reports)
	until("be called again", func() bool { return len(s.account.Boosts()) >= reports })
	s.drained()
	if n := len(s.account.Boosts()); n != reports {
		t.Errorf("%d boosts of %d reports", n, reports)
	}
	s.mailed(reports)
	if n := s.account.Streams(); n > 0 {
		t.Errorf("%d streams are open", n)
	}
}
