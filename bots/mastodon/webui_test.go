package mastodon

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"ticketfrei/bots"
	"ticketfrei/bots/botstest"
	"ticketfrei/bots/mastodon/standin"
	"ticketfrei/internal/report"
)

// login goes the way of a person: the form, the instance's page, its button,
// and back. It returns where the browser is sent to in the end.
func (w *world) login(answer string) (back string) {
	w.t.Helper()
	status, location := w.do("POST", "/settings/mastodon/connect", url.Values{"instance": {w.server.URL}})
	if status != http.StatusSeeOther {
		w.t.Fatalf("connect answered %d, shown %+v", status, w.site.Shown)
	}
	page := must(http.Get(location))(w.t)
	body := must(io.ReadAll(page.Body))(w.t)
	page.Body.Close()
	if page.StatusCode != http.StatusOK || !strings.Contains(string(body), "Ticketfrei would like permission") {
		w.t.Fatalf("the instance shows %d: %s", page.StatusCode, body)
	}
	form := must(url.Parse(location))(w.t).Query()
	form.Set("answer", answer)
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp := must(browser.PostForm(w.server.URL+"/oauth/authorize", form))(w.t)
	resp.Body.Close()
	back, found := strings.CutPrefix(resp.Header.Get("Location"), "https://ticketfrei.example")
	if !found {
		w.t.Fatalf("sent back to %q", resp.Header.Get("Location"))
	}
	return back
}

// settings is what the settings page shows now.
func (w *world) settings() settings {
	w.t.Helper()
	var bot *report.Bot
	if b, err := w.db.FindBot(w.ctx, w.city.ID, name); err == nil {
		bot = &b
	}
	return must(w.network.settings(w.ctx, w.city, bot))(w.t)
}

func TestLoginByOAuth(t *testing.T) {
	w := newWorld(t, standin.Options{})
	back := w.login("authorize")
	if status, location := w.do("GET", back, nil); status != http.StatusSeeOther || location != "/settings#network-mastodon" {
		t.Fatalf("callback answered %d to %q, shown %+v", status, location, w.site.Shown)
	}
	shown := w.settings()
	if shown.Account != nil || shown.Pending == nil || shown.Pending.Handle != "@"+w.account.Handle() || shown.Pending.URL != w.account.URL() {
		t.Fatalf("before it is confirmed the page shows %+v", shown)
	}
	if _, err := w.db.FindBot(w.ctx, w.city.ID, name); err == nil {
		t.Fatal("a GET has connected the bot")
	}
	if status, _ := w.do("POST", "/settings/mastodon/confirm", url.Values{"account": {shown.Pending.ID}}); status != http.StatusSeeOther {
		t.Fatalf("confirm answered %d, shown %+v", status, w.site.Shown)
	}
	shown = w.settings()
	if shown.Account == nil || shown.Account.Handle != "@"+w.account.Handle() || shown.Pending != nil {
		t.Fatalf("confirmed, the page shows %+v", shown)
	}
	row := must(w.db.FindBot(w.ctx, w.city.ID, name))(t)
	text, link, err := w.network.Address(w.ctx, w.city, row)
	if text != "@"+w.account.Handle() || link != w.account.URL() || err != nil {
		t.Errorf("Address = %q, %q, %v", text, link, err)
	}

	// The narrow permissions are enough for all that a bot does.
	b := w.load(row)
	check(t, b.Check(w.ctx))
	if !w.account.AcceptsPrivate() {
		t.Error("the policy was not set")
	}
	in := botstest.NewInbox()
	run := botstest.Receive(t, b, in)
	w.streaming()
	w.account.Mention("rider@example.org", "U1", "direct")
	in.Wait(t, 1)
	receipt := must(b.Send(w.ctx, elsewhere(b, "U2")))(t)
	check(t, b.Retract(w.ctx, report.Delivery{Retract: &receipt}))
	run.Stop()

	tokens := w.account.Tokens()
	check(t, w.network.Forget(w.ctx, row))
	if got := w.account.Tokens(); got != tokens-1 {
		t.Errorf("%d tokens are left of %d: disconnecting revokes one", got, tokens)
	}
	_, err = w.network.Bot(w.ctx, row, w.network.host.Log)
	botstest.WantKind(t, err, bots.KindRefused) // nothing is stored any more
}

func TestCallbackIsGoodOnce(t *testing.T) {
	tests := map[string]struct {
		change func(w *world, back string) string
		want   string
	}{
		"used twice": {func(w *world, back string) string {
			w.do("GET", back, nil)
			return back
		}, "mastodon.error.state"},
		"too late": {func(w *world, back string) string {
			w.clock.Move(11 * time.Minute)
			return back
		}, "mastodon.error.state"},
		"of another city": {func(w *world, back string) string {
			w.site.Visited.ID++
			return back
		}, "mastodon.error.state"},
		"begun anew": {func(w *world, back string) string {
			w.login("authorize")
			return back
		}, "mastodon.error.state"},
		"without state": {func(*world, string) string { return "/settings/mastodon/callback?code=x" }, "mastodon.error.state"},
		"another code": {func(_ *world, back string) string {
			return strings.Replace(back, "code=", "code=x", 1)
		}, "mastodon.error.state"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, standin.Options{})
			status, _ := w.do("GET", tt.change(w, w.login("authorize")), nil)
			if status != http.StatusUnprocessableEntity || w.site.Shown.Error != tt.want {
				t.Errorf("callback answered %d with %q, want %q", status, w.site.Shown.Error, tt.want)
			}
		})
	}
}

func TestPermissionDenied(t *testing.T) {
	w := newWorld(t, standin.Options{})
	if w.do("GET", w.login("deny"), nil); w.site.Shown.Error != "mastodon.error.denied" {
		t.Errorf("error %q", w.site.Shown.Error)
	}
}

func TestAppIsRegisteredOnceAndAgainWhenForgotten(t *testing.T) {
	w := newWorld(t, standin.Options{})
	w.login("authorize")
	w.login("authorize")
	if n := w.server.Apps(); n != 1 {
		t.Errorf("%d apps were registered", n)
	}
	w.server.ForgetApps()
	if status, _ := w.do("GET", w.login("authorize"), nil); status != http.StatusSeeOther {
		t.Errorf("after the instance forgot the app: %d, %+v", status, w.site.Shown)
	}
}

func TestLoginByToken(t *testing.T) {
	w := newWorld(t, standin.Options{})
	typed := url.Values{"instance": {w.server.URL + "/@bot"}, "token": {" " + w.account.Token() + "\n"}}
	if status, _ := w.do("POST", "/settings/mastodon/token", typed); status != http.StatusSeeOther {
		t.Fatalf("token answered %d, shown %+v", status, w.site.Shown)
	}
	if got := w.settings().Pending; got == nil || got.Handle != "@"+w.account.Handle() {
		t.Fatalf("to be confirmed: %+v", got)
	}
	t.Run("dropped", func(t *testing.T) {
		w.do("POST", "/settings/mastodon/cancel", nil)
		if s := w.settings(); s.Pending != nil {
			t.Errorf("still there: %+v", s.Pending)
		}
		w.do("POST", "/settings/mastodon/confirm", url.Values{"account": {w.account.ID()}})
		if w.site.Shown.Error != "mastodon.error.waited" {
			t.Errorf("error %q", w.site.Shown.Error)
		}
	})
	t.Run("another account than was shown", func(t *testing.T) {
		w.do("POST", "/settings/mastodon/token", typed)
		w.do("POST", "/settings/mastodon/confirm", url.Values{"account": {"other"}})
		if w.site.Shown.Error != "mastodon.error.waited" || w.settings().Account != nil {
			t.Errorf("error %q", w.site.Shown.Error)
		}
	})
	t.Run("waited too long", func(t *testing.T) {
		w.clock.Move(2 * time.Hour)
		if s := w.settings(); s.Pending != nil {
			t.Errorf("still there: %+v", s.Pending)
		}
	})
}

func TestWrongInputComesBackAsTheForm(t *testing.T) {
	website := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "<html>a web site</html>")
	}))
	t.Cleanup(website.Close)
	tests := map[string]struct {
		instance, token string // "" is the test server, or its account's token
		prepare         func(w *world)
		connect, paste  string // errors of either form
	}{
		"nonsense":       {instance: "my instance", connect: "bad_instance", paste: "bad_instance"},
		"no Mastodon":    {instance: website.URL, connect: "not_mastodon", paste: "not_mastodon"},
		"unknown host":   {instance: "does-not-exist.invalid", connect: "unknown_host", paste: "unknown_host"},
		"nobody listens": {instance: "http://127.0.0.1:1", connect: "unreachable", paste: "unreachable"},
		"trouble":        {prepare: func(w *world) { w.server.SetFault(standin.Fault{Status: 503}) }, connect: "broken", paste: "broken"},
		"private address": {prepare: func(w *world) {
			w.network.host.HTTP = bots.NewHTTPClient(false)
		}, connect: "private_host", paste: "private_host"},
		"token refused": {token: "wrong", paste: "token_refused"},
		"no token":      {token: "ünicode", paste: "no_token"},
		"suspended":     {prepare: func(w *world) { w.account.Suspend(true) }, paste: "token_refused"},
		"too many": {prepare: func(w *world) {
			w.server.SetRateLimit(1, time.Hour)
			must(w.network.client(w.server.URL, w.account.Token()).acceptStrangers(w.ctx))(w.t)
		}, paste: "too_many"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, standin.Options{})
			if tt.prepare != nil {
				tt.prepare(w)
			}
			if tt.instance == "" {
				tt.instance = w.server.URL
			}
			if tt.token == "" {
				tt.token = w.account.Token()
			}
			w.do("POST", "/settings/mastodon/token", url.Values{"instance": {tt.instance}, "token": {tt.token}})
			if got := w.site.Shown; got.TokenError != "mastodon.error."+tt.paste || got.TokenInstance != tt.instance || got.Token != tt.token {
				t.Errorf("token form shows %+v, want error %s", got, tt.paste)
			}
			if tt.connect == "" {
				return
			}
			w.do("POST", "/settings/mastodon/connect", url.Values{"instance": {tt.instance}})
			if got := w.site.Shown; got.Error != "mastodon.error."+tt.connect || got.Instance != tt.instance {
				t.Errorf("login form shows %+v, want error %s", got, tt.connect)
			}
		})
	}
}

func TestAccountBelongsToOneCity(t *testing.T) {
	w := newWorld(t, standin.Options{})
	w.connect()
	moderator := must(w.db.CreateModerator(w.ctx, "second@example.org", "hash"))(t)
	w.site.Visited = must(w.db.CreateCity(w.ctx, report.City{Slug: "fuerth", Name: "Fürth", Language: "de"}, moderator.ID, nil))(t)
	w.do("POST", "/settings/mastodon/token", url.Values{"instance": {w.server.URL}, "token": {w.account.Token()}})
	w.do("POST", "/settings/mastodon/confirm", url.Values{"account": {w.account.ID()}})
	if w.site.Shown.Error != "mastodon.error.taken" {
		t.Errorf("error %q", w.site.Shown.Error)
	}
	if _, err := w.db.FindBot(w.ctx, w.site.Visited.ID, name); err == nil {
		t.Error("the second city has a bot")
	}
}

func TestLoggingInAgainKeepsTheCursor(t *testing.T) {
	w := newWorld(t, standin.Options{})
	w.account.Mention("rider@example.org", "old", "public")
	row := w.connect()
	w.account.Mention("rider@example.org", "while the token was refused", "public")
	again := w.connect()
	if again.ID != row.ID {
		t.Fatalf("bot %d became %d", row.ID, again.ID)
	}
	in := botstest.NewInbox()
	botstest.Receive(t, w.load(again), in)
	in.WaitFor(t, "while the token was refused")

	other := w.server.AddAccount("other")
	other.Mention("rider@example.org", "old of the other", "public")
	w.account = other
	w.connect()
	b := w.load(again)
	if b.cursor == "" || b.account.Handle != other.Handle() {
		t.Errorf("another account begins at %q as %s", b.cursor, b.account.Handle)
	}
}

func TestTokensAreSealed(t *testing.T) {
	w := newWorld(t, standin.Options{})
	w.do("GET", w.login("authorize"), nil)
	w.connect()
	check(t, w.network.hold(w.ctx, w.city, w.server.URL, w.account.Token()))
	for _, query := range []string{"SELECT token FROM mastodon_accounts", "SELECT token FROM mastodon_pending", "SELECT secret FROM mastodon_apps"} {
		var stored []string
		check(t, w.db.Read(w.ctx).Raw(query).Scan(&stored).Error)
		if len(stored) != 1 || stored[0] == "" || strings.HasPrefix(stored[0], "token") || strings.HasPrefix(stored[0], "secret") {
			t.Errorf("%s: %q", query, stored)
		}
	}
}

func TestTemplates(t *testing.T) {
	w := newWorld(t, standin.Options{})
	account := &profile{ID: "1", Handle: "@bot@mastodon.example", URL: "https://mastodon.example/@bot", Instance: "mastodon.example"}
	pages := map[string]struct {
		file string
		data any
		want string
	}{
		"nothing connected": {"settings.tmpl", settings{}, `action="/settings/mastodon/connect"`},
		"connected":         {"settings.tmpl", settings{Account: account}, `<a href="https://mastodon.example/@bot"`},
		"to be confirmed":   {"settings.tmpl", settings{Pending: account}, `action="/settings/mastodon/confirm"`},
		"errors": {"settings.tmpl", settings{Instance: "a<b", Error: string(noAnswer), TokenError: string(loginRefused), TokenSays: "go <away>"},
			`go &lt;away&gt;`},
		"demo empty": {"demo.tmpl", demoPage{Handle: "@bot@x"}, `action="/demo/mastodon"`},
		"demo": {"demo.tmpl", demoPage{Handle: "@bot@x", Entries: []demoEntry{{Text: "posted text", Visibility: "public"},
			{Boost: true, Author: "@rider@x"}, {Visibility: "direct"}}, Error: "mastodon.demo.empty"}, "posted text"},
	}
	for name, tt := range pages {
		for _, lang := range []string{"en", "de"} {
			t.Run(name+" "+lang, func(t *testing.T) {
				if html := w.site.Render(t, files, tt.file, lang, tt.data); !strings.Contains(html, tt.want) {
					t.Errorf("%q is missing in:\n%s", tt.want, html)
				}
			})
		}
	}
}

func TestEveryTroubleHasItsTexts(t *testing.T) {
	w := newWorld(t, standin.Options{})
	ids := []string{"mastodon.error.state", "mastodon.error.denied", "mastodon.error.waited", "mastodon.error.taken", "mastodon.error.no_token",
		"mastodon.error.token_refused", "mastodon.error.bad_instance", "mastodon.please_confirm", "mastodon.connected", "mastodon.cancelled", "mastodon.picture"}
	for id := range plain {
		ids = append(ids, string(id))
	}
	for _, id := range ids {
		if !w.site.Texts.Has(id) {
			t.Errorf("text %s is missing", id)
		}
	}
}

func TestDemo(t *testing.T) {
	w := newWorld(t, standin.Options{})
	handler := must(w.network.StartDemo(w.ctx, w.site, w.city))(t)
	row := must(w.db.FindBot(w.ctx, w.city.ID, name))(t)
	b := w.load(row)
	check(t, b.Check(w.ctx))
	in := botstest.NewInbox()
	botstest.Receive(t, b, in)
	write := func(text, visibility string) int {
		return botstest.Request(t, handler, "POST", "/", url.Values{"text": {text}, "visibility": {visibility}}).Code
	}
	if code := write("U1 öffentlich", "public"); code != http.StatusSeeOther {
		t.Fatalf("writing answered %d", code)
	}
	write("U1 leise", "direct")
	in.Wait(t, 2)
	for _, i := range in.All() {
		d := delivery(b, i.Visibility, i.Text)
		d.Report.NetworkID = i.ID
		must(b.Send(w.ctx, d))(t)
	}
	if code := write(" ", "public"); code != http.StatusUnprocessableEntity || w.site.ShownPage.Error == "" {
		t.Errorf("an empty text was answered with %d", code)
	}
	code := botstest.Request(t, handler, "GET", "/", nil).Code
	var boosted, posted string
	for _, e := range w.site.ShownPage.Entries {
		if e.Boost {
			boosted = e.Text
		} else {
			posted = e.Text
		}
	}
	if code != http.StatusOK || boosted != "U1 öffentlich" || posted != "U1 leise" {
		t.Errorf("page %d shows %+v", code, w.site.ShownPage)
	}
}
