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
	"ticketfrei/bots/kit/account"
	"ticketfrei/bots/kit/kittest"
	fault "ticketfrei/bots/kit/standin"
	"ticketfrei/bots/mastodon/standin"
	"ticketfrei/internal/report"
)

// authorize goes the way of a person: the form, the instance's page, its button,
// and back. It returns where the browser is sent to in the end.
func (w *world) authorize(answer string) (back string) {
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

// card is what the settings page shows now.
func (w *world) card() *account.Card {
	w.t.Helper()
	own := must(w.db.NetworkBots(w.ctx, w.site.Visited.ID, name))(w.t)
	return must(w.network.Settings(w.ctx, w.site.Visited, own))(w.t).(*account.Card)
}

// says is a text of the pages.
func (w *world) says(id string, data ...any) string { return w.site.Texts.T("en", id, data...) }

// wrong is what is shown beside a field of the token form.
func (w *world) wrong(field string) string {
	for _, f := range w.site.Shown.Fields {
		if f.Name == field {
			return f.Error
		}
	}
	return ""
}

func TestLoginByOAuth(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	back := w.authorize("authorize")
	if status, location := w.do("GET", back, nil); status != http.StatusSeeOther || location != "/settings/networks#network-mastodon" {
		t.Fatalf("callback answered %d to %q, shown %+v", status, location, w.site.Shown)
	}
	shown := w.card()
	if len(shown.Accounts) > 0 || shown.Waiting == nil || shown.Waiting.Handle != "@"+w.account.Handle() || shown.Waiting.URL != w.account.URL() {
		t.Fatalf("before it is confirmed the page shows %+v", shown)
	}
	if _, err := w.db.FindBot(w.ctx, w.city.ID, name); err == nil {
		t.Fatal("a GET has connected the bot")
	}
	if status, _ := w.do("POST", "/settings/mastodon/confirm", url.Values{"account": {shown.Waiting.ID}}); status != http.StatusSeeOther {
		t.Fatalf("confirm answered %d, shown %+v", status, w.site.Shown)
	}
	shown = w.card()
	if len(shown.Accounts) != 1 || shown.Accounts[0].Handle != "@"+w.account.Handle() || shown.Waiting != nil {
		t.Fatalf("confirmed, the page shows %+v", shown)
	}
	row := must(w.db.FindBot(w.ctx, w.city.ID, name))(t)
	text, link, err := w.network.(bots.Addressed).Address(w.ctx, w.city, row)
	if text != "@"+w.account.Handle() || link != w.account.URL() || err != nil {
		t.Errorf("Address = %q, %q, %v", text, link, err)
	}

	// The narrow permissions are enough for all that a bot does.
	b := w.load(row)
	check(t, b.Check(w.ctx))
	if !w.account.AcceptsPrivate() {
		t.Error("the policy was not set")
	}
	in := kittest.NewInbox()
	run := kittest.Receive(t, b, in)
	w.streaming()
	w.account.Mention("rider@example.org", "U1", "direct")
	in.Wait(t, 1)
	receipt := must(b.Send(w.ctx, elsewhere(row, "U2")))(t)
	check(t, b.Retract(w.ctx, report.Delivery{Retract: &receipt}))
	run.Stop()

	tokens := w.account.Tokens()
	check(t, w.network.Forget(w.ctx, row))
	if got := w.account.Tokens(); got != tokens-1 {
		t.Errorf("%d tokens are left of %d: disconnecting revokes one", got, tokens)
	}
	_, err = w.network.Bot(w.ctx, row, w.host.Log)
	kittest.WantKind(t, err, bots.KindRefused) // nothing is stored any more
}

func TestCallbackIsGoodOnce(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(w *world, back string) string
	}{
		"used twice": {func(w *world, back string) string {
			w.do("GET", back, nil)
			return back
		}},
		"too late": {func(w *world, back string) string {
			w.clock.Move(11 * time.Minute)
			return back
		}},
		"of another city": {func(w *world, back string) string {
			w.site.Visited.ID++
			return back
		}},
		"begun again": {func(w *world, back string) string {
			w.authorize("authorize")
			return back
		}},
		"without state": {func(*world, string) string { return "/settings/mastodon/callback?code=x" }},
		"another code": {func(_ *world, back string) string {
			return strings.Replace(back, "code=", "code=x", 1)
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, standin.Options{})
			status, _ := w.do("GET", tt.change(w, w.authorize("authorize")), nil)
			if status != http.StatusUnprocessableEntity || w.site.Shown.Error != w.says("mastodon.error.state") {
				t.Errorf("callback answered %d with %q", status, w.site.Shown.Error)
			}
		})
	}
}

func TestPermissionDenied(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	if w.do("GET", w.authorize("deny"), nil); w.site.Shown.Error != w.says("mastodon.error.denied") {
		t.Errorf("error %q", w.site.Shown.Error)
	}
}

func TestAppIsRegisteredOnceAndAgainWhenForgotten(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	w.authorize("authorize")
	w.authorize("authorize")
	if n := w.server.Apps(); n != 1 {
		t.Errorf("%d apps were registered", n)
	}
	w.server.ForgetApps()
	if status, _ := w.do("GET", w.authorize("authorize"), nil); status != http.StatusSeeOther {
		t.Errorf("after the instance forgot the app: %d, %+v", status, w.site.Shown)
	}
}

func TestLoginByToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	typed := url.Values{"instance": {w.server.URL + "/@bot"}, "token": {" " + w.account.Token() + "\n"}}
	if status, _ := w.do("POST", "/settings/mastodon/token", typed); status != http.StatusSeeOther {
		t.Fatalf("token answered %d, shown %+v", status, w.site.Shown)
	}
	if got := w.card().Waiting; got == nil || got.Handle != "@"+w.account.Handle() {
		t.Fatalf("to be confirmed: %+v", got)
	}
	t.Run("dropped", func(t *testing.T) {
		w.do("POST", "/settings/mastodon/cancel", nil)
		if s := w.card(); s.Waiting != nil {
			t.Errorf("still there: %+v", s.Waiting)
		}
		w.do("POST", "/settings/mastodon/confirm", url.Values{"account": {w.account.ID()}})
		if w.site.Shown.Error != w.says("kit.account.waited") {
			t.Errorf("error %q", w.site.Shown.Error)
		}
	})
	t.Run("another account than was shown", func(t *testing.T) {
		w.do("POST", "/settings/mastodon/token", typed)
		w.do("POST", "/settings/mastodon/confirm", url.Values{"account": {"other"}})
		if w.site.Shown.Error != w.says("kit.account.another") || len(w.card().Accounts) > 0 {
			t.Errorf("error %q", w.site.Shown.Error)
		}
	})
	t.Run("waited too long", func(t *testing.T) {
		w.clock.Move(2 * time.Hour)
		if s := w.card(); s.Waiting != nil {
			t.Errorf("still there: %+v", s.Waiting)
		}
	})
}

func TestWrongInputComesBackAsTheForm(t *testing.T) {
	t.Parallel()
	website := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "<html>a web site</html>")
	}))
	t.Cleanup(website.Close)
	type says struct {
		id   string
		code string // of the answer, after the sentence
	}
	remote := func(id string, code ...string) *says { return &says{"kit.remote." + id, strings.Join(code, "")} }
	mine := func(id string) *says { return &says{"mastodon.error." + id, ""} }
	tests := map[string]struct {
		instance, token string // "" is the test server, or its account's token
		prepare         func(w *world)
		connect, paste  *says // errors of either form
		field           string
	}{
		"nonsense":       {instance: "my instance", connect: mine("bad_instance"), paste: mine("bad_instance"), field: "instance"},
		"no Mastodon":    {instance: website.URL, connect: remote("not_the_api"), paste: remote("not_the_api"), field: "instance"},
		"unknown host":   {instance: "does-not-exist.invalid", connect: remote("unknown_host"), paste: remote("unknown_host"), field: "instance"},
		"nobody listens": {instance: "http://127.0.0.1:1", connect: remote("unreachable"), paste: remote("unreachable"), field: "instance"},
		"trouble": {prepare: func(w *world) { w.server.Fail("", -1, fault.HTML(http.StatusServiceUnavailable)) },
			connect: remote("broken"), paste: remote("broken")},
		"private address": {prepare: func(w *world) {
			w.host.HTTP = bots.NewHTTPClient(false, nil)
			w.open()
		}, connect: remote("private_host"), paste: remote("private_host"), field: "instance"},
		"token refused": {token: "wrong", paste: remote("refused", "HTTP 401")},
		"no token":      {token: "ünicode", paste: mine("no_token")},
		"suspended":     {prepare: func(w *world) { w.account.Suspend(true) }, paste: remote("refused", "HTTP 403")},
		"too many": {prepare: func(w *world) {
			w.server.SetRateLimit(1, time.Hour)
			must(w.driver.client(w.server.URL, w.account.Token()).acceptStrangers(w.ctx))(w.t)
		}, paste: remote("limited")},
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
			if tt.field == "" {
				tt.field = "token"
			}
			base, _ := parseInstance(tt.instance, true)
			words := func(s *says) string {
				said := w.says(s.id, "Name", hostOf(base))
				if s.code != "" {
					said += " " + w.says("kit.remote.code", "Code", s.code)
				}
				return said
			}
			w.do("POST", "/settings/mastodon/token", url.Values{"instance": {tt.instance}, "token": {tt.token}})
			if got := w.site.Shown; w.wrong(tt.field) != words(tt.paste) || got.Typed("instance") != tt.instance || got.Typed("token") != tt.token {
				t.Errorf("token form shows %+v, want error %s", got, words(tt.paste))
			}
			if tt.connect == nil {
				return
			}
			w.do("POST", "/settings/mastodon/connect", url.Values{"instance": {tt.instance}})
			if got := w.site.Shown; got.Error != words(tt.connect) || got.Typed("instance") != tt.instance {
				t.Errorf("login form shows %+v, want error %s", got, words(tt.connect))
			}
		})
	}
}

func TestAccountBelongsToOneCity(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	first := w.city
	moderator := must(w.db.CreateModerator(w.ctx, "second@example.org", "hash"))(t)
	second := must(w.db.CreateCity(w.ctx, report.City{Slug: "fuerth", Name: "Fürth", Language: "de"}, moderator.ID, nil))(t)
	w.site.Visited = second
	w.do("POST", "/settings/mastodon/token", w.login()) // which waits while another city is faster
	w.site.Visited = first
	w.connect()
	w.site.Visited = second
	w.do("POST", "/settings/mastodon/confirm", url.Values{"account": {w.account.ID()}})
	if w.site.Shown.Error != w.says("kit.account.taken") {
		t.Errorf("error %q", w.site.Shown.Error)
	}
	w.do("POST", "/settings/mastodon/token", w.login())
	if w.wrong("token") != w.says("kit.account.taken") || w.card().Waiting != nil {
		t.Errorf("error %q, waiting %v", w.wrong("token"), w.card().Waiting)
	}
	w.do("GET", w.authorize("authorize"), nil)
	if w.site.Shown.Error != w.says("kit.account.taken") {
		t.Errorf("on the instance: error %q", w.site.Shown.Error)
	}
	if _, err := w.db.FindBot(w.ctx, second.ID, name); err == nil {
		t.Error("the second city has a bot")
	}
}

func TestLoggingInAgainKeepsTheCursor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	w.account.Mention("rider@example.org", "old", "public")
	row := w.connect()
	w.account.Mention("rider@example.org", "while the token was refused", "public")
	again := w.connect()
	if again.ID != row.ID {
		t.Fatalf("bot %d became %d", row.ID, again.ID)
	}
	in := kittest.NewInbox()
	kittest.Receive(t, w.load(again), in)
	in.WaitFor(t, "while the token was refused")

	other := w.server.AddAccount("other")
	other.Mention("rider@example.org", "old of the other", "public")
	w.account = other
	second := w.connect()
	if second.ID == row.ID || len(w.card().Accounts) != 2 {
		t.Fatalf("another account became the bot %d, which was %d's", second.ID, row.ID)
	}
	other.Mention("rider@example.org", "new of the other", "public")
	of := kittest.NewInbox()
	kittest.Receive(t, w.load(second), of)
	of.WaitFor(t, "new of the other")
	if len(of.Texts()) != 1 {
		t.Errorf("heard %q", of.Texts())
	}
}

func TestTokensAreSealed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	w.do("GET", w.authorize("authorize"), nil)
	w.connect()
	w.do("POST", "/settings/mastodon/token", w.login())
	for _, query := range []string{"SELECT token FROM mastodon_accounts", "SELECT token FROM mastodon_logins", "SELECT secret FROM mastodon_apps"} {
		var stored []string
		check(t, w.db.Read(w.ctx).Raw(query).Scan(&stored).Error)
		if len(stored) != 1 || stored[0] == "" || strings.HasPrefix(stored[0], "token") || strings.HasPrefix(stored[0], "secret") {
			t.Errorf("%s: %q", query, stored)
		}
	}
}
