package api_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"ticketfrei/db"
	"ticketfrei/internal/apikey"
)

// TestStore stores values, with and without knowing what was there.
func TestStore(t *testing.T) {
	w := newWorld(t)
	key := w.key(apikey.Store)
	const path = "/cities/gotham/store/"
	first := w.do("PUT", path+"position", key, `{"stop":"Plärrer"}`).want(204).header.Get("ETag")
	got := w.do("GET", path+"position", w.key(apikey.Read), nil).want(200)
	if got.body != `{"stop":"Plärrer"}` || got.header.Get("ETag") != first {
		t.Errorf("%s %v", got.body, got.header)
	}
	w.do("GET", path+"position", key, nil, "If-None-Match", first).want(304)
	second := w.do("PUT", path+"position", key, "b", "If-Match", first).want(204).header.Get("ETag")
	w.do("PUT", path+"position", key, "c", "If-Match", first).problem(412, "it was changed meanwhile", "")
	w.do("PUT", path+"position", key, "c", "If-Match", `"never"`).want(412)
	w.do("PUT", path+"position", key, "c", "If-None-Match", "*").want(412)
	w.do("PUT", path+"other%2Fkey", key, "\x00\xff", "If-None-Match", "*", "Content-Type", "application/x-www-form-urlencoded").want(204)
	if got := w.do("GET", path+"other%2Fkey", key, nil).want(200); got.body != "\x00\xff" {
		t.Errorf("%q", got.body)
	}
	var list struct{ Keys []string }
	w.do("GET", "/cities/gotham/store?prefix=pos", key, nil).want(200).into(&list)
	if !slices.Equal(list.Keys, []string{"position"}) {
		t.Errorf("%v", list.Keys)
	}
	w.do("DELETE", path+"position", key, nil, "If-Match", first).want(412)
	w.do("DELETE", path+"position", key, nil, "If-Match", second).want(204)
	w.do("DELETE", path+"position", key, nil).want(404)
	w.do("GET", path+"position", key, nil).problem(404, "", "")
	w.do("PUT", path+"big", key, strings.Repeat("a", db.MaxStoreValue+1)).want(413)
	w.do("PUT", path+"a%20b", key, "a").problem(422, "no spaces", "path.key")
	w.do("PUT", path+"x", w.key(apikey.Read), "a").want(403)
	w.do("GET", path+"x", w.key(apikey.Report), nil).want(403)
}

// TestCities makes, changes and deletes a city.
func TestCities(t *testing.T) {
	w := newWorld(t)
	operator := w.key(apikey.Cities)
	made := w.do("POST", "/cities", operator, `{"name":"Entenhausen","email":"d@example.org","language":"de"}`).want(201)
	if made.header.Get("Location") != "/api/v1/cities/entenhausen" {
		t.Errorf("%v", made.header)
	}
	w.do("POST", "/cities", operator, `{"name":"Entenhausen","email":"d@example.org","language":"de"}`).problem(422, "", "body.name")
	w.do("POST", "/cities", operator, `{"name":"!","email":"nobody","language":"xx","zone":"Mars"}`).problem(422, "", "body.email")
	w.do("POST", "/cities", w.key(apikey.All), `{"name":"Oz","email":"d@example.org"}`).want(403)
	var list struct{ Cities []struct{ Slug string } }
	w.do("GET", "/cities?search=ente", operator, nil).want(200).into(&list)
	if len(list.Cities) != 1 || list.Cities[0].Slug != "entenhausen" {
		t.Errorf("%+v", list)
	}
	seen := made.header.Get("ETag")
	w.do("PATCH", "/cities/entenhausen", w.key(apikey.Cities, apikey.City), `{"name":"Quakenbrück"}`).want(200)
	w.do("DELETE", "/cities/entenhausen", operator, nil, "If-Match", seen).problem(412, "it was changed meanwhile", "")
	seen = w.do("GET", "/cities/entenhausen", "", nil).want(200).header.Get("ETag")
	w.do("DELETE", "/cities/entenhausen?now=true", operator, nil, "If-Match", seen).want(204)
	w.do("DELETE", "/cities/entenhausen", operator, nil).want(404)
	w.do("GET", "/cities/entenhausen", "", nil).want(404)
}

// TestCityLife has an operator switch a city off and on, delete it and bring it back, and
// rename it.
func TestCityLife(t *testing.T) {
	w := newWorld(t)
	operator, own := w.key(apikey.Cities), w.key(apikey.Read, apikey.Report)
	state := func(path, key string) (c struct {
		Slug, State, Reason string
		GoneAfter           string `json:"gone_after"`
	}) {
		t.Helper()
		w.do("GET", path, key, nil).want(200).into(&c)
		return c
	}
	w.do("POST", "/cities/gotham/suspend", own, `{"reason":"spam"}`).want(403)
	w.do("POST", "/cities/gotham/suspend", operator, `{"reason":" "}`).problem(422, "", "body.reason")
	w.do("POST", "/cities/gotham/suspend", operator, `{"reason":"spam"}`).want(200)
	w.do("GET", "/cities/gotham", "", nil).problem(410, "the city is suspended", "")
	w.do("GET", "/cities/gotham/reports", "", nil).problem(410, "the city is suspended", "")
	w.do("GET", "/cities/gotham/events", "", nil).problem(410, "the city is suspended", "")
	w.do("POST", "/cities/gotham/reports", own, `{"text":"U1 Plärrer"}`).problem(410, "the city is suspended", "")
	if c := state("/cities/gotham", own); c.State != "suspended" || c.Reason != "spam" {
		t.Errorf("its own key sees %+v", c)
	}
	w.do("POST", "/cities/gotham/resume", operator, nil).want(200)
	w.do("GET", "/cities/gotham", "", nil).want(200)

	w.do("DELETE", "/cities/gotham", operator, nil).want(204)
	w.do("GET", "/cities/gotham", "", nil).problem(410, "the city was deleted", "")
	if c := state("/cities/gotham", own); c.State != "deleted" || c.GoneAfter == "" {
		t.Errorf("its own key sees %+v", c)
	}
	w.do("POST", "/cities/gotham/restore", operator, nil).want(200)

	renamed := w.do("POST", "/cities/gotham/rename", operator, `{"slug":"new-town"}`).want(200)
	if at := renamed.header.Get("Location"); at != "/api/v1/cities/new-town" {
		t.Errorf("it is at %s", at)
	}
	if c := state("/cities/gotham", ""); c.Slug != "new-town" || c.State != "on" {
		t.Errorf("at the old name there is %+v", c)
	}
	w.do("PUT", "/cities/new-town/aliases/nt", operator, nil).want(204)
	w.do("PUT", "/cities/new-town/aliases/postmaster", operator, nil).problem(422, "", "body.slug")
	w.do("DELETE", "/cities/new-town/aliases/other", operator, nil).want(404)
	var list struct{ Aliases []string }
	w.do("GET", "/cities/nt/aliases", operator, nil).want(200).into(&list)
	if strings.Join(list.Aliases, " ") != "gotham nt" {
		t.Errorf("the aliases are %v", list.Aliases)
	}
	w.do("DELETE", "/cities/nt/aliases/nt", operator, nil).want(204)
	w.do("GET", "/cities/nt", "", nil).want(404)
}

// TestCity reads and changes a city, twice at once.
func TestCity(t *testing.T) {
	w := newWorld(t)
	key := w.key(apikey.City)
	before := w.do("GET", "/cities/gotham", key, nil).want(200)
	after := w.do("PATCH", "/cities/gotham", key, `{"name":" Gotham  City ","page":"# Hello","questions":false}`, "If-Match", before.header.Get("ETag")).want(200)
	w.do("PATCH", "/cities/gotham", key, `{"name":"Other"}`, "If-Match", before.header.Get("ETag")).problem(412, "it was changed meanwhile", "")
	w.do("PATCH", "/cities/gotham", key, `{"name":""}`).problem(422, "", "body.name")
	w.do("PATCH", "/cities/gotham", key, `{"language":"xx","zone":"Mars"}`).problem(422, "Europe/Berlin", "body.zone")
	w.do("PATCH", "/cities/gotham", w.key(apikey.Rules), `{"name":"Other"}`).want(403)
	var c map[string]any
	w.do("GET", "/cities/gotham", "", nil).want(200).into(&c)
	if c["name"] != "Gotham City" || c["page"] != "# Hello" || c["questions"] != nil || c["created"] != nil {
		t.Errorf("everybody reads %v", c)
	}
	clear(c)
	a := w.do("GET", "/cities/gotham", key, nil).want(200).into(&c)
	if c["questions"] != false || a.header.Get("ETag") != after.header.Get("ETag") {
		t.Errorf("%v", c)
	}
	w.do("GET", "/cities/gotham", key, nil, "If-None-Match", after.header.Get("ETag")).want(304)
}

// TestRules changes and tries rules.
func TestRules(t *testing.T) {
	w := newWorld(t)
	key := w.key(apikey.Rules)
	const path = "/cities/gotham/rules"
	seen := w.do("GET", path, key, nil).want(200).header.Get("ETag")
	w.do("PUT", path, key, `{"triggers":["# us","kontis"],"blocked":["spam"]}`, "If-Match", seen).want(200)
	w.do("PUT", path, key, `{"triggers":["x"],"blocked":[]}`, "If-Match", seen).want(412)
	w.do("PUT", path, key, `{"triggers":["ok","[a"],"blocked":[]}`).problem(422, "line 2: ", "body.triggers")
	w.do("PUT", path, key, `{"triggers":["a\nb"],"blocked":[]}`).problem(422, "more than one line", "body.triggers[0]")
	w.do("PUT", path, key, `{"triggers":["a"]}`).problem(422, "expected required property blocked", "body")
	var rules struct{ Triggers, Blocked []string }
	w.do("GET", path, w.key(apikey.Read), nil).want(200).into(&rules)
	if !slices.Equal(rules.Triggers, []string{"# us", "kontis"}) || !slices.Equal(rules.Blocked, []string{"spam"}) {
		t.Errorf("%+v", rules)
	}
	var v struct {
		Passed         bool
		Reason, Detail string
	}
	w.do("POST", path+"/try", key, `{"text":"Kontis!"}`).want(200).into(&v)
	if !v.Passed || v.Reason != "trigger" || v.Detail != "kontis" {
		t.Errorf("%+v", v)
	}
	w.do("POST", path+"/try", key, `{"text":"Kontis!","blocked":["kontis"]}`).want(200).into(&v)
	if v.Passed || v.Reason != "blocked" {
		t.Errorf("%+v", v)
	}
	w.do("DELETE", path, key, nil, "If-Match", seen).problem(412, "it was changed meanwhile", "")
	w.do("DELETE", path, key, nil).want(200).into(&rules)
	if len(rules.Triggers) < 5 {
		t.Errorf("%+v", rules)
	}
	w.do("PUT", "/cities/gotham/tasks", key, `{"tasks":["toy"]}`).problem(422, "", "body.tasks[0]")
	w.do("PUT", "/cities/gotham/tasks", key, `{"tasks":[]}`).want(200)
}

// TestPlaces changes lines and stops in both forms.
func TestPlaces(t *testing.T) {
	w := newWorld(t)
	key := w.key(apikey.Rules)
	const path = "/cities/gotham/places"
	empty := w.do("GET", path, "", nil).want(200)
	if empty.body != "{\"lines\":[],\"text\":\"\"}\n" {
		t.Errorf("%q", empty.body)
	}
	const lines = `{"lines":[{"name":"U1","color":"#0065ae","stops":[{"name":"Plärrer","spellings":["plaerrer"]},{"name":"Fürth"}]}]}`
	w.do("PUT", path, key, lines, "If-Match", empty.header.Get("ETag")).want(200)
	w.do("PUT", path, key, lines, "If-Match", empty.header.Get("ETag")).want(412)
	var p struct {
		Lines json.RawMessage
		Text  string
	}
	w.do("GET", path, "", nil).want(200).into(&p)
	if fmt.Sprintf(`{"lines":%s}`, p.Lines) != lines || p.Text != "U1 #0065ae: Plärrer = plaerrer, Fürth\n" {
		t.Errorf("%s %q", p.Lines, p.Text)
	}
	w.do("PUT", path, key, map[string]string{"text": p.Text}).want(200)
	w.do("PUT", path, key, `{"lines":[{"name":"U1","color":"blue","stops":[{"name":"a,b"}]}]}`).problem(422, "", "body.lines[0].stops[0].name")
	w.do("PUT", path, key, `{"text":"no colon"}`).problem(422, "line 1: ", "body.text")
	w.do("PUT", path, key, `{}`).problem(422, "neither lines nor text", "body")
	w.do("PUT", path, key, `{"lines":[],"text":""}`).problem(422, "both lines and text", "body")
	w.do("PUT", path, w.key(apikey.Streams), lines).want(403)
}

// TestBots connects, switches and disconnects a bot.
func TestBots(t *testing.T) {
	w := newWorld(t)
	key := w.key(apikey.Bots)
	const path = "/cities/gotham/bots"
	var networks struct {
		Networks []struct {
			Name   string
			Fields []struct {
				Name, Label      string
				Secret, Required bool
			}
		}
	}
	w.do("GET", "/networks", "", nil).want(200).into(&networks)
	if len(networks.Networks) != 2 || networks.Networks[1].Fields[0].Label != "Token" || !networks.Networks[1].Fields[0].Secret {
		t.Errorf("%+v", networks)
	}
	w.do("POST", path, key, `{"network":"toy"}`).problem(422, "This is missing.", "body.values.token")
	w.do("POST", path, key, `{"network":"toy","values":{"token":"wrong"}}`).problem(422, "The token is not accepted.", "body.values.token")
	w.do("POST", path, key, `{"network":"toy","values":{}}`).problem(422, "This is missing.", "body.values.token")
	w.do("POST", path, key, `{"network":"toy","values":{"token":"right","colour":"red"}}`).problem(422, "There are: token", "body.values.colour")
	w.do("POST", path, key, `{"network":"pigeon","values":{}}`).problem(422, "no such network", "body.network")
	w.do("POST", path, key, `{"network":"stream","values":{}}`).problem(409, "not connected by values", "")
	var b struct {
		ID             int64
		Network, State string
		Enabled        bool
	}
	made := w.do("POST", path, key, `{"network":"toy","values":{"token":"right"}}`).want(201).into(&b)
	one := strings.TrimPrefix(made.header.Get("Location"), "/api/v1")
	if b.Network != "toy" || !b.Enabled || b.State != "starting" || one != fmt.Sprint(path, "/", b.ID) {
		t.Errorf("%+v %s", b, one)
	}
	for _, path := range []string{one, path} {
		if a := w.do("GET", path, key, nil).want(200); !strings.Contains(a.body, `"network":"toy"`) {
			t.Errorf("%s: %s", path, a.body)
		}
	}
	for method, body := range map[string]any{"GET": nil, "PATCH": `{"enabled":false}`, "DELETE": nil} {
		w.do(method, path+"/999", key, body).want(404)
	}
	w.do("PATCH", one, key, `{"enabled":false}`).want(200).into(&b)
	if b.Enabled || b.State != "off" {
		t.Errorf("%+v", b)
	}
	w.do("PATCH", one, key, `{"values":{"token":"wrong"}}`).problem(422, "not accepted", "body.values.token")
	w.do("PATCH", one, key, `{"values":{"token":"right"}}`).want(200).into(&b)
	if !b.Enabled {
		t.Errorf("%+v", b)
	}
	if err := w.db.AddLog(t.Context(), b.ID, db.LogLine{At: w.clock(), Level: "WARN", Text: "a warning"}); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]bool{"": true, "?level=warn&network=toy": true, "?level=error": false, "?network=mail": false, "?since=1h": true} {
		if a := w.do("GET", "/cities/gotham/logs"+query, key, nil).want(200); strings.Contains(a.body, "a warning") != want {
			t.Errorf("%s: %s", query, a.body)
		}
	}
	w.toy.forgets = errors.New("the network sleeps")
	w.do("DELETE", one, key, nil).problem(503, "did not forget its bot", "")
	w.toy.forgets = nil
	w.do("DELETE", one, key, nil).want(204)
	w.do("DELETE", one, key, nil).want(404)
	w.do("GET", "/cities/gotham/subscribers", key, nil).want(200)
}

// TestStreams stores, changes, tries and deletes streams.
func TestStreams(t *testing.T) {
	w := newWorld(t)
	key, reads := w.key(apikey.Streams), w.key(apikey.Read)
	must(w.cities.SavePlaces(t.Context(), w.city.ID, "U1: Plärrer\nU2: Röthenbach", ""))(t)
	w.post(w.key(apikey.Report), "Kontis U1")
	w.post(w.key(apikey.Report), "Kontis U2")
	const path = "/cities/gotham/streams"
	body := `{"name":"u1-night","include":{"line":["U1"]},"exclude":{"network":["toy"]},"when":"hour >= 0",
		"target":"http://127.0.0.1:9/hook/secret","look":"card","events":["report.passed","report.taken_back"],"running":true}`
	made := w.do("PUT", path+"/u1-night", key, body).want(201)
	if !strings.Contains(made.body, `"secret":"whsec_`) || strings.Contains(made.body, "hook/secret") {
		t.Errorf("%s", made.body)
	}
	got := w.do("GET", path+"/u1-night", reads, nil).want(200)
	if strings.Contains(got.body, "whsec_") || strings.Contains(got.body, "hook/secret") || got.header.Get("ETag") != made.header.Get("ETag") {
		t.Errorf("%s", got.body)
	}
	// What was read can be sent back.
	again := w.do("PUT", path+"/u1-night", key, got.body, "If-Match", got.header.Get("ETag")).want(200)
	w.do("PUT", path+"/u1-night", key, body, "If-Match", got.header.Get("ETag")).problem(412, "changed meanwhile", "")
	w.do("PUT", path+"/u1-night", key, body, "If-None-Match", "*").want(412)
	w.do("PATCH", path+"/u1-night", key, `{"running":false}`, "If-Match", again.header.Get("ETag")).want(200)
	var s struct {
		Running bool
		When    string
	}
	w.do("PATCH", path+"/u1-night", key, `{"when":"hour >= 6"}`).want(200).into(&s)
	if s.Running || s.When != "hour >= 6" {
		t.Errorf("%+v", s)
	}
	w.do("PUT", path+"/x", key, `{"tarket":"http://127.0.0.1:9"}`).problem(422, "unexpected property", "body.tarket")
	w.do("PUT", path+"/x", key, `{"target":"http://127.0.0.1:9","when":"lien == 1"}`).problem(422, "line", "body.when")
	w.do("PUT", path+"/x", key, `{"target":"http://127.0.0.1:9","include":{"network":["streem"]}}`).problem(422, "did you mean", "body.include.network")
	w.do("PUT", path+"/x", key, `{"target":"ftp://x"}`).problem(422, "", "body.target")
	w.do("PUT", path+"/x", key, `{"name":"y","target":"http://127.0.0.1:9"}`).problem(422, "is not the name in the path", "body.name")
	var tried struct{ Out, Of int }
	w.do("POST", "/cities/gotham/filter/try", reads, `{"include":{"line":["U1"]}}`).want(200).into(&tried)
	if tried.Out != 1 || tried.Of != 2 {
		t.Errorf("%+v", tried)
	}
	w.do("POST", "/cities/gotham/filter/try", reads, `{"when":"line = 1"}`).problem(422, "", "body.when")
	var result struct {
		OK  bool
		Why string
	}
	w.do("POST", path+"/u1-night/test", key, nil).want(200).into(&result)
	if result.OK || result.Why == "" {
		t.Errorf("%+v", result)
	}
	if a := w.do("POST", path+"/u1-night/rotate", key, nil).want(200); !strings.Contains(a.body, "whsec_") {
		t.Errorf("%s", a.body)
	}
	w.do("GET", path, w.key(apikey.Report), nil).want(403)
	w.do("PUT", path+"/x", reads, body).want(403)
	w.do("DELETE", path+"/u1-night", key, nil).want(204)
	w.do("DELETE", path+"/u1-night", key, nil).want(404)
	w.do("GET", path+"/"+url.PathEscape("ü/x"), key, nil).want(404)
}

// TestTriggers stores, changes and deletes a trigger.
func TestTriggers(t *testing.T) {
	w := newWorld(t)
	key := w.key(apikey.Streams)
	const path = "/cities/gotham/triggers"
	const body = `{"preset":"bearer","text":"body.alert.title + \" \" + body.stop","id":"body.id","running":true}`
	var tr struct {
		Name, Secret, Address, Text string
		Running                     bool
	}
	made := w.do("PUT", path+"/works", key, body, "If-None-Match", "*").want(201).into(&tr)
	if tr.Secret == "" || !strings.HasSuffix(tr.Address, "/city/gotham/stream/in/works") {
		t.Errorf("%+v", tr)
	}
	got := w.do("GET", path+"/works", w.key(apikey.Read), nil).want(200)
	if strings.Contains(got.body, tr.Secret) {
		t.Errorf("%s", got.body)
	}
	w.do("PUT", path+"/works", key, got.body, "If-Match", made.header.Get("ETag")).want(200)
	w.do("PUT", path+"/works", key, body, "If-Match", made.header.Get("ETag")).want(412)
	w.do("PATCH", path+"/works", key, `{"running":false,"text":"body.title"}`).want(200).into(&tr)
	if tr.Running || tr.Text != "body.title" {
		t.Errorf("%+v", tr)
	}
	old := tr.Secret
	if w.do("POST", path+"/works/rotate", key, nil).want(200).into(&tr); tr.Secret == old || tr.Secret == "" {
		t.Errorf("%+v", tr)
	}
	w.do("PUT", path+"/works", key, `{"preset":"pigeon"}`).problem(422, "", "body.preset")
	w.do("PUT", path+"/works", key, `{"preset":"bearer","text":"repeat(body.a, 9)"}`).problem(422, "", "body.text")
	w.do("GET", path, w.key(apikey.Rules), nil).want(403)
	w.do("DELETE", path+"/works", key, nil).want(204)
	w.do("GET", path+"/works", key, nil).want(404)
}
