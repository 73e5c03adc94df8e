package app

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"ticketfrei/db"
	"ticketfrei/internal/slow"
)

// TestKilledWhileTelegramBringsReports kills the program while Telegram brings fifty
// reports to its webhook, and starts it again.
func TestKilledWhileTelegramBringsReports(t *testing.T) {
	slow.Test(t, "builds the program")
	t.Parallel()
	const reports = 50
	s := startScene(t, t.TempDir(), "TICKETFREI_TELEGRAM_MODE=webhook")
	until := func(what string, ok func() bool) {
		t.Helper()
		ctx, done := context.WithTimeout(t.Context(), patience)
		defer done()
		if err := s.api.Wait(ctx, ok); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	until("set the webhook", s.bot.HasWebhook)
	for i := range reports {
		s.api.AddUser("Rider", "de").Write(s.bot, fmt.Sprintf("Report %d.", i))
	}
	until("bring half of them", func() bool { return s.bot.Pending() <= reports/2 })
	s.program.kill()
	if left := s.bot.Pending(); left == 0 {
		t.Error("the kill came too late to mean anything")
	}
	s.program = startProgram(t, s.binary, s.env...)
	until("bring the others", func() bool { return s.bot.Pending() == 0 })
	s.drained()

	s.mailed(reports)
	if n := s.bot.Calls("getUpdates"); n != 0 {
		t.Errorf("the bot asked %d times for updates", n)
	}
	if log := s.program.log.String(); strings.Contains(log, "Report ") {
		t.Errorf("the log holds reports:\n%s", log)
	}
	s.program.stop()
	d, err := db.Open(t.Context(), s.dir, time.Now, testLog(t, &logbook{}))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var n int
	if err := d.Read(t.Context()).Raw("SELECT count(*) FROM reports").Scan(&n).Error; err != nil || n != reports {
		t.Errorf("%d reports are stored, want %d: %v", n, reports, err)
	}
}

func TestWebhookSettingIsChecked(t *testing.T) {
	tests := map[string]struct {
		mode, url, want string
		code            int
	}{
		"without https": {"webhook", "http://tickets.example.org", "warning: TICKETFREI_TELEGRAM_MODE: telegram.mode: is webhook, but Telegram calls https addresses only", 0},
		"a wrong port":  {"webhook", "https://tickets.example.org:4443", "telegram.mode: is webhook, but Telegram calls the ports 443, 80, 88 and 8443 only, and web.url has 4443", 0},
		"a mistake":     {"web", "https://tickets.example.org", `TICKETFREI_TELEGRAM_MODE: telegram.mode: "web" is not known; write one of poll, webhook`, exitError},
	}
	for what, tt := range tests {
		t.Run(what, func(t *testing.T) {
			t.Setenv("TICKETFREI_TELEGRAM_MODE", tt.mode)
			t.Setenv("TICKETFREI_WEB_URL", tt.url)
			t.Setenv("TICKETFREI_MAIL_DOMAIN", "tickets.example.org")
			t.Setenv("TICKETFREI_WEB_TRUSTED_PROXIES", "127.0.0.1")
			var stdout, stderr bytes.Buffer
			code := runCommand(t.Context(), t, &stdout, &stderr, "check-config")
			if code != tt.code || !strings.Contains(stderr.String(), tt.want) {
				t.Errorf("exit code %d, want %d: %s", code, tt.code, stderr.String())
			}
			const shown = "bots poll instead\nmode = \"webhook\"\n"
			if code == 0 && !strings.Contains(stdout.String(), shown) {
				t.Errorf("the mode is shown as if it were in force:\n%s", stdout.String())
			}
		})
	}
}
