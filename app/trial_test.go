package app

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestTestReport sends one from the settings: it goes the whole way, whoever sent it gets it
// by mail, and nobody else gets or sees anything.
func TestTestReport(t *testing.T) {
	t.Parallel()
	box := startMailbox(t)
	a := startApp(t, t.TempDir(), box)
	a.addCity("nuernberg", "kontis?", "verboten")
	a.subscribe(box, "nuernberg", "rider@riders.example")
	b := a.login("moderator@nuernberg.example")
	page := b.submit(b.get("/settings", http.StatusOK), "steps", "/settings/steps/test", url.Values{"report": {"Zwei Kontis in der Zwiebelgasse"}})
	way := b.reads(page, "test-way")
	for _, want := range []string{"heard: ", "Passed: it fits this trigger pattern: kontis?", "to moderator@nuernberg.example", "1 person"} {
		if !strings.Contains(way, want) {
			t.Errorf("the way does not say %q:\n%s", want, way)
		}
	}
	if class := attr(b.part(page, "step-test"), "class"); class != "done" {
		t.Error("the step does not tick itself off")
	}
	l := box.waitFor(t, "moderator@nuernberg.example", "Zwei Kontis in der Zwiebelgasse")
	if subject := l.Header.Get("Subject"); !strings.Contains(subject, "Test") {
		t.Errorf("the mail does not say that it is a test: %s", subject)
	}
	page = b.submit(b.get("/settings", http.StatusOK), "main", "/settings/steps/test", url.Values{"report": {"Kontis verboten"}})
	if way := b.reads(page, "test-way"); !strings.Contains(way, "blocked word") || strings.Contains(way, "sent:") {
		t.Errorf("what the rules hold back goes on:\n%s", way)
	}
	if today := b.reads(page, "picture"); !strings.Contains(today, "0 not passed on") {
		t.Errorf("tests are counted among the reports:\n%s", today)
	}
	a.mustSend("else@riders.example", "nuernberg@tickets.example", "m1@x", "", "Kontis am Rathaus")
	box.waitFor(t, "rider@riders.example", "Kontis am Rathaus")
	a.settled()
	if got := box.to(t, "rider@riders.example", "Zwiebelgasse"); len(got) > 0 {
		t.Errorf("a subscriber got the test: %v", got)
	}
	public := a.browser().get("/city/nuernberg", http.StatusOK) + a.browser().get("/city/nuernberg/feed.atom", http.StatusOK)
	if strings.Contains(public, "Zwiebelgasse") || !strings.Contains(public, "Rathaus") {
		t.Error("the test can be seen on the page")
	}
	if listed := b.listed("refused", "Zwei Kontis in der Zwiebelgasse"); !strings.Contains(listed, "it would have passed") {
		t.Errorf("among the reports it says %q", listed)
	}
	b.submit(b.get("/settings/reports", http.StatusOK), "main", "/settings/reports/approval", url.Values{"approval": {"all"}})
	page = b.submit(b.get("/settings", http.StatusOK), "main", "/settings/steps/test", url.Values{"report": {"Kontis am Plärrer"}})
	if way := b.reads(page, "test-way"); !strings.Contains(way, "Before a real one goes out, one of you looks at it") {
		t.Errorf("where moderators look first, the way is\n%s", way)
	}
}
