package scaffold

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"ticketfrei/bots/botstest"
	"ticketfrei/tools/newnetwork/scaffold/scaffoldtest"
)

func TestSettings(t *testing.T) {
	w := newWorld(t)
	b, city := w.login("nuernberg")
	connect := func(address, token string, status int) string {
		t.Helper()
		return b.post("/settings/scaffold/connect", url.Values{"settings_city": {strconv.FormatInt(city.ID, 10)},
			"address": {address}, "token": {token}}, status)
	}
	shows(t, b.get("/settings"), `action="/settings/scaffold/connect`, w.network.host.Texts.T("en", "scaffold.lead"))

	mistakes := []struct{ name, address, token, textID string }{
		{"no address", "", "token", "scaffold.error.bad_address"},
		{"bad address", "javascript:alert(1)", "token", "scaffold.error.bad_address"},
		{"no token", w.server.URL, "two words", "scaffold.error.no_token"},
		{"wrong token", w.server.URL, "wrong", "scaffold.error.refused"},
		{"nobody there", "http://127.0.0.1:1", "token", "scaffold.error.unreachable"},
		{"something else there", w.url, "token", "scaffold.error.other"},
	}
	for _, tt := range mistakes {
		t.Run(tt.name, func(t *testing.T) {
			page := connect(tt.address, tt.token, http.StatusUnprocessableEntity)
			shows(t, page, w.network.host.Texts.T("en", tt.textID), `value="`+tt.address+`"`, `aria-invalid="true"`)
			if _, err := w.db.FindBot(t.Context(), city.ID, name); err == nil {
				t.Error("a bot was made all the same")
			}
		})
	}

	t.Run("a form of another city's page", func(t *testing.T) {
		form := url.Values{"settings_city": {"999"}, "address": {w.server.URL}, "token": {w.server.Token()}}
		b.post("/settings/scaffold/connect", form, http.StatusConflict)
	})
	t.Run("connect", func(t *testing.T) {
		shows(t, connect(w.server.URL+"/", " "+w.server.Token()+" ", http.StatusOK), "@"+scaffoldtest.Handle+" is connected")
		page := b.get("/settings")
		shows(t, page, w.server.URL+"/@"+scaffoldtest.Handle)
		if strings.Contains(page, w.server.Token()) {
			t.Error("the token is shown")
		}
		shows(t, b.get("/city/nuernberg"), "@"+scaffoldtest.Handle)
	})
	t.Run("the token is encrypted", func(t *testing.T) {
		var stored string
		if err := w.db.Read(t.Context()).Raw("SELECT token FROM scaffold_accounts").Scan(&stored).Error; err != nil {
			t.Fatal(err)
		}
		if stored == "" || strings.Contains(stored, w.server.Token()) {
			t.Errorf("stored is %q", stored)
		}
	})
	t.Run("the account of another city", func(t *testing.T) {
		other, _ := w.login("fuerth")
		page := other.post("/settings/scaffold/connect", url.Values{"address": {w.server.URL}, "token": {w.server.Token()}}, http.StatusUnprocessableEntity)
		shows(t, page, w.network.host.Texts.T("en", "scaffold.error.taken"))
	})
	t.Run("a new token keeps the cursor", func(t *testing.T) {
		bot := must(w.db.FindBot(t.Context(), city.ID, name))(t)
		before := w.cursor(bot)
		w.server.Write(scaffoldtest.Message{Author: "rider", Text: "Kontis"})
		w.server.RevokeToken()
		connect(w.server.URL, w.server.Token(), http.StatusOK)
		if got := w.cursor(bot); got != before {
			t.Errorf("the cursor is %q, was %q: a message is lost", got, before)
		}
	})
	t.Run("disconnect", func(t *testing.T) {
		b.post("/settings/bots/scaffold/disconnect", nil, http.StatusOK)
		var left int
		if err := w.db.Read(t.Context()).Raw("SELECT count(*) FROM scaffold_accounts WHERE address = ?", w.server.URL).Scan(&left).Error; err != nil || left != 0 {
			t.Errorf("%d accounts are left, %v", left, err)
		}
	})
	t.Run("without login", func(t *testing.T) {
		form := url.Values{"address": {w.server.URL}, "token": {w.server.Token()}}
		shows(t, w.browser().post("/settings/scaffold/connect", form, http.StatusOK), `action="/login"`)
	})
}

func TestDemo(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	shows(t, b.get("/demo/scaffold"), `action="/demo/scaffold"`)
	b.post("/demo/scaffold", url.Values{"text": {" "}}, http.StatusUnprocessableEntity)
	city := must(w.db.FindCity(t.Context(), "demo"))(t)
	bot := must(w.db.FindBot(t.Context(), city.ID, name))(t)
	b.post("/demo/scaffold", url.Values{"text": {"Kontis am Plärrer"}}, http.StatusOK)
	in := botstest.NewInbox()
	botstest.Receive(t, w.load(bot), in)
	if got := in.Wait(t, 1); got[0].Text != "Kontis am Plärrer" {
		t.Errorf("heard %+v", got)
	}
	must(w.load(bot).Send(t.Context(), delivery(bot, "Kontis in der U2")))(t)
	shows(t, b.get("/demo/scaffold"), "Kontis in der U2")
}

func FuzzParseAddress(f *testing.F) {
	for _, seed := range []string{"toy.example", "https://toy.example/", "http://[::1]:80", "http://a@b", "x:y", "//", "https://ä.example", "HTTPS://TOY.example:8443"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		address, err := parseAddress(typed, true)
		if err != nil {
			return
		}
		u, err := url.Parse(address)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.Path != "" {
			t.Errorf("%q became %q: %v", typed, address, err)
		}
		if again, err := parseAddress(address, true); again != address || err != nil {
			t.Errorf("%q became %q, then %q, %v", typed, address, again, err)
		}
	})
}
