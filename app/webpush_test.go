package app

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"ticketfrei/bots"
	"ticketfrei/bots/web/pushtest"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/slow"
)

// startPush starts a push service for the duration of the test.
func startPush(t *testing.T) *pushtest.Service {
	t.Helper()
	s, stop := pushtest.Start()
	t.Cleanup(stop)
	return s
}

// follow has a phone follow a city.
func (a *app) follow(slug string, phone *pushtest.Phone, wishes map[string]any) {
	a.Helper()
	resp, err := http.Post(a.url+"/city/"+slug+"/web/push", "application/json", strings.NewReader(phone.Subscription(wishes)))
	if err != nil {
		a.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		a.Fatalf("status %d", resp.StatusCode)
	}
}

// A report reaches the phones that follow its line, and no other; it is taken back there;
// a phone that is gone is forgotten.
func TestPhonesFollow(t *testing.T) {
	box, service := startMailbox(t), startPush(t)
	dir := t.TempDir()
	a := startApp(t, dir, box)
	c := a.addCity("nuernberg", "", "")
	dbtest.MustSavePlaces(t, a.server.db, c.ID, "U1: Langwasser, Plärrer, Fürth\nU2: Röthenbach, Rathenauplatz")
	one, other, gone := service.Phone(), service.Phone(), service.Phone()
	a.follow("nuernberg", one, map[string]any{"lines": []string{"U1"}, "language": "de"})
	a.follow("nuernberg", other, map[string]any{"lines": []string{"U2"}})
	a.follow("nuernberg", gone, nil)
	service.Answer(func(p *pushtest.Phone) (int, http.Header) {
		if p == gone {
			return http.StatusGone, nil
		}
		return 0, nil
	})
	a.mustSend("rider@riders.example", here, "one@x", "", "U1 Plärrer, 2 Kontis")
	waitUntil(t, "the report on the phone", func() bool { return len(one.Got()) == 1 })
	a.settled()
	got := one.Got()[0]
	if title, _ := got.Text["title"].(string); !strings.HasPrefix(title, "U1 Plärrer") || got.Text["body"] != "U1 Plärrer, 2 Kontis" {
		t.Errorf("the phone got %s", got.Raw)
	}
	if n := len(other.Got()); n != 0 {
		t.Errorf("the phone of another line got %d", n)
	}
	bot, err := a.server.db.FindBot(t.Context(), c.ID, "web")
	if err != nil {
		t.Fatal(err)
	}
	waitUntil(t, "the phone that is gone to be forgotten", func() bool {
		n, err := a.server.networks["web"].(bots.Recipients).CountRecipients(t.Context(), bot)
		return err == nil && n == 2
	})

	b := a.login("moderator@nuernberg.example")
	found := reportField.FindStringSubmatch(b.get("/settings/reports", http.StatusOK))
	if found == nil {
		t.Fatal("the page shows no report")
	}
	b.post("/settings/reports/take-back", url.Values{"report": {found[1]}, "show": {"passed"}}, http.StatusOK)
	waitUntil(t, "the report to be taken back", func() bool { return len(one.Got()) == 2 })
	if end := one.Got()[1]; end.Text["close"] != got.Text["tag"] || end.Topic != got.Topic {
		t.Errorf("the end is %s", end.Raw)
	}
	if n := len(other.Got()); n != 0 || len(service.Faults()) > 0 {
		t.Errorf("the other phone got %d, faults %q", n, service.Faults())
	}

	// The same after a restart, by the same key.
	a.stop()
	a = startApp(t, dir, box)
	a.mustSend("rider@riders.example", here, "two@x", "", "U1 Langwasser")
	waitUntil(t, "the next report", func() bool { return len(one.Got()) == 3 })
	if one.Got()[2].Signed != got.Signed {
		t.Error("signed by another key")
	}
}

// A report goes to 10,000 phones at 2,000 a second or more, and to whoever reads mail
// meanwhile.
func TestTenThousandPhones(t *testing.T) {
	slow.Test(t, "subscribes 10,000 phones")
	const phones, least = 10_000, 2_000
	box, service := startMailbox(t), startPush(t)
	a := startApp(t, t.TempDir(), box)
	a.addCity("nuernberg", "*", "")
	a.subscribe(box, "nuernberg", "one@riders.example")
	followers := make(chan *pushtest.Phone)
	var group sync.WaitGroup
	for range 32 {
		group.Go(func() {
			for p := range followers {
				a.follow("nuernberg", p, nil)
			}
		})
	}
	for range phones {
		followers <- service.Phone()
	}
	close(followers)
	group.Wait()

	began, worked := time.Now(), cpuTime(t)
	a.mustSend("rider@riders.example", here, "one@x", "", "U1 Plärrer")
	box.waitFor(t, "one@riders.example", "U1 Plärrer")
	mailed := time.Since(began)
	waitUntil(t, "all phones", func() bool { return service.Calls() >= phones })
	took, spent := time.Since(began), cpuTime(t)-worked
	t.Logf("mailed after %s, %d phones after %s, of which the processors worked %s: %.0f a second", mailed, phones, took, spent, phones/took.Seconds())
	if mailed > 2*time.Second {
		t.Errorf("the mail waited for %s", mailed)
	}
	if faults := service.Faults(); len(faults) > 0 {
		t.Errorf("%d faults, as %s", len(faults), faults[0])
	}
	if isBusy(t) { // then the clock tells about others
		took = spent / time.Duration(runtime.NumCPU())
	}
	if rate := phones / took.Seconds(); rate < least && !slow.Racing() {
		t.Errorf("%.0f a second, want %d", rate, least)
	}
}

// cpuTime is how long the processors have worked for this process.
func cpuTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// isBusy tells whether others want more of the machine than it has, so that what a test
// takes says little.
func isBusy(t *testing.T) bool {
	t.Helper()
	raw, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return false
	}
	var load float64
	_, err = fmt.Sscan(string(raw), &load)
	return err == nil && load > 2*float64(runtime.NumCPU())
}
