package main

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestSmoke runs the quickest experiments as the command line does. It looks at
// no figures, only at whether the reports arrived.
func TestSmoke(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs the program")
	}
	dir := t.TempDir()
	// Postfix runs as another user and must reach its queue.
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "figures.json")
	binary := filepath.Join(dir, "ticketfrei")
	product, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{product: product}
	if err := b.build(t.Context(), binary); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		experiment string
		args       []string
	}{{"latency", []string{"latency"}}, {"pages", []string{"pages"}}, {"mail-in", []string{"mail-in"}}, {"powercut", []string{"powercut"}},
		{"cluster-latency", []string{"cluster", "latency"}}, {"cluster-kills", []string{"cluster", "kills"}},
		{"latency-disturbed", []string{"latency", "--old", "20000", "--disturb"}}} {
		t.Run(tt.experiment, func(t *testing.T) {
			switch tt.experiment {
			case "mail-in":
				needPostfix(t)
			case "powercut":
				mustOpenDisk(t) // skips where there can be none
			case "cluster-latency", "cluster-kills":
				if _, err := findPostgres(); errors.Is(err, errSkipped) {
					t.Skip(err)
				}
			}
			var out strings.Builder
			code := run(t.Context(), append(tt.args, "--quick", "--binary", binary, "--dir", dir, "--json", file, "--charts", dir), &out, t.Output())
			if code != 0 {
				t.Fatalf("exit code %d\n%s", code, out.String())
			}
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var got Report
			if err := json.Unmarshal(raw, &got); err != nil {
				t.Fatal(err)
			}
			if len(got.Results) != 1 || got.Results[0].Experiment != tt.experiment || len(got.Results[0].Figures) < 4 {
				t.Errorf("figures: %s", raw)
			}
			if info, err := os.Stat(filepath.Join(dir, tt.experiment+".svg")); err != nil || info.Size() == 0 {
				t.Errorf("no chart: %v", err)
			}
		})
	}
	left, err := filepath.Glob(filepath.Join(dir, "ticketfrei-bench-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// needPostfix skips a test where Postfix is not installed, but in CI.
func needPostfix(t *testing.T) {
	t.Helper()
	_, err := exec.LookPath("smtp-source")
	switch {
	case err == nil:
	case os.Getenv("CI") != "":
		t.Fatalf("Postfix is not installed: %v", err)
	default:
		t.Skip("needs Postfix: apt install postfix")
	}
}

func TestUsage(t *testing.T) {
	for _, tt := range []struct {
		args []string
		code int
	}{{[]string{"--help"}, 0}, {[]string{"no-such-experiment"}, 2}, {[]string{"latency", "--rate", "fast"}, 2},
		{[]string{"latency", "--quick", "--docs"}, 2}, {[]string{"latency", "--disturb"}, 2}} {
		var out strings.Builder
		if code := run(t.Context(), tt.args, &out, &out); code != tt.code || out.Len() == 0 {
			t.Errorf("%v: exit code %d, want %d\n%s", tt.args, code, tt.code, out.String())
		}
	}
}

func TestQuantile(t *testing.T) {
	values := []time.Duration{5, 1, 4, 2, 3}
	for q, want := range map[float64]float64{0: 1, 0.2: 1, 0.5: 3, 0.99: 5, 1: 5} {
		if got := quantile(values, q); got != want {
			t.Errorf("quantile %v = %v, want %v", q, got, want)
		}
	}
}

func TestToken(t *testing.T) {
	for text, want := range map[string]int{
		reportText(7): 7, "<p>" + reportText(123456789) + "</p>": 123456789,
		"bench": -1, "": -1, "benchmark bench000000042": 42,
	} {
		if got := findToken(text); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

// TestAllHasEveryExperimentWithItsDefaults looks at what "all" would run.
func TestAllHasEveryExperimentWithItsDefaults(t *testing.T) {
	var c commands
	c.All.Skip = []string{"soak"}
	list, err := experimentsOf(&c, &c.All)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != len(c.every())-1 {
		t.Errorf("%d experiments of %d, and one is to be left out", len(list), len(c.every()))
	}
	if c.Latency.Cities != 1000 || c.Scale.Idle != time.Minute || len(c.Scale.Cities) != 3 {
		t.Errorf("%+v, %+v", c.Latency, c.Scale)
	}
}

// TestSinkNotesWhatCame sends mails as the program does and as a rider.
func TestSinkNotesWhatCame(t *testing.T) {
	s, err := startSink()
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	riders := newRiders(1, s.addr)
	defer riders.close()
	for _, n := range []int{1, 2, 2} {
		if _, err := riders.send(t.Context(), n, 0, "city"); err != nil {
			t.Fatal(err)
		}
	}
	if mails, different := s.count(); mails != 3 || different != 2 {
		t.Errorf("%d mails, %d different", mails, different)
	}
	if list := s.list(); len(list) != 3 || list[0].report != 1 || list[0].to != "city@"+mailDomain {
		t.Errorf("%v", list)
	}
	s.fail(sinkBusy)
	if _, err := riders.send(t.Context(), 3, 0, "city"); err == nil {
		t.Error("a busy sink took a mail")
	}
	s.fail(sinkWorks)
	if _, err := riders.send(t.Context(), 3, 0, "city"); err != nil {
		t.Error(err)
	}
}

// TestLossIsAFailure checks that the benchmark notices what is missing and what
// comes twice.
func TestLossIsAFailure(t *testing.T) {
	s := &sink{seen: map[seenKey]int{}}
	w := &world{relay: s, towns: []town{{slug: "a", subscribers: []string{"a@subscribers.example"}}}, slugs: []string{"a"}}
	list := []sent{{report: 1}, {report: 2}}
	s.arrivals = []arrival{{1, "a@subscribers.example", time.Now()}}
	if _, missing, err := w.match(list, nil); missing == "" || err != nil {
		t.Errorf("missing %q, %v", missing, err)
	}
	s.arrivals = append(s.arrivals, arrival{2, "a@subscribers.example", time.Now()})
	if found, missing, err := w.match(list, nil); missing != "" || err != nil || len(found) != 2 {
		t.Errorf("found %v, missing %q, %v", found, missing, err)
	}
	s.arrivals = append(s.arrivals, arrival{2, "a@subscribers.example", time.Now()})
	if _, _, err := w.match(list, nil); err == nil {
		t.Error("a report that came twice was not noticed")
	}
}

func TestFullDiskIsSkippedWithoutTheRight(t *testing.T) {
	d, err := mountSmallDisk(filepath.Join(t.TempDir(), "small"), 2)
	if err != nil {
		if !errors.Is(err, errSkipped) {
			t.Error(err)
		}
		return
	}
	defer d.unmount()
	if err := d.fill(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(d.dir, "more"), make([]byte, 4096), 0o600); err == nil {
		t.Error("there was room on a full disk")
	}
	if err := d.empty(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(d.dir, "more"), make([]byte, 4096), 0o600); err != nil {
		t.Error(err)
	}
}
