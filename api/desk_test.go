package api_test

import (
	"net/url"
	"strings"
	"testing"

	"ticketfrei/internal/apikey"
	"ticketfrei/internal/report"
)

// TestWhatModeratorsDecide searches reports, lets one through for good, and looks after the
// words of the rules.
func TestWhatModeratorsDecide(t *testing.T) {
	w := newWorld(t)
	posts, reads, rules, moderates, all := w.key(apikey.Report), w.key(apikey.Read), w.key(apikey.Rules), w.key(apikey.Moderate), w.key(apikey.All)
	const path = "/cities/gotham"
	w.do("PUT", path+"/rules", rules, map[string]any{"triggers": []string{"konti"}, "blocked": []string{}}).want(200)
	for _, text := range []string{"Kontis am Plärrer", "Kontis am Opernhaus", "Kontrolletti im Wagen"} {
		w.post(posts, text)
	}
	if got := w.texts(path+"/reports?words=PLAERRER", reads); got != "Kontis am Plärrer" {
		t.Errorf("found %s", got)
	}
	w.do("GET", path+"/reports?words=x", "", nil).want(401)
	var list struct {
		Reports []reportForm
		Next    string
	}
	w.do("GET", path+"/reports?state=all&limit=2", reads, nil).want(200).into(&list)
	if len(list.Reports) != 2 || list.Next == "" {
		t.Fatalf("the first page is %+v", list)
	}
	if got := w.texts(path+"/reports?state=all&limit=2&after="+url.QueryEscape(list.Next), reads); strings.Contains(got, "|") || got == "" {
		t.Errorf("the second page is %s", got)
	}
	w.do("GET", path+"/reports?after=nonsense", reads, nil).want(422)
	w.do("GET", path+"/reports?state=refused&reason=no_trigger", reads, nil).want(200).into(&list)
	if len(list.Reports) != 1 {
		t.Fatalf("refused are %+v", list)
	}
	always := path + "/reports/" + list.Reports[0].ID + "/always"
	var would struct{ Words []string }
	w.do("GET", always, reads, nil).want(200).into(&would)
	if strings.Join(would.Words, " ") != "kontrolletti wagen" {
		t.Errorf("words are %q", would.Words)
	}
	w.do("POST", always, rules, map[string]any{"word": "kontrolletti"}).want(403)
	w.do("POST", always, moderates, map[string]any{"word": "kontrolletti"}).want(403)
	w.do("POST", always, all, map[string]any{"word": "prüfer"}).want(422)
	if a := w.do("POST", always, all, map[string]any{"word": "kontrolletti"}).want(200); !strings.Contains(a.body, `"passed":true`) {
		t.Errorf("it was not sent: %s", a.body)
	}
	w.do("GET", always, reads, nil).want(409)
	if a := w.do("GET", path+"/counts", reads, nil).want(200); !strings.Contains(a.body, `{"state":"passed","reason":"let_through","count":1}`) {
		t.Errorf("counted %s", a.body)
	}
	w.do("POST", path+"/rules/words", rules, map[string]any{"word": "bus*"}).want(200)
	w.do("POST", path+"/rules/words", rules, map[string]any{"word": "spam", "block": true}).want(200)
	if a := w.do("POST", path+"/rules/words/remove", rules, map[string]any{"line": `\bkontrolletti\b`}).want(200); !strings.Contains(a.body, `"triggers":["konti","\\bbus"],"blocked":["spam"]`) {
		t.Errorf("the rules are %s", a.body)
	}
	w.do("POST", path+"/rules/words", rules, map[string]any{"word": "!!"}).want(422)
	w.do("POST", path+"/rules/suggestions/leave", rules, map[string]any{"word": "wagen"}).want(204)
	w.do("GET", path+"/rules/suggestions", reads, nil).want(200)
	if a := w.do("GET", path+"/rules/would", reads, nil).want(200); !strings.Contains(a.body, `"of":3`) {
		t.Errorf("it would be %s", a.body)
	}
}

// TestMutesAndAnswers lists and ends mutes, writes answers, and has a city look first.
func TestMutesAndAnswers(t *testing.T) {
	w := newWorld(t)
	reads, moderates, city := w.key(apikey.Read), w.key(apikey.Moderate), w.key(apikey.City)
	const path = "/cities/gotham"
	r := w.post(w.key(apikey.Report), "Kontis am Plärrer")
	w.do("PUT", path+"/reports/"+r.ID+"/mute", moderates, nil).want(204)
	var list struct{ Mutes []struct{ ID, Report string } }
	w.do("GET", path+"/mutes", reads, nil).want(200).into(&list)
	if len(list.Mutes) != 1 || list.Mutes[0].Report != r.ID {
		t.Fatalf("muted are %+v", list)
	}
	w.do("DELETE", path+"/mutes/"+list.Mutes[0].ID, moderates, nil).want(204)
	w.do("GET", path+"/mutes", reads, nil).want(200).into(&list)
	if len(list.Mutes) != 0 {
		t.Errorf("muted are %+v", list)
	}
	w.do("PUT", path+"/answers/de", city, map[string]any{"texts": map[string]string{"answer.known": "Wissen wir."}}).want(204)
	w.do("PUT", path+"/answers/de", city, map[string]any{"texts": map[string]string{"answer.known": "{wen}"}}).want(422)
	w.do("PUT", path+"/answers/xx", city, map[string]any{"texts": map[string]string{}}).want(422)
	if a := w.do("GET", path+"/answers", reads, nil).want(200); !strings.Contains(a.body, `{"de":{"answer.known":"Wissen wir."}}`) {
		t.Errorf("answers are %s", a.body)
	}
	changed := w.do("PATCH", path, city, map[string]any{"approval": "all", "no_links": true, "short": true, "no_contact": true, "defaults": map[string]any{"hourly": true, "quiet": map[string]int{"from": 22, "to": 6}}}).want(200)
	for _, want := range []string{`"approval":"all"`, `"no_links":true`, `"short":true`, `"no_contact":true`, `"defaults":{"hourly":true,"quiet":{"from":22,"to":6}}`} {
		if !strings.Contains(changed.body, want) {
			t.Errorf("%s is missing in %s", want, changed.body)
		}
	}
	w.do("PATCH", path, city, map[string]any{"approval": "some"}).want(422)
	c, err := w.db.FindCity(t.Context(), "gotham")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.db.Hear(t.Context(), report.Report{ID: "rehearsed", CityID: c.ID, Text: "Kontis", Visibility: report.Test, Time: w.clock(), Received: w.clock()}); err != nil {
		t.Fatal(err)
	}
	w.judged("rehearsed")
	if a := w.do("GET", path+"/reports?state=refused&reason=test", reads, nil).want(200); !strings.Contains(a.body, `"detail":"trigger"`) {
		t.Errorf("of a test it says %s", a.body)
	}
	w.do("PATCH", path, city, map[string]any{"defaults": map[string]any{"quiet": map[string]int{"from": 6, "to": 6}}}).want(422)
	if c, err := w.db.FindCity(t.Context(), "gotham"); err != nil || c.Approval != report.ApproveAll {
		t.Errorf("stored %+v, %v", c, err)
	}
}
