package telegram

import (
	"encoding/base64"
	"errors"
	"image/png"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"ticketfrei/bots"
	"ticketfrei/bots/botstest"
	"ticketfrei/bots/telegram/standin"
	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/config"
	"ticketfrei/internal/report"
)

// settings is what the settings page shows now.
func (w *world) settings() settings {
	w.t.Helper()
	b := must(w.network.cityBot(w.ctx, w.site.Visited))(w.t)
	return must(w.network.settings(w.ctx, w.site.Visited, b))(w.t)
}

func (w *world) enter(token string) int { return w.post("/token", url.Values{"token": {token}}) }

func (w *world) confirm() int {
	return w.post("/confirm", url.Values{"bot": {formatID(w.account.ID())}})
}

func TestConnecting(t *testing.T) {
	w := newWorld(t, standin.Options{})
	w.account.SetWebhook()
	pasted := "Done! Congratulations on your new bot. Use this token to access the HTTP API:\n" + w.account.Token() + "\nKeep your token secure"
	if status := w.enter(pasted); status != http.StatusSeeOther {
		t.Fatalf("answered %d, shown %+v", status, w.site.Shown)
	}
	s := w.settings()
	if s.Bot != nil || s.Pending == nil || s.Pending.Handle != "@Nuernberg_bot" || s.Pending.URL != "https://t.me/Nuernberg_bot" {
		t.Fatalf("before it is confirmed the page shows %+v", s)
	}
	if _, err := w.db.FindBot(w.ctx, w.city.ID, name); !errors.Is(err, db.ErrNotFound) {
		t.Fatalf("connected before it was confirmed: %v", err)
	}
	if status := w.post("/confirm", url.Values{"bot": {"1"}}); status != http.StatusUnprocessableEntity || w.site.Shown.Error != "telegram.error.waited" {
		t.Fatalf("another bot than the one shown: %d, %+v", status, w.site.Shown)
	}
	if status := w.confirm(); status != http.StatusSeeOther {
		t.Fatalf("confirm answered %d, shown %+v", status, w.site.Shown)
	}
	s = w.settings()
	if s.Bot == nil || s.Bot.Handle != "@Nuernberg_bot" || s.Pending != nil {
		t.Fatalf("connected, the page shows %+v", s)
	}
	if w.account.HasWebhook() {
		t.Error("the webhook is still set")
	}
	if w.account.Commands("") != len(menu) || w.account.Commands("de") != len(menu) {
		t.Error("the menu was not set in both languages")
	}
	row := must(w.db.FindBot(w.ctx, w.city.ID, name))(t)
	in := botstest.NewInbox()
	run := botstest.Receive(t, w.load(row), in)
	rider := w.server.AddUser("Rider", "de")
	rider.Write(w.account, "/start")
	rider.Write(w.account, "U1")
	in.Wait(t, 1)
	w.handled()
	run.Stop()

	t.Run("new token", func(t *testing.T) {
		w.account.Revoke()
		if w.enter(w.account.Token()) != http.StatusSeeOther || w.confirm() != http.StatusSeeOther {
			t.Fatalf("shown %+v", w.site.Shown)
		}
		w.wantChats(row, rider.ID())
		if a := must(w.network.store.account(w.ctx, row.ID))(t); a.NextUpdate != 3 || a.Token != w.account.Token() {
			t.Errorf("offset %d", a.NextUpdate)
		}
	})
	t.Run("another city", func(t *testing.T) {
		w.site.Visited = dbtest.MustCreateCity(t, w.db, "fuerth")
		if status := w.enter(w.account.Token()); status != http.StatusUnprocessableEntity || w.site.Shown.Error != "telegram.error.taken" {
			t.Errorf("answered %d, %q", status, w.site.Shown.Error)
		}
		// Both were shown the bot before one of them confirmed.
		check(t, w.network.store.savePending(w.ctx, pending{CityID: w.site.Visited.ID, TelegramID: w.account.ID(), Token: w.account.Token()}))
		if status := w.confirm(); status != http.StatusUnprocessableEntity || w.site.Shown.Error != "telegram.error.taken" {
			t.Errorf("answered %d, %q", status, w.site.Shown.Error)
		}
		w.site.Visited = w.city
	})
	t.Run("another bot", func(t *testing.T) {
		w.account = w.server.AddBot("other_bot", "Other")
		if w.enter(w.account.Token()) != http.StatusSeeOther || w.confirm() != http.StatusSeeOther {
			t.Fatalf("shown %+v", w.site.Shown)
		}
		w.wantChats(row)
		if a := must(w.network.store.account(w.ctx, row.ID))(t); a.NextUpdate != 0 || a.Username != "other_bot" {
			t.Errorf("account %+v", a)
		}
	})
	t.Run("disconnected", func(t *testing.T) {
		subscribed(w, row)
		check(t, w.network.Forget(w.ctx, row))
		w.wantChats(row)
		_, err := w.network.Bot(w.ctx, row, w.network.host.Log)
		botstest.WantKind(t, err, bots.KindRefused)
		if _, err := w.network.store.subscribe(w.ctx, row.ID, 5); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("somebody can still subscribe: %v", err)
		}
		if len(w.network.pacers) != 0 {
			t.Error("its pace is still remembered")
		}
	})
}

func TestWrongTokens(t *testing.T) {
	w := newWorld(t, standin.Options{})
	unknown := "123456789:AAEhBOweik6ad9r_QXMENQjcrGbqCr4K-bc"
	tests := map[string]struct {
		typed   string
		prepare func()
		want    string
	}{
		"empty":          {"", nil, "telegram.error.no_token"},
		"words":          {"my bot please", nil, "telegram.error.no_token"},
		"too short":      {"123456789:AAEhBOweik6", nil, "telegram.error.no_token"},
		"too long":       {unknown + "x", nil, "telegram.error.no_token"},
		"a path":         {"123456789:../../../../../../../../../../../../../", nil, "telegram.error.no_token"},
		"unknown":        {unknown, nil, "telegram.error.token_refused"},
		"broken":         {w.account.Token(), func() { w.account.Fail(502) }, "telegram.error.broken"},
		"server is away": {w.account.Token(), func() { check(t, w.server.Close()) }, "telegram.error.unreachable"},
	}
	for _, name := range []string{"empty", "words", "too short", "too long", "a path", "unknown", "broken", "server is away"} {
		tt := tests[name]
		t.Run(name, func(t *testing.T) {
			if tt.prepare != nil {
				tt.prepare()
			}
			if status := w.enter(tt.typed); status != http.StatusUnprocessableEntity || w.site.Shown.Error != tt.want || w.site.Shown.Token != tt.typed {
				t.Errorf("answered %d, shown %+v", status, w.site.Shown)
			}
			if s := w.settings(); s.Pending != nil {
				t.Errorf("waits to be confirmed: %+v", s.Pending)
			}
		})
	}
}

func TestCancelAndExpiry(t *testing.T) {
	w := newWorld(t, standin.Options{})
	w.enter(w.account.Token())
	if w.post("/cancel", nil) != http.StatusSeeOther || w.settings().Pending != nil {
		t.Error("cancelled, and still there")
	}
	w.enter(w.account.Token())
	w.clock.Move(61 * time.Minute)
	if status := w.confirm(); status != http.StatusUnprocessableEntity || w.site.Shown.Error != "telegram.error.waited" {
		t.Errorf("after an hour: %d, %+v", status, w.site.Shown)
	}
}

func TestTokenIsStoredEncrypted(t *testing.T) {
	w := newWorld(t, standin.Options{})
	w.enter(w.account.Token())
	var stored []string
	read := func(table string) {
		check(t, w.db.Read(w.ctx).Raw("SELECT token FROM "+table).Scan(&stored).Error)
		if len(stored) != 1 || strings.Contains(stored[0], w.account.Token()[:20]) {
			t.Errorf("%s: %q", table, stored)
		}
	}
	read("telegram_pending")
	w.confirm()
	read("telegram_bots")
}

func TestWelcomeText(t *testing.T) {
	w := newWorld(t, standin.Options{})
	w.site.Visited.Name = "nuernberg"
	row := w.connect()
	standard := w.text("telegram.welcome", "City", "nuernberg")
	if got := w.settings().Welcome; got != standard {
		t.Errorf("shown %q", got)
	}
	for _, tt := range []struct{ typed, stored string }{
		{" Moin!\r\nSchön, dass du da bist. ", "Moin!\nSchön, dass du da bist."},
		{strings.ReplaceAll(standard, "\n", "\r\n"), ""},
		{"Moin!", "Moin!"},
		{"", ""},
	} {
		if status := w.post("/welcome", url.Values{"welcome": {tt.typed}}); status != http.StatusSeeOther {
			t.Fatalf("answered %d: %+v", status, w.site.Shown)
		}
		if got := must(w.network.store.welcome(w.ctx, row.ID))(t); got != tt.stored {
			t.Errorf("stored %q, want %q", got, tt.stored)
		}
	}
	long := strings.Repeat("ü", maxWelcome+1)
	if status := w.post("/welcome", url.Values{"welcome": {long}}); status != http.StatusUnprocessableEntity ||
		w.site.Shown.WelcomeError == "" || w.site.Shown.Welcome != long {
		t.Errorf("too long: %d", status)
	}
}

func TestQRCode(t *testing.T) {
	link := must(qrCode("https://t.me/Nuernberg_bot"))(t)
	data, found := strings.CutPrefix(string(link), "data:image/png;base64,")
	picture, err := png.Decode(base64.NewDecoder(base64.StdEncoding, strings.NewReader(data)))
	if !found || err != nil || picture.Bounds().Dx() < 200 || picture.Bounds().Dx() != picture.Bounds().Dy() {
		t.Errorf("link %.40q, %v", link, err)
	}
}

// TestPages renders the templates with what they are given, in both languages.
func TestPages(t *testing.T) {
	w := newWorld(t, standin.Options{})
	w.enter(w.account.Token())
	waiting := w.settings()
	w.confirm()
	connected := w.settings()
	w.site.Visited = report.City{ID: 7}
	tests := map[string]struct {
		file string
		data any
		want []string
	}{
		"empty":     {"settings.tmpl", settings{}, []string{"BotFather", `name="token"`, `name="settings_city" value="7"`}},
		"wrong":     {"settings.tmpl", settings{Token: `"><b>`, Error: "telegram.error.connect", Says: "<i>no</i>"}, []string{"&lt;i&gt;no", "&#34;&gt;&lt;b&gt;", "aria-invalid"}},
		"waiting":   {"settings.tmpl", waiting, []string{"data:image/png;base64,", `href="https://t.me/Nuernberg_bot"`, `name="bot"`}},
		"connected": {"settings.tmpl", connected, []string{"@Nuernberg_bot", "<textarea", "data:image/png"}},
		"demo":      {"demo.tmpl", demoPage{Handle: "@x", Commands: []string{"/start"}, Yours: []demoLine{{Bot: true, Lines: []string{"a", "<b"}}}}, []string{"a<br>&lt;b", `value="/start"`}},
	}
	for name, tt := range tests {
		for _, language := range []string{"en", "de"} {
			t.Run(name+" "+language, func(t *testing.T) {
				html := w.site.Render(t, files, tt.file, language, tt.data)
				for _, want := range tt.want {
					if !strings.Contains(html, want) {
						t.Errorf("there is no %q in %s", want, html)
					}
				}
			})
		}
	}
}

func TestSetting(t *testing.T) {
	for _, api := range []string{"", "api.telegram.org", "ftp://x", "https://", "https://user:pw@x", "https://x?y=1"} {
		if _, err := newNetwork(bots.Host{}, &options{API: api}); err == nil || !strings.Contains(err.Error(), "telegram.api") {
			t.Errorf("telegram.api = %q: %v", api, err)
		}
	}
	d := Definition()
	_, err := config.Load(config.Source{Defaults: nil, Sections: []*config.Section{d.Settings}})
	if err != nil && strings.Contains(err.Error(), "telegram") {
		t.Errorf("defaults: %v", err)
	}
	if d.Settings.Target.(*options).API != "https://api.telegram.org" {
		t.Errorf("default %q", d.Settings.Target.(*options).API)
	}
}

func TestDemo(t *testing.T) {
	w := newWorld(t, standin.Options{})
	h := must(w.network.StartDemo(w.ctx, w.site, w.city))(t)
	row := must(w.db.FindBot(w.ctx, w.city.ID, name))(t)
	if n := must(w.network.CountRecipients(w.ctx, row))(t); n != 2 {
		t.Fatalf("%d subscribers, want 2", n)
	}
	b, in := w.load(row), botstest.NewInbox()
	check(t, b.Check(w.ctx))
	botstest.Receive(t, b, in)
	do := func(method string, form url.Values) int {
		return botstest.Request(t, h, method, "/", form).Code
	}
	if status := do(http.MethodPost, url.Values{"command": {"/ping"}, "text": {""}}); status != http.StatusSeeOther {
		t.Errorf("command answered %d", status)
	}
	do(http.MethodGet, nil)
	if list := w.site.ShownPage.Yours; len(list) != 2 || !list[0].Bot || list[1].Lines[0] != "/ping" {
		t.Errorf("chat %+v", list)
	}
	do(http.MethodPost, url.Values{"text": {"U1 Plärrer"}})
	in.Wait(t, 1)
	r := report.Report{ID: "r", Network: name, BotID: row.ID, Author: w.network.host.Secrets.Author(name, in.All()[0].Author), NetworkID: in.All()[0].ID, Text: "U1 Plärrer"}
	to := must(w.network.Recipients(w.ctx, row, r))(t)
	if len(to) != 1 {
		t.Fatalf("goes to %v", to)
	}
	must(b.Send(w.ctx, report.NewDelivery(r, row, to[0])))(t)
	do(http.MethodGet, nil)
	if list := w.site.ShownPage.Other; len(list) != 1 || list[0].Lines[0] != "U1 Plärrer" {
		t.Errorf("the other's chat %+v", list)
	}
	if do(http.MethodPost, nil) != http.StatusUnprocessableEntity || w.site.ShownPage.Error == "" {
		t.Error("nothing was taken for something")
	}
}
