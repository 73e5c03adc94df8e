package app

import (
	"bufio"
	"net/http"
	"strings"
	"testing"
	"time"

	"ticketfrei/bots/all"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/dbserver"
	"ticketfrei/internal/slow"
)

// openPage opens the live part of a city's page. What it shows comes line by line.
func (a *app) openPage(slug string) <-chan string {
	a.Helper()
	req, err := http.NewRequestWithContext(a.Context(), http.MethodGet, a.url+"/city/"+slug+"/live", nil)
	if err != nil {
		a.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		a.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		a.Fatalf("the live part of the page: %s", resp.Status)
	}
	a.Cleanup(func() { resp.Body.Close() })
	lines := make(chan string, 10_000)
	go func() {
		defer close(lines)
		for in := bufio.NewScanner(resp.Body); in.Scan(); {
			lines <- in.Text()
		}
	}()
	return lines
}

// mustShow waits until an open page shows a text.
func mustShow(t *testing.T, page <-chan string, text string) {
	t.Helper()
	late := time.After(patience)
	for {
		select {
		case line, ok := <-page:
			if !ok {
				t.Fatalf("the page was closed before it showed %q", text)
			}
			if strings.Contains(line, text) {
				return
			}
		case <-late:
			t.Fatalf("the page does not show %q", text)
		}
	}
}

// TestProgramsActAsOne has two programs share a server: pages of each show what was mailed to
// either, also after their connections were lost; and rules that are changed at one hold
// at the other.
func TestProgramsActAsOne(t *testing.T) {
	slow.Test(t, "starts PostgreSQL and two programs")
	server := dbserver.Start(t)
	box, definitions := startMailbox(t), all.Networks()
	programs := make([]*app, 2)
	for i := range programs {
		programs[i] = runApp(t, onServer(appConfig(t, t.TempDir(), box, definitions), server.URL()), definitions)
	}
	one, other := programs[0], programs[1]
	city := one.addCity("nuernberg", "kontis?", "verboten")
	one.subscribe(box, "nuernberg", "one@riders.example")
	pages := []<-chan string{one.openPage("nuernberg"), other.openPage("nuernberg")}
	shown := func(text string) {
		t.Helper()
		for _, page := range pages {
			mustShow(t, page, text)
		}
	}
	one.mustSend("two@riders.example", here, "m1@riders.example", "", "Kontis am Plärrer")
	shown("Kontis am Plärrer")
	other.mustSend("two@riders.example", here, "m2@riders.example", "", "Kontis am Rathenauplatz")
	shown("Kontis am Rathenauplatz")

	killed := server.Query(`SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
		WHERE pid <> pg_backend_pid() AND query ~ '^(LISTEN|SELECT 1$|SELECT set_config)'`)
	if strings.TrimSpace(killed) == "0" {
		t.Error("nobody listens")
	}
	other.mustSend("two@riders.example", here, "m3@riders.example", "", "Kontis am Frankenstadion")
	shown("Kontis am Frankenstadion")

	told := make([]chan struct{}, len(programs))
	for i, p := range programs {
		told[i] = make(chan struct{}, 1)
		defer p.server.notices.OnChanged(func(cityID int64) {
			if cityID != city.ID {
				return
			}
			select {
			case told[i] <- struct{}{}:
			default:
			}
		})()
	}
	dbtest.MustSaveRules(t, other.server.db, city.ID, "bus", "verboten")
	other.server.notices.Changed(city.ID)
	for i := range programs {
		select {
		case <-told[i]:
		case <-time.After(patience):
			t.Fatal("a program is not told of the change")
		}
	}
	for i, p := range programs {
		text := "Bus " + []string{"36", "37"}[i]
		p.mustSend("two@riders.example", here, text[4:]+"@riders.example", "", text)
		shown(text)
	}
	for _, p := range programs {
		p.settled()
		if page := p.browser().get("/readyz", http.StatusOK); strings.Contains(page, "LISTEN") {
			t.Errorf("/readyz: %s", page)
		}
	}
}
