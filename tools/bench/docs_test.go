package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPageIsOfTheResults checks that the page has the table that the results
// make.
func TestPageIsOfTheResults(t *testing.T) {
	d := docsOf("../..")
	kept, err := d.read()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(d.page())
	if err != nil {
		t.Fatal(err)
	}
	want, err := replaceTable(string(raw), kept.table())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(raw)); diff != "" {
		t.Errorf("the table is not that of results.json (-want +got):\n%s", diff)
	}
	for _, e := range new(commands).every() {
		says := "- **" + e.name() + "**: "
		if len(kept[e.name()].Figures) == 0 {
			says = "- **" + e.name() + "** (no full run yet): "
		}
		if !strings.Contains(string(raw), says) {
			t.Errorf("the page does not say what %s does, or not whether it has figures: %q", e.name(), says)
		}
	}
}

// TestPageShowsEveryChart compares the charts in the docs with those that the
// page shows.
func TestPageShowsEveryChart(t *testing.T) {
	d := docsOf("../..")
	raw, err := os.ReadFile(d.page())
	if err != nil {
		t.Fatal(err)
	}
	var shown, there []string
	for _, m := range regexp.MustCompile(`\(charts/([^)]+)\)`).FindAllStringSubmatch(string(raw), -1) {
		shown = append(shown, m[1])
	}
	files, err := os.ReadDir(d.charts())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		there = append(there, f.Name())
	}
	slices.Sort(shown)
	if diff := cmp.Diff(there, shown); diff != "" {
		t.Errorf("charts that are there, and that are shown (-there +shown):\n%s", diff)
	}
}

// TestDocsKeepFullRuns lets one experiment succeed, one fail and one leave
// something out.
func TestDocsKeepFullRuns(t *testing.T) {
	d := docsOf(t.TempDir())
	before := records{"latency": {Commit: "before", Figures: []Figure{{Name: "median", Value: 2, Unit: "ms", Target: &Target{Value: 3}}}}, "crash": {Commit: "before"}}
	if err := os.Mkdir(d.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := writeJSON(d.results(), before); err != nil {
		t.Fatal(err)
	}
	page := "What people wrote.\n" + tableBegins + "old\n" + tableEnds + "\n![one](charts/latency.svg)\n"
	if err := os.WriteFile(d.page(), []byte(page), 0o644); err != nil {
		t.Fatal(err)
	}
	good, lost, without := Result{Experiment: "latency"}, Result{Experiment: "crash", Failed: "lost"}, Result{Experiment: "mail-in"}
	good.add("median", 3.5, "ms").atMost(3).note("in all | any")
	good.Series = []Series{{Name: "one", Points: []Point{{1, 1}, {2, 2}}}}
	if !without.skips(fmt.Errorf("%w: no Postfix", errSkipped)) {
		t.Error("what is missing counts as a failure")
	}
	without.Series = good.Series
	if err := d.keep(&Report{Commit: "after", Results: []*Result{&good, &lost, &without}}); err != nil {
		t.Fatal(err)
	}
	kept, err := d.read()
	if err != nil {
		t.Fatal(err)
	}
	if kept["latency"].Commit != "after" || kept["crash"].Commit != "before" || len(kept) != 2 {
		t.Errorf("%+v", kept)
	}
	raw, err := os.ReadFile(d.page())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"What people wrote.\n", "| **latency** median | **3.50 ms** | ≤ 3 ms | missed; in all \\| any |\n", "![one]"} {
		if !strings.Contains(string(raw), want) {
			t.Errorf("the page lacks %q:\n%s", want, raw)
		}
	}
	if charts, err := filepath.Glob(filepath.Join(d.charts(), "*")); err != nil || len(charts) != 1 {
		t.Errorf("charts: %v, %v", charts, err)
	}
}

func TestPageWithoutATableIsRefused(t *testing.T) {
	if _, err := replaceTable("text\n"+tableEnds+tableBegins, "table\n"); err == nil {
		t.Error("a table was put where there is no place for it")
	}
}

// TestDashboardAndAlertsNameRealMetrics looks for every metric that the
// dashboard and the alerts ask for in the source of the program.
func TestDashboardAndAlertsNameRealMetrics(t *testing.T) {
	source := sourceOf(t, "../..")
	for _, file := range []string{"grafana.json", "alerts.yml"} {
		raw, err := os.ReadFile(filepath.Join("..", "..", "docs", file))
		if err != nil {
			t.Fatal(err)
		}
		names := regexp.MustCompile(`ticketfrei_[a-z_]+`).FindAllString(string(raw), -1)
		if len(names) < 5 {
			t.Errorf("%s asks for %d metrics", file, len(names))
		}
		for _, name := range names {
			if !strings.Contains(source, `"`+strings.TrimSuffix(name, "_bucket")+`"`) {
				t.Errorf("%s asks for %s, which the program does not have", file, name)
			}
		}
	}
}

// sourceOf is the text of the program's source below dir.
func sourceOf(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		raw, err := os.ReadFile(path)
		all.Write(raw)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// TestDashboardIsComplete checks what Grafana needs to import it: panels with
// queries, each with an id and a place of its own.
func TestDashboardIsComplete(t *testing.T) {
	raw, err := os.ReadFile("../../docs/grafana.json")
	if err != nil {
		t.Fatal(err)
	}
	type place struct{ X, Y, W, H int }
	var dashboard struct {
		Title  string
		Panels []struct {
			ID      int
			Title   string
			GridPos place
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(raw, &dashboard); err != nil {
		t.Fatal(err)
	}
	ids := map[int]bool{}
	taken := map[[2]int]string{}
	for _, p := range dashboard.Panels {
		if ids[p.ID] || p.Title == "" || len(p.Targets) == 0 {
			t.Errorf("panel %d %q: %d queries", p.ID, p.Title, len(p.Targets))
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" || x >= 24 {
					t.Fatalf("panel %q lies over %q, or beside the page", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
	}
	if dashboard.Title == "" || len(ids) < 6 {
		t.Errorf("%q has %d panels", dashboard.Title, len(ids))
	}
}

// TestAlertsAreWhole counts what each alert must have. Those that look at hours need not last.
func TestAlertsAreWhole(t *testing.T) {
	raw, err := os.ReadFile("../../docs/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	alerts := strings.Count(string(raw), "- alert: ")
	if alerts < 5 {
		t.Errorf("there are %d alerts", alerts)
	}
	for _, key := range []string{"expr: ", "labels: {severity: ", "summary: ", "description: "} {
		if n := strings.Count(string(raw), key); n != alerts {
			t.Errorf("%d alerts have %q, want all %d", n, key, alerts)
		}
	}
}
