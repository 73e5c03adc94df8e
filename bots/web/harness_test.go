package web

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/kittest"
	"ticketfrei/bots/web/pushtest"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/report"
)

// pocket is a city with two lines, a push service, and the bot that sends to it.
type pocket struct {
	*kittest.Host
	t       *testing.T
	city    report.City
	bot     report.Bot
	page    bots.Bot
	service *pushtest.Service
}

func newPocket(t *testing.T) *pocket {
	t.Helper()
	h := kittest.NewHost(t, Definition())
	p := &pocket{Host: h, t: t, city: h.AddCity("nuernberg", "de")}
	dbtest.MustSavePlaces(t, h.DB, p.city.ID, "U1 #0065ae: Langwasser, Plärrer, Fürth\nU2: Röthenbach, Plärrer, Rathenauplatz")
	p.bot = h.Bots(p.city)[0]
	var err error
	p.page, err = h.Open(p.bot)
	must(t, err)
	var stop func()
	p.service, stop = pushtest.Start()
	t.Cleanup(stop)
	t.Cleanup(func() {
		if faults := p.service.Faults(); len(faults) > 0 {
			t.Errorf("messages that no browser would take: %q", faults)
		}
	})
	return p
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// ask makes a request to a path below the network's and returns status and JSON.
func (p *pocket) ask(method, path, body string) (int, map[string]any) {
	p.t.Helper()
	r := httptest.NewRequestWithContext(p.t.Context(), method, "/city/"+p.city.Slug+"/web"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept-Language", "en")
	r.RemoteAddr = "192.0.2.7:1"
	w := httptest.NewRecorder()
	p.Site.ServeHTTP(w, r)
	raw, err := io.ReadAll(w.Body)
	must(p.t, err)
	answer := map[string]any{}
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &answer); err != nil {
			p.t.Fatalf("%s %s: %d with no JSON but %.200s", method, path, w.Code, raw)
		}
	}
	return w.Code, answer
}

// follow has a phone follow the city.
func (p *pocket) follow(phone *pushtest.Phone, more map[string]any) {
	p.t.Helper()
	if status, answer := p.ask(http.MethodPost, "/push", phone.Subscription(more)); status != http.StatusCreated {
		p.t.Fatalf("status %d: %v", status, answer)
	}
}

// about is a report with what is read in it.
func (p *pocket) about(text string, read report.Reading) report.Report {
	r := p.Elsewhere(p.city, text)
	r.Reading = read
	return r
}

// send sends a report to all that follow.
func (p *pocket) send(r report.Report) (errs []error) {
	p.t.Helper()
	for _, d := range p.Deliveries(p.bot, r) {
		_, err := p.page.Send(p.t.Context(), d)
		errs = append(errs, err)
	}
	return errs
}

// titles are those of what a phone got.
func titles(phone *pushtest.Phone) (list []string) {
	for _, m := range phone.Got() {
		title, _ := m.Text["title"].(string)
		list = append(list, title)
	}
	return list
}

var onU1 = report.Reading{Line: "U1", Stop: "Plärrer", Toward: "Fürth", People: 2, Lines: report.NewLines("U1")}
