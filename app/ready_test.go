package app

import (
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"ticketfrei/bots/all"
	"ticketfrei/internal/dbserver"
	"ticketfrei/internal/slow"
)

// cluster are programs that share a database.
type cluster struct {
	db  *dbserver.Server
	box *mailbox
}

// join starts one more.
func (c cluster) join(t *testing.T) *app {
	t.Helper()
	definitions := all.Networks()
	return runApp(t, onServer(appConfig(t, t.TempDir(), c.box, definitions), c.db.URL()), definitions)
}

// figure returns the metrics of a name, by their labels.
func (a *app) figure(name string) map[string]string {
	a.Helper()
	found := make(map[string]string)
	for _, m := range regexp.MustCompile(`(?m)^`+name+`(\{[^}]*\})? (\S+)$`).FindAllStringSubmatch(a.figures(), -1) {
		found[m[1]] = m[2]
	}
	return found
}

func (a *app) says(name, value string) bool {
	a.Helper()
	return a.figure(name)[""] == value
}

// saidMost returns what the log says most often of what an operator should know, and how
// often.
func (a *app) saidMost() (said string, times int) {
	n := make(map[string]int)
	for _, m := range regexp.MustCompile(`level=(?:WARN|ERROR) msg=("[^"]*"|\S+)`).FindAllStringSubmatch(a.log.String(), -1) {
		if n[m[1]]++; n[m[1]] > times {
			said, times = m[1], n[m[1]]
		}
	}
	return said, times
}

// TestMetricsOfProcesses has two processes on a database: each says how it stands, and what
// is counted in the database is counted by one.
func TestMetricsOfProcesses(t *testing.T) {
	slow.Test(t, "starts PostgreSQL and two programs")
	t.Parallel()
	c := cluster{dbserver.Start(t), startMailbox(t)}
	list := []*app{c.join(t), c.join(t)}
	for _, a := range list {
		waitUntil(t, "half of the shards", func() bool { return a.says("ticketfrei_shards_owned", "32") && a.says("ticketfrei_processes", "2") })
		for name, want := range map[string]string{"ticketfrei_notices_polled": "0", "ticketfrei_database_away": "0"} {
			if !a.says(name, want) {
				t.Errorf("%s is not %s", name, want)
			}
		}
		if info := slices.Collect(maps.Keys(a.figure("ticketfrei_process_info"))); len(info) != 1 || !strings.Contains(info[0], strings.TrimPrefix(a.url, "http://127.0.0.1")) {
			t.Errorf("the process at %s is called %v", a.url, info)
		}
	}
	for _, name := range []string{"ticketfrei_queue_messages", "ticketfrei_queue_oldest_seconds", "ticketfrei_account_mails"} {
		waitUntil(t, "one process alone to count "+name, func() bool {
			return (len(list[0].figure(name)) > 0) != (len(list[1].figure(name)) > 0)
		})
	}
}

// TestReadySaysWhatIsWrong takes from a process what it needs: its database, then its key.
func TestReadySaysWhatIsWrong(t *testing.T) {
	slow.Test(t, "waits for a lease to end")
	t.Parallel()
	c := cluster{dbserver.Start(t), startMailbox(t)}
	a := c.join(t)
	ready := func(what, says string) {
		t.Helper()
		waitUntil(t, what, func() bool {
			resp, err := http.Get(a.url + "/readyz")
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			text, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			got := string(text)
			return (resp.StatusCode == http.StatusOK) == (says == "ok") && strings.Contains(got, says) && !strings.Contains(got, c.db.Address())
		})
	}
	ready("its lease", "ok")
	c.db.Stop()
	ready("the database to be missed", "the database cannot be reached")
	for path, says := range map[string]string{"/": "try again", "/city/nuernberg/feed.atom": "try again", "/api/v1/cities/nuernberg": "try again"} {
		if page := a.browser().get(path, http.StatusServiceUnavailable); !strings.Contains(page, says) {
			t.Errorf("%s: %s", path, page)
		}
	}
	waitUntil(t, "the lease to be old", func() bool { return a.says("ticketfrei_shards_owned", "0") && a.says("ticketfrei_database_away", "1") })
	if said, times := a.saidMost(); times > 3 {
		t.Errorf("an outage is in the log %d times: %s", times, said)
	}
	c.db.Start()
	ready("the database to be there", "ok")
	if !a.says("ticketfrei_database_away", "0") {
		t.Error("the database is there, and the metrics say that it is away")
	}

	cfg := *a.server.cfg
	cfg.Data, cfg.Secret = t.TempDir(), strings.Repeat("b2", 32)
	if _, _, err := openDatabase(t.Context(), &cfg, all.Networks(), testLog(t, &logbook{}), true); err == nil || !strings.Contains(err.Error(), "stop them") {
		t.Errorf("another key is taken beside a process that works with the former one: %v", err)
	}
	if err := a.server.db.SetFingerprint(t.Context(), fingerprintOf(a.server.secrets), "another"); err != nil {
		t.Fatal(err)
	}
	ready("the key to be another", "another secret key")
}
