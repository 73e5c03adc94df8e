package app

import (
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"ticketfrei/bots/all"
)

// figures returns what /metrics says.
func (a *app) figures() string {
	a.Helper()
	resp, err := http.Get("http://" + a.metrics + "/metrics")
	if err != nil {
		a.Fatal(err)
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		a.Fatalf("/metrics: status %d, %v", resp.StatusCode, err)
	}
	return string(page)
}

// labels are what the program's own metrics may tell apart: nothing that leads to
// a person or a city.
var labels = []string{"network", "reason", "result", "state", "kind", "process", "code", "version", "go", "for", "le"}

var labelName = regexp.MustCompile(`[{,]([a-z_]+)="`)

// TestMetricsNameNobody has a report of each way in, of a rider with a subscriber,
// and looks for them in the metrics, which are not on the port of the pages.
func TestMetricsNameNobody(t *testing.T) {
	box := startMailbox(t)
	a := startApp(t, t.TempDir(), box)
	a.addCity("nuernberg", "kontis", "")
	a.subscribe(box, "nuernberg", "anna@riders.example")
	a.mustSend("berta@writers.example", here, "m1@writers.example", "", "Kontis am Plärrer")
	a.mustSend("berta@writers.example", here, "m2@writers.example", "", "something else")
	box.waitFor(t, "anna@riders.example", "Kontis am Plärrer")
	a.settled()
	figures := a.figures()
	if !strings.Contains(figures, `ticketfrei_reports_total{network="mail",reason="trigger"} 1`) {
		t.Error("the report is not counted")
	}
	for _, name := range []string{"anna", "berta", "writers", "nuernberg", "Plärrer"} {
		if strings.Contains(figures, name) {
			t.Errorf("the metrics name %s", name)
		}
	}
	for line := range strings.Lines(figures) {
		if !strings.HasPrefix(line, "ticketfrei_") {
			continue
		}
		for _, label := range labelName.FindAllStringSubmatch(line, -1) {
			if !slices.Contains(labels, label[1]) {
				t.Errorf("metrics are told apart by %s: %s", label[1], line)
			}
		}
	}
	a.browser().get("/metrics", http.StatusNotFound)
}

// TestMetricsPortInUse has a server whose port of the metrics is taken, and one
// without metrics: both start and work.
func TestMetricsPortInUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for name, tt := range map[string]struct{ listen, logged string }{
		"in use": {taken.Addr().String(), "set metrics.listen"},
		"off":    {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			definitions := all.Networks()
			cfg := appConfig(t, t.TempDir(), startMailbox(t), definitions)
			cfg.Metrics.Listen = tt.listen
			a := runApp(t, cfg, definitions)
			waitUntil(t, "the server to be ready", func() bool {
				resp, err := http.Get(a.url + "/readyz")
				if err != nil {
					t.Fatal(err)
				}
				return resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
			})
			if a.metrics != "" {
				t.Errorf("metrics at %s", a.metrics)
			}
			log := a.log.String()
			if warned := strings.Contains(log, "level=WARN") && strings.Contains(log, "set metrics.listen"); warned != (tt.logged != "") {
				t.Errorf("log:\n%s", log)
			}
		})
	}
}

// TestMetricsByDefaultOnLoopback makes sure that nobody publishes them by accident.
func TestMetricsByDefaultOnLoopback(t *testing.T) {
	cfg, err := settingsFlags{}.load(&console{defaults: builtIn(t)}, all.Networks())
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse("http://" + cfg.Metrics.Listen)
	if err != nil || u.Hostname() != "127.0.0.1" || u.Port() != "9464" {
		t.Errorf("metrics.listen is %q, %v", cfg.Metrics.Listen, err)
	}
}
