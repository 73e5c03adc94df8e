package app

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"ticketfrei/bots/mastodon/standin"
	"ticketfrei/bots/stream"
	"ticketfrei/bots/stream/inbound"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/apikey"
	"ticketfrei/internal/slow"
)

// call makes a request of a program, and returns the answer.
func (p *pair) call(method, path, body string, headers ...string) (status int, answer string, h http.Header) {
	p.Helper()
	req, err := http.NewRequestWithContext(p.Context(), method, p.apps[0].url+path, strings.NewReader(body))
	if err != nil {
		p.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		p.Fatal(err)
	}
	return resp.StatusCode, string(raw), resp.Header
}

// TestProgramAnswersAtAnyProcess asks an outside program of a city by commands on the page
// and by its own routes at a process that does not run it.
func TestProgramAnswersAtAnyProcess(t *testing.T) {
	slow.Test(t, "starts PostgreSQL and two programs")
	dir := t.TempDir()
	const request = `
  '{"type":"request"'*) printf '{"type":"answer","to":"%s","text":"on time","status":200}\n' "$id" ;;
  '{"type":"end"'*`
	outsideProgram(t, dir, "timetable", "can = [\"command\"]\n[[command]]\nword = \"fahrplan\"\nentities = [\"line\"]\n[[route]]\npath = \"now\"\n",
		strings.Replace(timetable, "\n  '{\"type\":\"end\"'*", request, 1))
	p := startPair(t, "TICKETFREI_PROGRAMS_DIR="+dir)
	dbtest.MustSavePlaces(t, p.other().server.db, p.city.ID, "U1: Plärrer")
	p.other().connectProgram("timetable", p.city, nil)
	waitUntil(t, "the program", func() bool {
		return strings.Contains(p.owner().figures(), `ticketfrei_program_processes{network="timetable",state="running"} 1`)
	})
	b := p.other().browser()
	for range 3 {
		if got := b.reads(b.post("/city/nuernberg/web/report", url.Values{"text": {"/fahrplan U1"}}, http.StatusOK), "said"); got != "U1 in 5 minutes" {
			t.Errorf("the page says %q", got)
		}
		if status, got, _ := p.call(http.MethodGet, "/city/nuernberg/timetable/now", ""); status != http.StatusOK || got != "on time" {
			t.Errorf("the program's page says %d %q", status, got)
		}
	}
	if n := p.waiting(); n != "0" {
		t.Errorf("%s questions are left", n)
	}
}

// loginAt logs a bot in on an instance, as a browser does, and returns the page that comes of it.
func (b *browser) loginAt(instance *standin.Server, account *standin.Account) string {
	b.Helper()
	instance.SignIn(account)
	client := *b.client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	follow := &browser{b.app, &client}
	post := func(to string, form url.Values) *url.URL {
		req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, to, strings.NewReader(form.Encode()))
		if err != nil {
			b.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if strings.HasPrefix(to, b.url) {
			req.Header.Set("Origin", b.url)
			req.Header.Set("Sec-Fetch-Site", "same-origin")
		}
		resp, err := follow.client.Do(req)
		if err != nil {
			b.Fatal(err)
		}
		resp.Body.Close()
		at, err := resp.Location()
		if err != nil {
			b.Fatalf("%s: %s, %v", to, resp.Status, err)
		}
		return at
	}
	asked := post(b.url+"/settings/mastodon/connect", url.Values{"instance": {instance.URL}})
	form := asked.Query()
	form.Set("answer", "authorize")
	return b.get(post(instance.URL+asked.Path, form).RequestURI(), http.StatusOK)
}

// TestEveryRequestAtAnotherProcess sends each request to another of two programs: logins,
// links of mails, a login on an instance, posts to a way in and requests that come twice.
func TestEveryRequestAtAnotherProcess(t *testing.T) {
	slow.Test(t, "starts PostgreSQL and two programs")
	t.Parallel()
	instance := startMastodon(t)
	p := startPair(t)
	p.inTurn.Store(true)
	a, moderator := p.apps[0], "moderator@nuernberg.example"

	// A new password, by a link in a mail.
	b := a.browser()
	b.post("/password", url.Values{"email": {moderator}}, http.StatusOK)
	link := strings.TrimPrefix(p.box.waitFor(t, moderator, "/password/").link(t, "/password/"), a.url)
	b.get(link, http.StatusOK)
	b.post(link, url.Values{"password": {"a better password for tests"}}, http.StatusOK)
	b = a.browser()
	b.post("/login", url.Values{"email": {moderator}, "password": {"a better password for tests"}}, http.StatusOK)
	for range 3 {
		b.get("/settings/networks", http.StatusOK)
	}

	// A login on an instance.
	account := instance.AddAccount("kontis_nbg")
	page := b.loginAt(instance, account)
	id := hiddenAccount.FindStringSubmatch(page)
	if id == nil {
		t.Fatalf("no account to confirm:\n%s", page)
	}
	b.post("/settings/mastodon/confirm", url.Values{"account": {id[1]}}, http.StatusOK)
	waitUntil(t, "the bot to run", func() bool {
		return strings.Contains(b.get("/settings/networks", http.StatusOK), account.Handle()) && account.Streams() == 1
	})

	// It is switched off, and its city stopped, at whichever program.
	b.post("/settings/bots/mastodon/disable", nil, http.StatusOK)
	waitUntil(t, "the bot to stop", func() bool { return account.Streams() == 0 })
	b.post("/settings/bots/mastodon/enable", nil, http.StatusOK)
	waitUntil(t, "the bot to run again", func() bool { return account.Streams() == 1 })
	a.reportHere(p.city, "Report 0.")
	waitUntil(t, "the report", func() bool { return len(p.passed("web")) == 1 })
	b.post("/settings/reports/pause", nil, http.StatusOK)
	if got := p.passed("web"); len(got) > 0 {
		t.Errorf("the city was stopped, and there is %q", got)
	}
	b.post("/settings/reports/resume", nil, http.StatusOK)

	// Who subscribes, and unsubscribes by one click.
	a.subscribe(p.box, "nuernberg", "one@riders.example", "two@riders.example")
	a.reportHere(p.city, "Report 1.")
	letter := p.box.waitFor(t, "one@riders.example", "Report 1.")
	unsubscribe := anyLink.FindString(letter.Header.Get("List-Unsubscribe"))
	if status, _, _ := p.call(http.MethodPost, strings.TrimPrefix(unsubscribe, a.url), "List-Unsubscribe=One-Click", "Content-Type", "application/x-www-form-urlencoded"); status != http.StatusOK {
		t.Errorf("unsubscribed with %d", status)
	}

	p.postsTwice()
	p.box.waitFor(t, "two@riders.example", "Report 3.")
	if got := p.box.to(t, "one@riders.example", "Report 3."); len(got) > 0 {
		t.Error("who has unsubscribed gets reports")
	}
}

// postsTwice posts the same to a way in, and to the API, at two programs: it is one report.
func (p *pair) postsTwice() {
	p.Helper()
	secret := strings.Repeat("secret", 8)
	for i, a := range p.apps {
		_, err := a.server.networks[stream.Name].(*stream.Network).Triggers().Put(p.Context(), p.city.ID,
			stream.Trigger{Name: []string{"one", "other"}[i], Preset: string(inbound.Bearer), Secret: secret, Text: "body.text", ID: "body.id", Running: true}, stream.Any)
		if err != nil {
			p.Fatal(err)
		}
	}
	for range 4 {
		if status, answer, _ := p.call(http.MethodPost, "/city/nuernberg/stream/in/one", `{"id":"7","text":"Report 2."}`,
			"Authorization", "Bearer "+secret, "Content-Type", "application/json"); status != http.StatusAccepted {
			p.Errorf("a post is answered with %d %s", status, answer)
		}
	}
	for _, a := range p.apps {
		t, err := a.server.networks[stream.Name].(*stream.Network).Triggers().Get(p.Context(), p.city.ID, "one")
		if err != nil || t.Last == nil || !t.Last.OK {
			p.Errorf("of the last post %s shows %+v, %v", a.url, t.Last, err)
		}
	}
	key := apikey.Key{CityID: p.city.ID, Name: "a script", Slug: "nuernberg", Rights: []apikey.Right{apikey.Report}}
	text := apikey.New("nuernberg")
	if _, err := p.apps[0].server.db.AddAPIKey(p.Context(), key, apikey.Hash(text)); err != nil {
		p.Fatal(err)
	}
	answers := map[string]int{}
	for range 4 {
		status, answer, _ := p.call(http.MethodPost, "/api/v1/cities/nuernberg/reports", `{"text":"Report 3."}`,
			"Authorization", "Bearer "+text, "Content-Type", "application/json", "Idempotency-Key", "once")
		if status != http.StatusAccepted {
			p.Errorf("a report is answered with %d %s", status, answer)
		}
		answers[answer]++
	}
	if len(answers) != 1 {
		p.Errorf("a request that came again was answered otherwise: %v", answers)
	}
	passed := func() []string { return slices.Concat(p.passed("stream"), p.passed("web"), p.passed("api")) }
	waitUntil(p, "the reports", func() bool { return len(passed()) >= 3 })
	if got := passed(); len(got) != 3 {
		p.Errorf("passed: %q", got)
	}
}
