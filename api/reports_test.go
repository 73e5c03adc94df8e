package api_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"ticketfrei/db/dbtest"
	"ticketfrei/internal/apikey"
	"ticketfrei/internal/report"
	"ticketfrei/manage"
)

func nothing(*gorm.DB, report.Bot) error { return nil }

// texts are those of the reports that a list has.
func (w *world) texts(path, key string) string {
	w.Helper()
	var list struct{ Reports []reportForm }
	w.do("GET", path, key, nil).want(200).into(&list)
	var texts []string
	for _, r := range list.Reports {
		texts = append(texts, r.Text)
	}
	return strings.Join(texts, "|")
}

// TestReports posts reports and lists them.
func TestReports(t *testing.T) {
	w := newWorld(t)
	key, reads := w.key(apikey.Report), w.key(apikey.Read)
	must(w.cities.SavePlaces(t.Context(), w.city.ID, "U1: Plärrer, Fürth\nU2: Röthenbach", ""))(t)
	start := w.clock()
	for _, text := range []string{"U1 Plärrer 2 Kontis", "Kontis im Bus", "Kontis U2"} {
		w.post(key, text)
		w.pass(time.Hour)
	}
	const path = "/cities/gotham/reports"
	for query, want := range map[string]string{
		"":                 "Kontis U2|Kontis im Bus|U1 Plärrer 2 Kontis",
		"?limit=1":         "Kontis U2",
		"?line=u1":         "U1 Plärrer 2 Kontis",
		"?since=90m":       "Kontis U2",
		"?since=2h30m":     "Kontis U2|Kontis im Bus",
		"?since=1d":        "Kontis U2|Kontis im Bus|U1 Plärrer 2 Kontis",
		"?since=yesterday": "Kontis U2|Kontis im Bus|U1 Plärrer 2 Kontis",
		"?since=" + start.UTC().Format(time.RFC3339): "Kontis U2|Kontis im Bus",
	} {
		if got := w.texts(path+query, ""); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	w.pass(23 * time.Hour)
	if got := w.texts(path+"?since=7d", ""); got != "" {
		t.Errorf("everybody reads what the page does not show: %s", got)
	}
	if got := w.texts(path, reads); got == "" {
		t.Error("who may read does not read what is kept")
	}
	var r reportForm
	w.do("GET", path+"?line=U1", reads, nil).want(200).into(&struct{ Reports []*reportForm }{[]*reportForm{&r}})
	if r.State != "passed" || r.Line != "U1" || r.Reason == "" || r.City != "gotham" || r.Network != "stream" {
		t.Errorf("%+v", r)
	}
}

// TestJudgedReports has what became of reports seen and changed.
func TestJudgedReports(t *testing.T) {
	w := newWorld(t)
	reports, reads, moderates := w.key(apikey.Report), w.key(apikey.Read), w.key(apikey.Moderate)
	must(w.cities.SaveRules(t.Context(), w.city.ID, manage.Rules{Triggers: "kontis", Blocked: "spam"}, ""))(t)
	const path = "/cities/gotham/reports"
	refused := w.post(reports, "hello world")
	var r reportForm
	w.do("GET", path+"/"+refused.ID, reports, nil).want(200).into(&r)
	if r.State != "refused" || r.Reason != "" {
		t.Errorf("%+v", r)
	}
	w.do("GET", path+"/"+refused.ID, reads, nil).want(200).into(&r)
	if r.Reason != "no_trigger" {
		t.Errorf("%+v", r)
	}
	w.do("GET", path+"/"+refused.ID, "", nil).want(404)
	w.do("GET", path+"?state=refused", "", nil).problem(401, "needs a key with the right read or moderate", "")
	if got := w.texts(path+"?state=refused", reads); got != "hello world" {
		t.Error(got)
	}
	passed := w.post(reports, "kontis U1")
	w.do("POST", path+"/"+passed.ID+"/take-back", reads, nil).want(403)
	w.do("POST", path+"/"+passed.ID+"/take-back", moderates, nil).want(204)
	w.do("POST", path+"/"+passed.ID+"/take-back", moderates, nil).want(204)
	w.do("POST", path+"/"+refused.ID+"/take-back", moderates, nil).want(404)
	w.do("GET", path+"/"+passed.ID, moderates, nil).want(200).into(&r)
	if r.State != "taken_back" {
		t.Errorf("%+v", r)
	}
	w.do("GET", path+"/"+passed.ID, "", nil).want(404)
}

// TestHeldReports has a key report more than one author may.
func TestHeldReports(t *testing.T) {
	w := newWorld(t)
	reports, moderates := w.key(apikey.Report), w.key(apikey.Moderate)
	var ids []string
	for i := range 8 {
		ids = append(ids, w.post(reports, fmt.Sprint("Kontis in der Linie ", strings.Repeat("x", i+1))).ID)
	}
	var held struct {
		Held []struct {
			Reason string
			Count  int
		}
	}
	w.do("GET", "/cities/gotham/held", moderates, nil).want(200).into(&held)
	if len(held.Held) != 1 || held.Held[0].Reason != "flood" || held.Held[0].Count != 3 {
		t.Fatalf("%+v", held)
	}
	const path = "/cities/gotham/reports/"
	w.do("POST", path+ids[5]+"/let-through", moderates, nil).want(204)
	w.do("POST", path+ids[0]+"/let-through", moderates, nil).want(404)
	w.do("DELETE", path+ids[6], moderates, nil).want(204)
	w.do("DELETE", path+ids[6], moderates, nil).want(404)
	w.do("POST", "/cities/gotham/held/throw-away", moderates, `{"reason":"flood_city"}`).want(200).into(&held)
	var n struct{ Count, Late int }
	w.do("POST", "/cities/gotham/held/let-through", moderates, `{"reason":"flood"}`).want(200).into(&n)
	if n.Count != 1 {
		t.Errorf("%+v", n)
	}
	w.do("PUT", path+ids[0]+"/mute", moderates, nil).want(204)
	w.pass(time.Hour)
	if r := w.post(reports, "Kontis am Bahnhof"); r.Reason != string(report.ReasonMuted) {
		t.Errorf("%+v", r)
	}
	w.do("DELETE", path+ids[0]+"/mute", moderates, nil).want(204)
	w.pass(time.Hour)
	if r := w.post(reports, "Kontis am Plärrer"); r.State != "true" {
		t.Errorf("%+v", r)
	}
}

// TestPausedCityTakesNoReports stops a city, also its bot alone.
func TestPausedCityTakesNoReports(t *testing.T) {
	w := newWorld(t)
	all := w.key(apikey.All)
	w.post(all, "Kontis")
	w.do("PATCH", "/cities/gotham", all, `{"paused":true}`).want(200)
	w.do("POST", "/cities/gotham/reports", all, `{"text":"Kontis"}`).problem(409, "the city takes no reports at the moment", "")
	if got := w.texts("/cities/gotham/reports", all); got != "" {
		t.Errorf("%s is still there", got)
	}
	w.do("PATCH", "/cities/gotham", all, `{"paused":false}`).want(200)
	w.post(all, "Kontis U1")
	b := must(w.db.FindBot(t.Context(), w.city.ID, "stream"))(t)
	w.do("PATCH", fmt.Sprint("/cities/gotham/bots/", b.ID), all, `{"enabled":false}`).want(200)
	w.do("POST", "/cities/gotham/reports", all, `{"text":"Kontis"}`).problem(409, "have switched off", "")
}

// TestReportsOfOtherCities are not seen or changed.
func TestReportsOfOtherCities(t *testing.T) {
	w := newWorld(t)
	dbtest.MustCreateCity(t, w.db, "metropolis")
	r := w.post(w.key(apikey.All), "Kontis")
	operator := w.key(apikey.Cities, apikey.All)
	w.do("GET", "/cities/metropolis/reports/"+r.ID, operator, nil).want(404)
	w.do("POST", "/cities/metropolis/reports/"+r.ID+"/take-back", operator, nil).want(404)
	w.do("POST", "/cities/gotham/reports/"+r.ID+"/take-back", operator, nil).want(204)
}
