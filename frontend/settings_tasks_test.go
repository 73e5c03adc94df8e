package frontend

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"ticketfrei/bots"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/report"
)

// toyTasker is a toy that looks at reports.
type toyTasker struct{ *toyNetwork }

var _ bots.Tasker = toyTasker{}

func (toyTasker) Task(context.Context, report.Bot, report.Report) (bots.TaskResult, error) {
	return bots.TaskResult{}, nil
}

// newTaskBoard is a board whose networks tram and bell look at reports.
func newTaskBoard(t *testing.T) *board {
	t.Helper()
	b := newBoard(t)
	for i, n := range []*toyNetwork{b.tram, b.bell} {
		b.site.Networks[i].Network = toyTasker{n}
		b.site.Cities.Networks[i].Network = toyTasker{n}
	}
	return b
}

// TestTasksAreOrdered has a moderator put programs before the rules, change their order,
// and remove one; everything by buttons of forms.
func TestTasksAreOrdered(t *testing.T) {
	t.Parallel()
	b := newTaskBoard(t)
	c := b.city("nuernberg", "Nürnberg", b.moderator("one@example.org"))
	w := b.login("one@example.org")
	page := w.get("/settings/rules").want(http.StatusOK, "")
	page.says("tasks", "No program looks at the reports yet.")
	if strings.Contains(page.body, `value="bell"`) {
		t.Error("a program that is not connected is offered")
	}
	w.post("/settings/bell/connect", "token", "good").want(http.StatusSeeOther, "/settings/networks#network-bell")
	for _, step := range []struct{ do, task, want string }{
		{"add", "tram", "tram"}, {"add", "bell", "tram\nbell"}, {"add", "bell", "tram\nbell"}, {"down", "bell", "tram\nbell"},
		{"up", "bell", "bell\ntram"}, {"down", "bell", "tram\nbell"}, {"remove", "tram", "bell"}, {"remove", "tram", "bell"}, {"up", "nobody", "bell"},
	} {
		w.post("/settings/rules/tasks", "do", step.do, "task", step.task).want(http.StatusSeeOther, "/settings/rules#tasks")
		w.get("/settings/rules").says("tasks", "That is saved.")
		got, err := b.db.City(t.Context(), c.ID)
		if err != nil || got.Tasks != step.want {
			t.Fatalf("%s %s: stored %q, want %q: %v", step.do, step.task, got.Tasks, step.want, err)
		}
	}
	w.get("/settings/rules/tasks").want(http.StatusSeeOther, "/settings/rules#tasks")
}

// TestTasksAreNotShownWithoutPrograms is about a program of which no network looks at
// reports.
func TestTasksAreNotShownWithoutPrograms(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	b.city("nuernberg", "Nürnberg", b.moderator("one@example.org"))
	w := b.login("one@example.org")
	if page := w.get("/settings/rules"); page.has("tasks") || strings.Contains(page.body, `href="#tasks"`) {
		t.Error("the part about programs is there")
	}
	w.post("/settings/rules/tasks", "do", "add", "task", "tram").want(http.StatusSeeOther, "/settings/rules#tasks")
}

func newReportOf(c report.City, id, text string) report.Report {
	now := time.Now()
	return report.Report{ID: id, CityID: c.ID, Network: "tram", NetworkID: id, Author: id, Text: text, Visibility: report.Private, Time: now, Received: now}
}

// TestResultsAreShown shows what programs said of reports, and why one of them refused
// one, which a moderator may let through all the same.
func TestResultsAreShown(t *testing.T) {
	t.Parallel()
	b := newTaskBoard(t)
	c := b.city("nuernberg", "Nürnberg", b.moderator("one@example.org"))
	w := b.login("one@example.org")
	r := newReportOf(c, "passed", "U1 Kontis")
	r.Results = `{"tram":{"line":"U1 <b>","sure":0.9},"judge":["a",1],"note":"text"}`
	dbtest.MustSaveReport(t, b.db, r, report.Verdict{Passed: true, Reason: report.ReasonTrigger})
	r = newReportOf(c, "refused", "U1 Werbung")
	dbtest.MustSaveReport(t, b.db, r, report.Verdict{Reason: report.ReasonTask, Detail: "advertising"})
	page := w.get("/settings/reports").want(http.StatusOK, "")
	dl := page.find(func(n *html.Node) bool { return n.Data == "dl" })
	if got, want := strings.Join(strings.Fields(page.text(dl)), " "), `Toy tramline: U1 <b>, sure: 0.9 judge["a",1] notetext`; got != want {
		t.Errorf("shown %q, want %q", got, want)
	}
	list := "/settings/reports?show=refused"
	w.get(list).says("reports", "a program of your city refused it: advertising")
	w.post("/settings/reports/let-through", "report", "refused", "show", "refused").want(http.StatusSeeOther, list)
	if j, err := b.db.Report(t.Context(), c.ID, "refused"); err != nil || !j.Verdict.Passed {
		t.Errorf("stored %+v: %v", j.Verdict, err)
	}
}
