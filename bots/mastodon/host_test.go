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
	"ticketfrei/bots/botstest"
	"ticketfrei/bots/mastodon/standin"
	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/config"
	"ticketfrei/internal/i18n"
	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"
)

// world is the network with all it stands on, and one instance.
type world struct {
	t       *testing.T
	ctx     context.Context
	db      *db.DB
	clock   *botstest.Clock
	site    *botstest.Site[settings, demoPage]
	network *network
	server  *standin.Server
	account *standin.Account
	city    report.City
}

func newWorld(t *testing.T, o standin.Options) *world {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	w := &world{t: t, ctx: ctx, clock: &botstest.Clock{}}
	if o.Now == nil {
		o.Now = w.clock.Now
	}
	w.server = must(standin.Start(o))(t)
	t.Cleanup(func() { w.server.Close() })
	w.account = w.server.AddAccount("bot")
	w.db = dbtest.MustOpen(t, w.clock.Now, map[string][]*gormigrate.Migration{name: migrations})
	moderator := must(w.db.CreateModerator(ctx, "moderator@example.org", "hash"))(t)
	w.city = must(w.db.CreateCity(ctx, report.City{Slug: "nuernberg", Name: "Nürnberg", Language: "de"}, moderator.ID, nil))(t)
	w.site = &botstest.Site[settings, demoPage]{DB: w.db, Visited: w.city, Texts: must(i18n.New(files))(t)}
	w.network = newNetwork(bots.Host{
		Config: &config.Config{
			Web:     config.Web{URL: "https://ticketfrei.example"},
			Reports: config.Reports{Expire: 2 * time.Hour, Keep: 168 * time.Hour},
			Network: config.Network{AllowPrivate: true},
		},
		DB: w.db, Secrets: must(secret.New(bytes.Repeat([]byte{7}, 32)))(t), Texts: w.site.Texts,
		HTTP: &http.Client{Transport: &http.Transport{}}, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Now: w.clock.Now,
	})
	w.network.timings.shortest, w.network.site = 0, w.site
	return w
}

// connect makes the account the city's bot, as the settings page does.
func (w *world) connect() report.Bot {
	w.t.Helper()
	check(w.t, w.network.hold(w.ctx, w.city, w.server.URL, w.account.Token()))
	p := must(w.network.store.pending(w.ctx, w.city.ID))(w.t)
	return must(w.site.Connect(w.ctx, w.city, name, w.network.botID(w.ctx, w.city), func(tx *gorm.DB, b report.Bot) error {
		return w.network.store.saveAccount(tx, b.ID, p)
	}))(w.t)
}

// load makes the bot at work anew, as after a restart.
func (w *world) load(b report.Bot) *bot {
	w.t.Helper()
	made := must(w.network.Bot(w.ctx, b, w.network.host.Log))(w.t)
	return made.(*bot)
}

// until waits for something to be so on the server.
func (w *world) until(what string, ok func() bool) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, botstest.Patience)
	defer cancel()
	if err := w.server.Wait(ctx, ok); err != nil {
		w.t.Fatalf("%s: %v", what, err)
	}
}

func (w *world) streaming() {
	w.until("open a stream", func() bool { return w.account.Streams() == 1 })
}

// routes serves the settings routes where the frontend mounts them.
func (w *world) routes() http.Handler {
	r := chi.NewRouter()
	r.Route("/settings/"+name, func(r chi.Router) { w.network.SettingsRoutes(r, w.site) })
	return r
}

// do makes a request to the settings routes and returns where it leads to.
func (w *world) do(method, path string, form url.Values) (status int, location string) {
	w.t.Helper()
	answer := botstest.Request(w.t, w.routes(), method, path, form)
	return answer.Code, answer.Header().Get("Location")
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
