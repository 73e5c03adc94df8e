package app

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"ticketfrei/db/dbtest"
	"ticketfrei/internal/slow"
)

// TestAlertsFire has Prometheus try the alerts out: each is quiet while all is well, and fires.
func TestAlertsFire(t *testing.T) {
	slow.Test(t, "has promtool read all alerts")
	rules, tests := mustRead(t, "../docs/alerts.yml"), mustRead(t, "../docs/alerts_test.yml")
	for _, alert := range regexp.MustCompile(`- alert: (\w+)`).FindAllStringSubmatch(rules, -1) {
		expr := `ALERTS{alertname="` + alert[1] + `", alertstate="firing"`
		if strings.Count(tests, "expr: "+expr) < 2 || !strings.Contains(tests, "labels: '"+expr) {
			t.Errorf("there is no test of %s in docs/alerts_test.yml", alert[1])
		}
	}
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("promtool is missing")
		}
		t.Skip("needs promtool: install the package prometheus")
	}
	if out, err := exec.Command(promtool, "test", "rules", "../docs/alerts_test.yml").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func mustRead(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// TestMetricsAreThereFromTheStart has alerts and dashboard ask for nothing that a server that has
// just been started does not say: a counter that begins with its first failure never rises.
func TestMetricsAreThereFromTheStart(t *testing.T) {
	a := startApp(t, t.TempDir(), startMailbox(t))
	waitUntil(t, "what one process of all says", func() bool { return strings.Contains(a.figures(), "ticketfrei_queue_oldest_seconds") })
	figures := a.figures()
	for _, file := range []string{"alerts.yml", "grafana.json"} {
		for _, name := range regexp.MustCompile(`ticketfrei_\w+`).FindAllString(mustRead(t, "../docs/"+file), -1) {
			if !strings.Contains(figures, "\n"+name+"{") && !strings.Contains(figures, "\n"+name+" ") && !ofSeveral(name) && !(dbtest.OnServer() && ofFile(name)) && name != "ticketfrei_certificate_end_timestamp_seconds" {
				t.Errorf("%s asks for %s, which is not there", file, name)
			}
		}
	}
	for _, line := range []string{
		`ticketfrei_deliveries_total{network="mail",result="failed"} 0`, `ticketfrei_deliveries_total{network="telegram",result="retry"} 0`,
		`ticketfrei_reports_total{network="web",reason="flood"} 0`, `ticketfrei_restarts_total{network="mastodon"} 0`,
		`ticketfrei_account_mails_total{result="given_up"} 0`, `ticketfrei_smtp_answers_total{code="550"} 0`, `ticketfrei_smtp_answers_total{code="none"} 0`,
		`ticketfrei_logins_failed_total 0`, `ticketfrei_suspended_recipients{network="mail"} 0`, `ticketfrei_relay_up 1`,
		`ticketfrei_queue_oldest_seconds{kind="reports"} 0`, `ticketfrei_latency_seconds_count{network="mail"} 0`, `ticketfrei_build_info{`,
	} {
		if !strings.Contains(figures, "\n"+line) {
			t.Errorf("not there: %s", line)
		}
	}
}

// ofFile tells whether a metric is of a database in a file.
func ofFile(name string) bool {
	return strings.HasPrefix(name, "ticketfrei_disk_") || strings.HasPrefix(name, "ticketfrei_last_backup_")
}

// ofSeveral tells whether a metric is of several processes on one database.
func ofSeveral(name string) bool {
	for _, some := range []string{"shards_owned", "processes", "lease_age_seconds", "clock_offset_seconds", "database_away", "notices_polled"} {
		if name == "ticketfrei_"+some {
			return true
		}
	}
	return false
}
