package app

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"ticketfrei/bots/all"
)

// TestMailsThatStrangersCause enters one address into every form of every city.
func TestMailsThatStrangersCause(t *testing.T) {
	box := startMailbox(t)
	a := startApp(t, t.TempDir(), box)
	a.addCity("nuernberg", "*", "")
	a.addCity("fuerth", "*", "")
	const rider, owner = "victim@riders.example", "moderator@fuerth.example"
	answers := map[string]bool{}
	for i := range 4 {
		for _, email := range []string{rider, owner} {
			b := a.browser()
			form := url.Values{"email": {email}}
			for _, slug := range []string{"nuernberg", "fuerth"} {
				answers[strings.ReplaceAll(b.post("/city/"+slug+"/mail/subscribe", form, http.StatusOK), email, "")] = true
			}
			form.Set("city", fmt.Sprintf("Erlangen %d", i))
			answers[b.post("/register", form, http.StatusOK)] = true
			answers[b.post("/password", form, http.StatusOK)] = true
		}
	}
	if len(answers) != 4 {
		t.Errorf("%d different answers of four forms", len(answers))
	}
	a.settled()
	for _, email := range []string{rider, owner} {
		if got := box.to(t, email, ""); len(got) != 3 {
			t.Errorf("%s got %d mails of strangers", email, len(got))
		}
	}
	box.waitFor(t, owner, "/password/") // one is kept for it
	a.stop()
	for _, line := range []string{rider, owner} {
		if strings.Contains(a.log.String(), line) {
			t.Errorf("the log names %s", line)
		}
	}
}

// TestAnswersDoNotTellWhoHasAnAccount compares the work that is done for an address
// with an account and for one without: the same statements, and as much to be
// stored, so that it takes as long.
func TestAnswersDoNotTellWhoHasAnAccount(t *testing.T) {
	definitions := all.Networks()
	cfg := appConfig(t, t.TempDir(), startMailbox(t), definitions)
	s, err := newServer(t.Context(), cfg, definitions, testLog(t, &logbook{}), mode{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	a := &app{T: t, server: s}
	a.addCity("nuernberg", "*", "")
	type work struct{ Status, Rows, Bytes int }
	post := func(path, email string) (done work) {
		t.Helper()
		before := a.work()
		form := url.Values{"email": {email}, "city": {"Erlangen"}, "password": {"wrong"}}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		s.site.ServeHTTP(w, r)
		rows, size := a.work()[0]-before[0], a.work()[1]-before[1]
		return work{w.Code, rows, size}
	}
	for _, path := range []string{"/password", "/register", "/login"} {
		known, unknown := post(path, "moderator@nuernberg.example"), post(path, "moderator@anderswo.example")
		if known.Status != unknown.Status || known.Rows != unknown.Rows || max(known.Bytes, unknown.Bytes)-min(known.Bytes, unknown.Bytes) > 250 {
			t.Errorf("%s: with an account %+v, without %+v", path, known, unknown)
		}
		if known.Rows == 0 {
			t.Errorf("%s stores nothing", path)
		}
	}
}

// work is what is stored by now of what the forms store: rows, and their size.
func (a *app) work() (sum [2]int) {
	a.Helper()
	for table, size := range map[string]string{"mails": "length(mail)", "limits": "length(key)", "registrations": "length(city_name)"} {
		var got struct{ Rows, Bytes int }
		if err := a.server.db.Read(a.Context()).Raw("SELECT count(*) AS rows, coalesce(sum(" + size + "), 0) AS bytes FROM " + table).Scan(&got).Error; err != nil {
			a.Fatal(err)
		}
		sum[0], sum[1] = sum[0]+got.Rows, sum[1]+got.Bytes
	}
	return sum
}
