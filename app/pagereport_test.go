package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"ticketfrei/bots/all"
	mastodon "ticketfrei/bots/mastodon/standin"
	telegram "ticketfrei/bots/telegram/standin"
	"ticketfrei/internal/report"
	"ticketfrei/internal/slow"
)

// answered is what the page of a city told somebody who reported.
type answered struct {
	status  int
	header  http.Header
	page    string // without scripts
	Outcome string
	Text    string
	ID      string
}

// reporter reports on the pages of cities.
type reporter struct {
	*app
	from   string // their address, as the proxy in front says; empty: it says none
	script bool
	lang   string
}

// sendForm posts a form of the page of a city, and returns what it is told.
func (r reporter) sendForm(slug string, form url.Values) answered {
	r.Helper()
	req, err := http.NewRequestWithContext(r.Context(), http.MethodPost, r.url+"/city/"+slug+"/web/report", strings.NewReader(form.Encode()))
	if err != nil {
		r.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept-Language", r.lang)
	if r.from != "" {
		req.Header.Set("X-Forwarded-For", r.from)
	}
	if r.script {
		req.Header.Set("Accept", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		r.Fatal(err)
	}
	if len(resp.Cookies()) > 0 {
		r.Errorf("cookies: %v", resp.Cookies())
	}
	a := answered{status: resp.StatusCode, header: resp.Header, page: string(body)}
	if r.script {
		if err := json.Unmarshal(body, &a); err != nil {
			r.Fatalf("status %d: %v\n%s", resp.StatusCode, err, body)
		}
	}
	return a
}

func (r reporter) reports(slug, text string) answered {
	r.Helper()
	return r.sendForm(slug, url.Values{"text": {text}})
}

// startPages runs a server behind a proxy, with a city that takes what names the U-Bahn.
func startPages(t *testing.T, env ...string) (*app, report.City) {
	t.Helper()
	definitions := all.Networks()
	env = append(env, "TICKETFREI_WEB_TRUSTED_PROXIES=127.0.0.1")
	a := runApp(t, appConfig(t, t.TempDir(), startMailbox(t), definitions, env...), definitions)
	return a, a.addCity("nuernberg", `\bu\d\b`, "fascho")
}

// passed are the texts of a city's reports that passed, the newest first.
func (a *app) passed(city report.City) (texts []string) {
	a.Helper()
	list, err := a.server.db.Reports(a.Context(), city.ID, true, 24*time.Hour, 1000)
	if err != nil {
		a.Fatal(err)
	}
	for _, j := range list {
		texts = append(texts, j.Report.Text)
	}
	return texts
}

// TestReportOnThePageReachesAllNetworks has somebody report without scripts: mail,
// Telegram and Mastodon have it, and the answer says so within a second.
func TestReportOnThePageReachesAllNetworks(t *testing.T) {
	slow.Test(t, "goes through all networks")
	box, remote := startMailbox(t), startMastodon(t)
	api := startTelegram(t, telegram.Options{})
	definitions := all.Networks()
	a := runApp(t, appConfig(t, t.TempDir(), box, definitions, "TICKETFREI_TELEGRAM_API="+api.URL), definitions)
	a.addCity("nuernberg", `\bu\d\b`, "")
	account := remote.AddAccount("kontis_nbg")
	a.connect("nuernberg", account, remote.URL)
	bot := api.AddBot("kontis_nbg_bot", "Kontis")
	a.login("moderator@nuernberg.example").confirm("/settings/telegram", url.Values{"token": {bot.Token()}}, hiddenAccount, "account")
	reader := api.AddUser("reader", "de")
	reader.Write(bot, "/start")
	waitUntil(t, "the reader to be welcomed", func() bool { return said(bot.Chat(reader), "/stop") > 0 })
	a.subscribe(box, "nuernberg", "one@riders.example")

	const text = "U1 Plärrer, 2 Kontis"
	b, began := a.browser(), time.Now()
	page := b.post("/city/nuernberg/web/report", url.Values{"text": {text}}, http.StatusOK)
	if took := time.Since(began); took > time.Second {
		t.Errorf("answered after %s", took)
	}
	if got := b.reads(page, "said"); got != "Passed on, to 2 people, and posted in public." {
		t.Errorf("the page says %q", got)
	}
	if got := b.reads(page, "reports"); !strings.Contains(got, text) {
		t.Errorf("below the answer stands %q", got)
	}
	if got := attr(b.part(page, "report-text"), "value"); got != "" {
		t.Errorf("the field still holds %q", got)
	}
	box.waitFor(t, "one@riders.example", text)
	waitUntil(t, "Telegram", func() bool { return said(bot.Chat(reader), text) == 1 })
	waitUntil(t, "Mastodon", func() bool { return texts(account.Statuses())[text] == 1 })
	checkVisibility(t, account)

	page = b.post("/city/nuernberg/web/report", url.Values{"text": {text}}, http.StatusOK) // it is loaded again
	if got := b.reads(page, "said"); got != "Already known, thanks!" {
		t.Errorf("the second time the page says %q", got)
	}
	page = b.post("/city/nuernberg/web/report", url.Values{"text": {"am Opernhaus"}}, http.StatusOK)
	if got := b.reads(page, "said"); got != "Not passed on: please write it again and say which line or stop." {
		t.Errorf("the page says %q", got)
	}
	if got := attr(b.part(page, "report-text"), "value"); got != "am Opernhaus" {
		t.Errorf("the field holds %q", got)
	}
	a.settled()
	if n := said(bot.Chat(reader), text); n != 1 {
		t.Errorf("Telegram has it %d times", n)
	}
	b.get("/city/nuernberg/web/report", http.StatusOK) // leads back to the page
}

// checkVisibility has what was written on the page be a post of its own.
func checkVisibility(t *testing.T, account *mastodon.Account) {
	t.Helper()
	if n := len(account.Boosts()); n > 0 {
		t.Errorf("%d boosts", n)
	}
}

// TestAnswersOfThePage has every outcome told, with and without scripts, in the language
// of the page.
func TestAnswersOfThePage(t *testing.T) {
	slow.Test(t, "waits for what is held, which nobody is told")
	a, city := startPages(t)
	longAgo := fmt.Sprint(time.Now().Add(-3 * time.Hour).Unix())
	for i, in := range []struct {
		text, written    string
		status           int
		outcome, text2   string
		keeps, told, raw bool
	}{
		{"U1 Plärrer, 2 Kontis", "", 200, "passed", "Weitergegeben.", false, true, false},
		{"Plärrer", "", 200, "held", "Nicht weitergegeben: Schreib bitte noch einmal", true, true, false},
		{strings.Repeat("U1 ", 2000), "", 200, "held", "zu lang", true, true, false},
		{"Wo sind gerade Kontis?", "", 200, "question", "Meldungen der letzten Stunde:\n", true, true, false},
		{"U1 du Fascho", "", 200, "received", "Angekommen.", false, true, false},
		{" \n ", "", 422, "refused", "Schreib, was du siehst", false, true, false},
		{"U2 Plärrer", longAgo, 422, "refused", "zu lange her", true, true, false},
		{"U3 Plärrer", "not a number", 200, "passed", "Weitergegeben.", false, true, false},
		{"U4 Plärrer", "99999999999", 200, "passed", "Weitergegeben.", false, true, false},
	} {
		for _, script := range []bool{true, false} {
			who := reporter{a, fmt.Sprintf("198.51.100.%d", 2*i+1), script, "de"}
			if !script {
				who.from = fmt.Sprintf("198.51.100.%d", 2*i+2)
			}
			began := time.Now()
			got := who.sendForm("nuernberg", url.Values{"text": {in.text}, "written": {in.written}})
			if took := time.Since(began); took > time.Second {
				t.Errorf("%.20q was answered after %s", in.text, took)
			}
			if got.status != in.status {
				t.Errorf("%.20q: status %d, want %d", in.text, got.status, in.status)
			}
			if script {
				if got.Outcome != in.outcome || !strings.Contains(got.Text, in.text2) || (got.ID == "") != (in.status != 200) {
					t.Errorf("%.20q: %q %q %q", in.text, got.Outcome, got.Text, got.ID)
				}
				continue
			}
			b := a.browser()
			if shown := b.reads(got.page, "said"); !strings.Contains(shown, strings.TrimSpace(in.text2)) {
				t.Errorf("%.20q: the page says %q", in.text, shown)
			}
			if field := attr(b.part(got.page, "report-text"), "value"); (field == strings.TrimSpace(in.text)) != (in.keeps || strings.TrimSpace(in.text) == "") {
				t.Errorf("%.20q: the field holds %q", in.text, field)
			}
		}
	}
	if n := len(a.passed(city)); n != 6 {
		t.Errorf("%d reports passed: %.300q", n, a.passed(city))
	}
}

// TestReportOnThePageThatIsNotTaken has the page say why, and keep what was written.
func TestReportOnThePageThatIsNotTaken(t *testing.T) {
	a, city := startPages(t, "TICKETFREI_REPORTS_BACKLOG=1")
	b, err := a.server.db.FindBot(t.Context(), city.ID, "web")
	if err != nil {
		t.Fatal(err)
	}
	check := func(status int, text string) http.Header {
		t.Helper()
		who := reporter{a, "198.51.100.1", true, "en"}
		got := who.reports("nuernberg", "U1 Plärrer")
		if got.status != status || got.Outcome != "refused" || got.Text != text || got.ID != "" {
			t.Errorf("the script is told %d %s %q", got.status, got.Outcome, got.Text)
		}
		who.script = false
		plain := who.reports("nuernberg", "U1 Plärrer")
		if shown := a.browser().reads(plain.page, "said"); plain.status != status || shown != text {
			t.Errorf("the page says %d %q", plain.status, shown)
		}
		return plain.header
	}
	reporter{a, "198.51.100.9", true, "en"}.reports("nuernberg", "U1") // from then on nothing is read that waits
	if err := a.server.db.Write(t.Context(), func(tx *gorm.DB) error {
		return tx.Exec(`INSERT INTO reports (seq, id, city_id, bot_id, network, network_id, author, text, visibility, time, received, state)
			VALUES (1000, 'waits', ?, ?, 'web', '', '', 'U1', 'private', 0, 0, 'heard')`, city.ID, b.ID).Error
	}); err != nil {
		t.Fatal(err)
	}
	if err := a.server.db.CountBacklog(t.Context()); err != nil {
		t.Fatal(err)
	}
	if h := check(http.StatusServiceUnavailable, "Nothing can be taken in right now. Please send it again in a minute."); h.Get("Retry-After") == "" {
		t.Error("nothing says when to try again")
	}
	if _, err := a.server.relay.Pause(t.Context(), city.ID); err != nil {
		t.Fatal(err)
	}
	a.server.notices.Changed(city.ID)
	paused := reporter{a, "198.51.100.1", true, "en"}.reports("nuernberg", "U1 Plärrer")
	if paused.status != http.StatusConflict || paused.Text != "This city takes no reports at the moment." {
		t.Errorf("stopped: %d %q", paused.status, paused.Text)
	}
	page := a.browser().get("/city/nuernberg", http.StatusOK)
	if strings.Contains(page, `id="report"`) {
		t.Error("a city that takes no reports has a form")
	}
	if err := a.server.relay.Resume(t.Context(), city.ID); err != nil {
		t.Fatal(err)
	}
	if err := a.server.db.EnableBot(t.Context(), b.ID, false); err != nil {
		t.Fatal(err)
	}
	a.server.notices.Changed(city.ID)
	a.browser().post("/city/nuernberg/web/report", url.Values{"text": {"U1 Plärrer"}}, http.StatusNotFound)
	if page = a.browser().get("/city/nuernberg", http.StatusOK); strings.Contains(page, `id="report"`) {
		t.Error("a page that takes no reports has a form")
	}
	a.browser().post("/city/nowhere/web/report", url.Values{"text": {"U1 Plärrer"}}, http.StatusNotFound)
	if texts := a.passed(city); len(texts) > 0 {
		t.Errorf("passed on: %q", texts)
	}
}

// TestReportOfThePageWithAKey has one report sent again and again, as after an answer that
// was lost, also at the same time: it is one.
func TestReportOfThePageWithAKey(t *testing.T) {
	a, city := startPages(t)
	form := url.Values{"text": {"U1 Plärrer"}, "key": {"0123456789abcdef0123456789abcdef"}, "written": {fmt.Sprint(time.Now().Add(-25 * time.Minute).Unix())}}
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			who := reporter{a, fmt.Sprintf("198.51.100.%d", i), true, "en"} // the phone has moved on
			if got := who.sendForm("nuernberg", form); got.status != http.StatusOK || got.ID == "" {
				t.Errorf("told %d %q", got.status, got.Text)
			}
		})
	}
	group.Wait()
	list, err := a.server.db.Reports(t.Context(), city.ID, true, 24*time.Hour, 10)
	if err != nil || len(list) != 1 {
		t.Fatalf("%d reports, %v", len(list), err)
	}
	if ago := time.Since(list[0].Report.Time); ago < 24*time.Minute || ago > 26*time.Minute {
		t.Errorf("it was written %s ago, want 25 minutes", ago)
	}
}

// TestBrakesOfThePage has one client report without end, another not be held for it, and
// behind a gateway, which hides who it is, the city's brake count alone.
func TestBrakesOfThePage(t *testing.T) {
	slow.Test(t, "waits for what is held, which nobody is told")
	a, city := startPages(t, "TICKETFREI_BRAKES_CLIENT=3", "TICKETFREI_BRAKES_CITY=6")
	outcomes := func(from string, n int) (got string) {
		for i := range n {
			who := reporter{a, from, true, "en"}
			got += who.reports("nuernberg", fmt.Sprintf("U1 %s %d", from, i)).Outcome[:1]
		}
		return got
	}
	for _, step := range []struct{ from, want string }{
		{"198.51.100.1", "pppr"},
		{"2001:db8::1", "pp"},
		{"", "prr"},
	} {
		if got := outcomes(step.from, len(step.want)); got != step.want {
			t.Errorf("%q: %s, want %s", step.from, got, step.want)
		}
	}
	a.mustSend("else@riders.example", "nuernberg@tickets.example", "m1@riders.example", "", "U1 by mail")
	waitUntil(t, "a mail, which others count for", func() bool { return len(a.passed(city)) == 7 })
}

// TestOneClientSendsSoMany has a client that sends without end be told so, before any
// of it is stored, and others not.
func TestOneClientSendsSoMany(t *testing.T) {
	a, _ := startPages(t, unbraked...)
	var last answered
	for i := range 21 {
		who := reporter{a, fmt.Sprintf("2001:db8:1:2::%d", i), false, "en"} // one network
		last = who.reports("nuernberg", fmt.Sprint("U1 ", i))
	}
	if last.status != http.StatusTooManyRequests || last.header.Get("Retry-After") == "" {
		t.Errorf("status %d, %v", last.status, last.header)
	}
	b := a.browser()
	if got := b.reads(last.page, "said"); !strings.HasPrefix(got, "That was a lot in a short time.") {
		t.Errorf("the page says %q", got)
	}
	if got := attr(b.part(last.page, "report-text"), "value"); got != "U1 20" {
		t.Errorf("the field holds %q", got)
	}
	if got := (reporter{a, "198.51.100.1", false, "en"}).reports("nuernberg", "U2"); got.status != http.StatusOK {
		t.Errorf("somebody else: status %d", got.status)
	}
}

// TestMutedOnThePage has a moderator mute who wrote on the page: for the day, and nobody
// else.
func TestMutedOnThePage(t *testing.T) {
	slow.Test(t, "waits for what is held, which nobody is told")
	a, city := startPages(t)
	first := reporter{a, "198.51.100.1", true, "en"}.reports("nuernberg", "U1 troll")
	list, err := a.server.db.Reports(t.Context(), city.ID, true, time.Hour, 1)
	if err != nil || len(list) != 1 || list[0].Report.ID != first.ID {
		t.Fatalf("%v, %v", list, err)
	}
	if err := a.server.db.Mute(t.Context(), city.ID, list[0].Report.Author); err != nil {
		t.Fatal(err)
	}
	if got := (reporter{a, "198.51.100.1", true, "en"}).reports("nuernberg", "U1 troll again"); got.Outcome != "received" {
		t.Errorf("who is muted learns %q", got.Outcome)
	}
	if got := (reporter{a, "198.51.100.2", true, "en"}).reports("nuernberg", "U1 Plärrer"); got.Outcome != "passed" {
		t.Errorf("somebody else: %q", got.Outcome)
	}
}

// TestFormInParts has a program send the form as some do.
func TestFormInParts(t *testing.T) {
	a, city := startPages(t)
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	if err := errors.Join(form.WriteField("text", "U1 Plärrer"), form.Close()); err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post(a.url+"/city/nuernberg/web/report", form.FormDataContentType(), &body)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if texts := a.passed(city); resp.StatusCode != http.StatusOK || len(texts) != 1 || texts[0] != "U1 Plärrer" {
		t.Errorf("answered %d, passed on: %q", resp.StatusCode, texts)
	}
}
