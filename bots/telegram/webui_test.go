package telegram

import (
	"encoding/base64"
	"errors"
	"html"
	"image/png"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/bots/kit"
	"ticketfrei/bots/kit/account"
	"ticketfrei/bots/kit/chat"
	"ticketfrei/bots/kit/kittest"
	"ticketfrei/bots/telegram/standin"
	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/config"
	"ticketfrei/internal/report"
)

// settings is what the settings page shows now.
func (w *world) settings() *chat.Card {
	w.t.Helper()
	own := must(w.db.NetworkBots(w.ctx, w.site.Visited.ID, name))(w.t)
	return must(w.network.Settings(w.ctx, w.site.Visited, own))(w.t).(*chat.Card)
}

func (w *world) enter(token string) int { return w.post("/token", url.Values{"token": {token}}) }

func (w *world) confirm() int {
	return w.post("/confirm", url.Values{"bot": {formatID(w.account.ID())}})
}

// login connects the account through the settings page.
func (w *world) login() {
	w.t.Helper()
	if w.enter(w.account.Token()) != http.StatusSeeOther || w.confirm() != http.StatusSeeOther {
		w.t.Fatalf("shown %+v", w.site.Shown)
	}
}

// wantWrong checks that the page which a form was answered with says what is
// wrong: at the field, or above all of them.
func (w *world) wantWrong(status int, words string) {
	w.t.Helper()
	shown := w.site.Shown
	if status != http.StatusUnprocessableEntity || shown.Error != words && shown.Fields[0].Error != words {
		w.t.Errorf("answered %d, shown %+v, want %q", status, shown.Card, words)
	}
}

func TestConnecting(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	w.account.SetWebhook()
	pasted := "Done! Congratulations on your new bot. Use this token to access the HTTP API:\n" + w.account.Token() + "\nKeep your token secure"
	if status := w.enter(pasted); status != http.StatusSeeOther {
		t.Fatalf("answered %d, shown %+v", status, w.site.Shown)
	}
	s := w.settings()
	if len(s.Accounts) != 0 || s.Waiting == nil || s.Waiting.Handle != "@Nuernberg_bot" || s.Waiting.URL != "https://t.me/Nuernberg_bot" || s.Waiting.Name != "Nürnberg" {
		t.Fatalf("before it is confirmed the page shows %+v", s.Card)
	}
	if _, err := w.db.FindBot(w.ctx, w.city.ID, name); !errors.Is(err, db.ErrNotFound) {
		t.Fatalf("connected before it was confirmed: %v", err)
	}
	w.wantWrong(w.post("/confirm", url.Values{"bot": {"1"}}), w.text("kit.account.another"))
	if status := w.confirm(); status != http.StatusSeeOther {
		t.Fatalf("confirm answered %d, shown %+v", status, w.site.Shown)
	}
	s = w.settings()
	if len(s.Accounts) != 1 || s.Accounts[0].Handle != "@Nuernberg_bot" || s.Waiting != nil {
		t.Fatalf("connected, the page shows %+v", s.Card)
	}
	if w.account.HasWebhook() {
		t.Error("the webhook is still set")
	}
	row := must(w.db.FindBot(w.ctx, w.city.ID, name))(t)
	in := kittest.NewInbox()
	run := kittest.Receive(t, w.load(row), in)
	rider := w.server.AddUser("Rider", "de")
	rider.Write(w.account, "/start")
	rider.Write(w.account, "U1")
	in.Wait(t, 1)
	w.handled()
	run.Stop()

	t.Run("new token", func(t *testing.T) {
		w.account.Revoke()
		w.login()
		w.wantChats(row, rider.ID())
		if a := must(w.accounts.Account(w.ctx, row.ID))(t); a.Cursor != "3" || a.Token != w.account.Token() {
			t.Errorf("offset %q", a.Cursor)
		}
	})
	t.Run("another city", func(t *testing.T) {
		w.site.Visited = dbtest.MustCreateCity(t, w.db, "fuerth")
		w.wantWrong(w.enter(w.account.Token()), w.text("kit.account.taken"))
		// Both were shown the bot before one of them confirmed.
		a := newAccount(w.account.ID(), w.account.Username(), "")
		a.Token = w.account.Token()
		check(t, w.accounts.Wait(w.ctx, account.Login{CityID: w.site.Visited.ID, Account: a}))
		w.wantWrong(w.confirm(), w.text("kit.account.taken"))
		w.site.Visited = w.city
	})
	t.Run("another bot", func(t *testing.T) {
		first := w.account
		w.account = w.server.AddBot("other_bot", "Other")
		w.login()
		if s := w.settings(); len(s.Accounts) != 2 || s.Accounts[0].Handle != "@Nuernberg_bot" || s.Accounts[1].Handle != "@other_bot" {
			t.Fatalf("with two bots the page shows %+v", s.Card)
		}
		other := must(w.db.CityBot(w.ctx, w.city.ID, name, w.settings().Accounts[1].BotID))(t)
		w.wantChats(other)
		w.wantChats(row, rider.ID())
		if a := must(w.accounts.Account(w.ctx, other.ID))(t); a.Cursor != "" || a.Handle != "@other_bot" {
			t.Errorf("account %+v", a)
		}
		check(t, w.network.Forget(w.ctx, other))
		check(t, w.db.DeleteBot(w.ctx, other.ID))
		w.account = first
	})
	t.Run("disconnected", func(t *testing.T) {
		subscribed(w, row)
		check(t, w.network.Forget(w.ctx, row))
		w.wantChats(row)
		_, err := w.network.Bot(w.ctx, row, w.host.Log)
		kittest.WantKind(t, err, bots.KindRefused)
		if got := w.words(err); got != w.text("kit.account.none") {
			t.Errorf("error %q", got)
		}
		check(t, w.db.DeleteBot(w.ctx, row.ID))
		if _, err := w.chats.Subscribe(w.ctx, row.ID, "5"); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("somebody can still subscribe: %v", err)
		}
	})
}

// TestPauseIsForgottenWithTheBot has a bot that was told to wait, and is
// disconnected and connected again: what was remembered of it is gone.
func TestPauseIsForgottenWithTheBot(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	row := w.connect()
	rider := subscribed(w, row)
	w.account.LimitNext(1)
	_, err := w.load(row).Send(w.ctx, w.delivery(row, rider.ID(), "U1"))
	kittest.WantKind(t, err, bots.KindLater)
	check(t, w.network.Forget(w.ctx, row))
	a := newAccount(w.account.ID(), w.account.Username(), "")
	a.BotID, a.Token = row.ID, w.account.Token()
	check(t, w.db.Write(w.ctx, func(tx *gorm.DB) error { return w.accounts.Put(tx, a) }))
	w.subscribe(row, rider.ID())
	_, err = w.load(row).Send(w.ctx, w.delivery(row, rider.ID(), "U1"))
	kittest.WantKind(t, err, bots.KindLater) // Telegram's own word
	if refused, _ := w.account.Refused(); refused != 2 {
		t.Errorf("Telegram was asked %d times", refused)
	}
}

func TestWrongTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	unknown := "123456789:AAEhBOweik6ad9r_QXMENQjcrGbqCr4K-bc"
	tests := []struct {
		name, typed string
		prepare     func()
		want        string
	}{
		{"empty", "", nil, w.text("telegram.error.no_token")},
		{"words", "my bot please", nil, w.text("telegram.error.no_token")},
		{"too short", "123456789:AAEhBOweik6", nil, w.text("telegram.error.no_token")},
		{"too long", unknown + "x", nil, w.text("telegram.error.no_token")},
		{"a path", "123456789:../../../../../../../../../../../../../", nil, w.text("telegram.error.no_token")},
		{"unknown", unknown, nil, w.text("telegram.error.token_refused")},
		{"broken", w.account.Token(), func() { w.account.Fail(502) }, w.text("kit.remote.broken", "Name", "Telegram")},
		{"server is away", w.account.Token(), func() { check(t, w.server.Close()) }, w.text("kit.remote.unreachable", "Name", "Telegram")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.prepare != nil {
				tt.prepare()
			}
			w.wantWrong(w.enter(tt.typed), tt.want)
			if got := w.site.Shown.Fields[0]; got.Value != tt.typed || got.Error != tt.want {
				t.Errorf("the field shows %q, and %q", got.Value, got.Error)
			}
			if s := w.settings(); s.Waiting != nil {
				t.Errorf("waits to be confirmed: %+v", s.Waiting)
			}
		})
	}
}

// TestTakingOverFails has Telegram refuse what connecting asks of it: nothing is
// connected, and the login still waits.
func TestTakingOverFails(t *testing.T) {
	t.Parallel()
	for words, trouble := range map[string]func(*standin.Bot){
		"kit.remote.broken":            func(b *standin.Bot) { b.Fail(502) },
		"telegram.error.token_refused": func(b *standin.Bot) { b.Revoke() },
	} {
		t.Run(words, func(t *testing.T) {
			w := newWorld(t, standin.Options{})
			w.enter(w.account.Token())
			trouble(w.account)
			w.wantWrong(w.confirm(), w.text(words, "Name", "Telegram"))
			if s := w.settings(); len(s.Accounts) != 0 || s.Waiting == nil {
				t.Errorf("the page shows %+v", s.Card)
			}
		})
	}
}

func TestCancelAndExpiry(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	w.enter(w.account.Token())
	if w.post("/cancel", nil) != http.StatusSeeOther || w.settings().Waiting != nil {
		t.Error("cancelled, and still there")
	}
	w.enter(w.account.Token())
	w.clock.Move(61 * time.Minute)
	w.wantWrong(w.confirm(), w.text("kit.account.waited"))
}

func TestTokenIsStoredEncrypted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	read := func(table string) {
		var stored []string
		check(t, w.db.Read(w.ctx).Raw("SELECT token FROM "+table).Scan(&stored).Error)
		if len(stored) != 1 || strings.Contains(stored[0], w.account.Token()[:20]) {
			t.Errorf("%s: %q", table, stored)
		}
	}
	w.enter(w.account.Token())
	read("telegram_logins")
	w.confirm()
	read("telegram_accounts")
}

func TestWelcomeText(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	row := w.connect()
	standard := w.text("kit.chat.welcome", "City", "nuernberg")
	if got := w.settings().Welcomes[0].Text; got != standard {
		t.Errorf("shown %q", got)
	}
	kittest.Receive(t, w.load(row), kittest.NewInbox())
	for _, tt := range []struct{ typed, said string }{
		{" Moin!\r\nSchön, dass du da bist. ", "Moin!\nSchön, dass du da bist."},
		{strings.ReplaceAll(standard, "\n", "\r\n"), standard},
		{"Moin!", "Moin!"},
		{"", standard},
	} {
		if status := w.post("/welcome", url.Values{"welcome": {tt.typed}}); status != http.StatusSeeOther {
			t.Fatalf("answered %d: %+v", status, w.site.Shown)
		}
		rider := w.server.AddUser("Rider", "en")
		rider.Write(w.account, "/start")
		if got := w.answer(rider, 1); got != tt.said+"\n\n"+w.text("kit.chat.stored") {
			t.Errorf("typed %q, said %q", tt.typed, got)
		}
		if got := w.settings().Welcomes[0].Text; got != tt.said {
			t.Errorf("typed %q, shown %q", tt.typed, got)
		}
	}
	// The default is that of the reader's language.
	rider := w.server.AddUser("Rider", "de")
	rider.Write(w.account, "/start")
	if got := w.answer(rider, 1); !strings.HasPrefix(got, w.site.Texts.T("de", "kit.chat.welcome", "City", "nuernberg")) {
		t.Errorf("said %q", got)
	}
	long := strings.Repeat("ü", 2001)
	status := w.post("/welcome", url.Values{"welcome": {long}})
	if got := w.site.Shown.Welcomes[0]; status != http.StatusUnprocessableEntity || got.Error == "" || got.Text != long {
		t.Errorf("too long: %d", status)
	}
}

// TestPages renders the card with what it is given, in both languages.
func TestPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	empty := w.settings()
	w.enter(`"><b>`)
	wrong := w.site.Shown
	w.enter(w.account.Token())
	waiting := w.settings()
	w.confirm()
	connected := w.settings()
	w.post("/confirm", url.Values{"bot": {"1"}})
	waited := w.site.Shown
	w.site.Visited = report.City{ID: 7}
	tests := map[string]struct {
		card *chat.Card
		want []string
	}{
		"empty": {empty, []string{"BotFather", `name="token"`, `name="settings_city" value="7"`, "<details open>",
			"kit.account.connect.go", "telegram.lead", "telegram.hint.token"}},
		"wrong":     {wrong, []string{"&#34;&gt;&lt;b&gt;", "aria-invalid"}},
		"waiting":   {waiting, []string{"data:image/png;base64,", `href="https://t.me/Nuernberg_bot"`, `name="account" value="` + formatID(w.account.ID()) + `"`}},
		"connected": {connected, []string{"@Nuernberg_bot", "<textarea", "data:image/png", "telegram.how", "telegram.connect.again"}},
		"waited":    {waited, []string{"<details open>", `role="alert"`, "kit.account.waited"}},
	}
	for name, tt := range tests {
		for _, language := range []string{"en", "de"} {
			t.Run(name+" "+language, func(t *testing.T) {
				page := w.site.Render(t, files, "settings.tmpl", language, tt.card)
				for _, want := range tt.want {
					if w.site.Texts.Has(want) && name != "waited" {
						want = html.EscapeString(w.site.Texts.T(language, want))
					} else if w.site.Texts.Has(want) {
						want = html.EscapeString(w.text(want)) // in the language of the page
					}
					if !strings.Contains(page, want) {
						t.Errorf("there is no %q in %s", want, page)
					}
				}
			})
		}
	}
	t.Run("code", func(t *testing.T) {
		data, found := strings.CutPrefix(string(connected.Accounts[0].QR), "data:image/png;base64,")
		picture, err := png.Decode(base64.NewDecoder(base64.StdEncoding, strings.NewReader(data)))
		if !found || err != nil || picture.Bounds().Dx() < 200 || picture.Bounds().Dx() != picture.Bounds().Dy() {
			t.Errorf("link %.40q, %v", data, err)
		}
	})
}

func TestSetting(t *testing.T) {
	t.Parallel()
	for _, api := range []string{"", "api.telegram.org", "ftp://x", "https://", "https://user:pw@x", "https://x?y=1"} {
		if _, err := network(&options{API: api}).Definition().New(bots.Host{}); err == nil || !strings.Contains(err.Error(), "telegram.api") {
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
	t.Parallel()
	w := newWorld(t, standin.Options{})
	page := must(w.network.(bots.Demo).StartDemo(w.ctx, w.site, w.city))(t)
	row := must(w.db.FindBot(w.ctx, w.city.ID, name))(t)
	if n := must(w.network.CountRecipients(w.ctx, row))(t); n != 2 {
		t.Fatalf("%d subscribers, want 2", n)
	}
	b, in := w.load(row), kittest.NewInbox()
	check(t, b.Check(w.ctx))
	kittest.Receive(t, b, in)
	do := func(method string, form url.Values) int {
		return kittest.Request(t, page, method, "/", form).Code
	}
	// chats are the rider's chat and the other's, as the page shows them.
	chats := func() (yours, others string) {
		do(http.MethodGet, nil)
		shown := w.site.Render(t, kit.Files, "demo.tmpl", "en", w.site.ShownPage)
		yours, others, found := strings.Cut(shown, html.EscapeString(w.text("kit.demo.other")))
		if !found {
			t.Fatalf("there is no other chat in %s", shown)
		}
		return yours, others
	}
	if status := do(http.MethodPost, url.Values{"command": {"/ping"}, "text": {""}}); status != http.StatusSeeOther {
		t.Errorf("command answered %d", status)
	}
	if yours, others := chats(); !strings.Contains(yours, " ms to reach me") || strings.Contains(others, " ms to reach me") {
		t.Errorf("the chats after a command: %s %s", yours, others)
	}
	do(http.MethodPost, url.Values{"text": {"U1 Plärrer"}})
	in.Wait(t, 1)
	r := report.Report{ID: "r", Network: name, BotID: row.ID, Author: w.host.Secrets.Author(row.CityID, name, in.All()[0].Author), Text: "U1 from the rider"}
	to := must(w.network.Recipients(w.ctx, row, r))(t)
	if len(to) != 1 {
		t.Fatalf("goes to %v", to)
	}
	receipt := must(b.Send(w.ctx, report.NewDelivery(r, row, to[0])))(t)
	if yours, others := chats(); strings.Contains(yours, r.Text) || !strings.Contains(others, r.Text) {
		t.Errorf("the chats after a report: %s %s", yours, others)
	}
	check(t, b.Retract(w.ctx, report.Delivery{Recipient: to[0], Retract: &receipt}))
	if _, others := chats(); strings.Contains(others, r.Text) {
		t.Errorf("what was taken back still stands there: %s", others)
	}
	if status := do(http.MethodPost, nil); status != http.StatusUnprocessableEntity {
		t.Errorf("nothing was taken for something: %d", status)
	}
}
