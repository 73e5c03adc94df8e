package mastodon

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/bots/kit"
	"ticketfrei/bots/kit/account"
	"ticketfrei/bots/kit/kittest"
	"ticketfrei/bots/kit/post"
	"ticketfrei/bots/mastodon/standin"
	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/config"
	"ticketfrei/internal/i18n/i18ntest"
	"ticketfrei/internal/notice"
	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"
)

// world is the network with all it stands on, and one instance.
type world struct {
	t       *testing.T
	ctx     context.Context
	db      *db.DB
	clock   *kittest.Clock
	site    *kittest.Site[*account.Card, any]
	host    bots.Host
	driver  *driver
	network bots.Network
	server  *standin.Server
	account *standin.Account
	city    report.City
	reviews time.Duration // post.Network.ReviewEvery
}

// working is what the kit makes of an account.
type working interface {
	bots.Bot
	bots.Checker
	bots.Retracter
}

func newWorld(t *testing.T, o standin.Options) *world {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	t.Cleanup(cancel)
	w := &world{t: t, ctx: ctx, clock: &kittest.Clock{}}
	if o.Now == nil {
		o.Now = w.clock.Now
	}
	w.server = must(standin.Start(o))(t)
	t.Cleanup(func() { w.server.Close() })
	w.account = w.server.AddAccount("bot")
	box := must(secret.New(bytes.Repeat([]byte{7}, 32)))(t)
	w.db = dbtest.MustOpen(t, w.clock.Now, map[string][]*gormigrate.Migration{name: migrations(box)})
	moderator := must(w.db.CreateModerator(ctx, "moderator@example.org", "hash"))(t)
	w.city = must(w.db.CreateCity(ctx, report.City{Slug: "nuernberg", Name: "Nürnberg", Language: "de"}, moderator.ID, nil))(t)
	w.site = &kittest.Site[*account.Card, any]{DB: w.db, Visited: w.city, Texts: i18ntest.MustNew(t, append(kit.Texts, files)...)}
	w.host = bots.Host{
		Config: &config.Config{
			Web:     config.Web{URL: "https://ticketfrei.example"},
			Reports: config.Reports{Expire: 2 * time.Hour, Keep: 168 * time.Hour},
			Network: config.Network{AllowPrivate: true},
		},
		DB: w.db, Secrets: box, Notices: &notice.Board{}, Texts: w.site.Texts,
		HTTP: &http.Client{Transport: &http.Transport{}}, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Now: w.clock.Now,
	}
	w.open()
	return w
}

// open makes the network of w.host.
func (w *world) open() {
	w.driver = newDriver(w.host)
	w.driver.timings.shortest = 0
	n := network(func(bots.Host) (post.Driver, error) { return w.driver, nil })
	n.ReviewEvery = w.reviews
	w.network = must(n.Definition().New(w.host))(w.t)
}

// connect makes the account the city's bot, as the settings page does.
func (w *world) connect() report.Bot {
	w.t.Helper()
	w.do("POST", "/settings/mastodon/token", w.login())
	if status, _ := w.do("POST", "/settings/mastodon/confirm", url.Values{"account": {w.account.ID()}}); status != http.StatusSeeOther {
		w.t.Fatalf("confirm answered %d, shown %+v", status, w.site.Shown)
	}
	own := must(w.db.NetworkBots(w.ctx, w.site.Visited.ID, name))(w.t)
	for _, b := range own {
		if text, _, err := w.network.(bots.Addressed).Address(w.ctx, w.city, b); err == nil && text == "@"+w.account.Handle() {
			return b
		}
	}
	w.t.Fatal("no bot has the account")
	return report.Bot{}
}

// login is what is typed to connect the account by its token.
func (w *world) login() url.Values {
	return url.Values{"instance": {w.server.URL}, "token": {w.account.Token()}}
}

// load makes the bot at work, as after a restart.
func (w *world) load(b report.Bot) working {
	w.t.Helper()
	return must(w.network.Bot(w.ctx, b, w.host.Log))(w.t).(working)
}

// until waits for something to be so on the server.
func (w *world) until(what string, ok func() bool) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, kittest.Patience)
	defer cancel()
	if err := w.server.Wait(ctx, ok); err != nil {
		w.t.Fatalf("%s: %v", what, err)
	}
}

func (w *world) streaming() {
	w.until("open a stream", func() bool { return w.account.Streams() == 1 })
}

// asked counts the requests whose path begins with path.
func (w *world) asked(path string) int { return len(w.server.Requests(path)) }

// The paths of streams and of pages of mentions.
const (
	streamPath = "/api/v1/streaming"
	pagePath   = "/api/v1/notifications?"
)

// do makes a request to the settings routes, where the frontend mounts them, and
// returns where it leads to.
func (w *world) do(method, path string, form url.Values) (status int, location string) {
	w.t.Helper()
	r := chi.NewRouter()
	r.Route("/settings/"+name, func(r chi.Router) { w.network.SettingsRoutes(r, w.site) })
	answer := kittest.Request(w.t, r, method, path, form)
	return answer.Code, answer.Header().Get("Location")
}

// write changes the database.
func (w *world) write(statement string, args ...any) {
	w.t.Helper()
	check(w.t, w.db.Write(w.ctx, func(tx *gorm.DB) error { return tx.Exec(statement, args...).Error }))
}

// words are what a moderator reads of an error, in German.
func (w *world) words(err error) string {
	return bots.Words(err, func(id string, data ...any) string { return w.site.Texts.T("de", id, data...) })
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

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
