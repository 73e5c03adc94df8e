package scaffold

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"
	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/frontend"
	"ticketfrei/internal/config"
	"ticketfrei/internal/i18n"
	"ticketfrei/internal/mailer"
	"ticketfrei/internal/notice"
	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"
	"ticketfrei/templates"
	"ticketfrei/tools/newnetwork/scaffold/scaffoldtest"
)

// noon is what the clock of the tests shows.
var noon = time.Date(2024, 5, 3, 12, 0, 0, 0, time.UTC)

// world is the network with a real database, the real site around its pages,
// and a server of the toy API.
type world struct {
	*testing.T
	db      *db.DB
	network *network
	server  *scaffoldtest.Server
	url     string // of the site
}

func newWorld(t *testing.T) *world {
	t.Helper()
	now := func() time.Time { return noon }
	w := &world{T: t}
	w.server = must(scaffoldtest.Start(now))(t)
	t.Cleanup(func() { _ = w.server.Close() })
	w.db = dbtest.MustOpen(t, now, map[string][]*gormigrate.Migration{name: migrations})
	web := httptest.NewUnstartedServer(nil)
	w.url = "http://" + web.Listener.Addr().String()
	cfg := &config.Config{Web: config.Web{URL: w.url}, Network: config.Network{AllowPrivate: true}}
	box := must(secret.New(bytes.Repeat([]byte{7}, 32)))(t)
	texts := must(i18n.New(append(templates.Texts, files)...))(t)
	log := slog.New(slog.DiscardHandler)
	notices := &notice.Board{}
	w.network = must(newNetwork(bots.Host{Config: cfg, DB: w.db, Secrets: box, Texts: texts,
		HTTP: bots.NewHTTPClient(true), Notices: notices, Log: log, Now: now}, options{Pause: time.Second}))(t)
	site := must(frontend.NewSite(frontend.Options{Config: cfg, DB: w.db, Secrets: box, Texts: texts, Log: log, Now: now, Demo: true,
		Outbox: w, Notices: notices, Relay: w.db, Health: w, Networks: []frontend.Network{{Definition: Definition(), Network: w.network}}}))(t)
	t.Cleanup(site.Close)
	web.Config.Handler = site
	web.Start()
	t.Cleanup(web.Close)
	page := must(w.network.StartDemo(t.Context(), site, dbtest.MustCreateCity(t, w.db, "demo")))(t)
	site.HandleDemo(name, page)
	return w
}

// Ready is for the site.
func (w *world) Ready(context.Context) error { return nil }

// PublishMail is for the site, which sends none here.
func (w *world) PublishMail(context.Context, mailer.Mail) error { return nil }

// connect makes the server's account the bot of a new city, as the settings
// page does.
func (w *world) connect(slug string) report.Bot {
	w.Helper()
	city := dbtest.MustCreateCity(w, w.db, slug)
	a := must(w.network.login(w.Context(), w.server.URL, w.server.Token()))(w.T)
	b, err := w.db.CreateBot(w.Context(), city.ID, name, 0, func(tx *gorm.DB, b report.Bot) error { return w.network.saveAccount(tx, b.ID, a) })
	if err != nil {
		w.Fatal(err)
	}
	return b
}

// load makes the bot at work anew, as after a restart.
func (w *world) load(b report.Bot) *bot {
	w.Helper()
	return must(w.network.Bot(w.Context(), b, w.network.host.Log))(w.T).(*bot)
}

// cursor is what is stored of how far the bot is.
func (w *world) cursor(b report.Bot) string {
	w.Helper()
	return must(w.network.account(w.Context(), b.ID))(w.T).Cursor
}

// browser is a moderator who is logged in, or a visitor.
type browser struct {
	*world
	client *http.Client
}

func (w *world) browser() *browser {
	return &browser{w, &http.Client{Jar: must(cookiejar.New(nil))(w.T)}}
}

// login returns a moderator of a new city.
func (w *world) login(slug string) (*browser, report.City) {
	w.Helper()
	const password = "a long password"
	hash := must(argon2id.CreateHash(password, &argon2id.Params{Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32}))(w.T)
	m := must(w.db.CreateModerator(w.Context(), slug+"@example.org", hash))(w.T)
	city := must(w.db.CreateCity(w.Context(), report.City{Slug: slug, Name: slug, Language: "en", Triggers: "*"}, m.ID, nil))(w.T)
	b := w.browser()
	b.post("/login", url.Values{"email": {m.Email}, "password": {password}}, http.StatusOK)
	return b, city
}

// get returns a page.
func (b *browser) get(path string) string {
	b.Helper()
	resp, err := b.client.Get(b.url + path)
	return b.read(resp, err, http.StatusOK)
}

// post sends a form and returns the page that it leads to.
func (b *browser) post(path string, form url.Values, status int) string {
	b.Helper()
	resp, err := b.client.PostForm(b.url+path, form)
	return b.read(resp, err, status)
}

func (b *browser) read(resp *http.Response, err error, status int) string {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	body := string(must(io.ReadAll(resp.Body))(b.T))
	if resp.StatusCode != status {
		b.Fatalf("status %d, want %d\n%s", resp.StatusCode, status, body)
	}
	return body
}

// shows checks that a page has all the parts.
func shows(t *testing.T, page string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(page, part) {
			t.Errorf("the page lacks %q\n%s", part, page)
		}
	}
}

// must is for steps that a test stands on.
func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
