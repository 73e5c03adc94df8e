package telegram

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
	"github.com/google/go-cmp/cmp"
	"golang.org/x/time/rate"
	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/bots/botstest"
	"ticketfrei/bots/telegram/standin"
	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/config"
	"ticketfrei/internal/i18n"
	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"
)

// world is the network with all it stands on, and a stand-in of Telegram.
type world struct {
	t       *testing.T
	ctx     context.Context
	db      *db.DB
	clock   *botstest.Clock
	site    *botstest.Site[settings, demoPage]
	network *network
	server  *standin.Server
	account *standin.Bot
	city    report.City
	log     *bytes.Buffer
}

// fast are limits that no test notices.
var fast = limits{bot: rate.Inf, chat: rate.Inf, group: rate.Inf, groupBurst: 1, slowFor: time.Minute}

func newWorld(t *testing.T, o standin.Options) *world {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	w := &world{t: t, ctx: ctx, clock: &botstest.Clock{}, log: &bytes.Buffer{}}
	if o.Now == nil {
		o.Now = w.clock.Now
	}
	w.server = must(standin.Start(o))(t)
	t.Cleanup(func() { check(t, w.server.Close()) })
	w.account = w.server.AddBot("Nuernberg_bot", "Nürnberg")
	w.db = dbtest.MustOpen(t, w.clock.Now, map[string][]*gormigrate.Migration{name: migrations})
	w.city = dbtest.MustCreateCity(t, w.db, "nuernberg")
	w.city.Name = "Nürnberg"
	w.site = &botstest.Site[settings, demoPage]{DB: w.db, Visited: w.city, Texts: must(i18n.New(files))(t)}
	w.network = must(newNetwork(bots.Host{
		Config: &config.Config{Reports: config.Reports{Expire: 2 * time.Hour, Keep: 168 * time.Hour}},
		DB:     w.db, Secrets: must(secret.New(bytes.Repeat([]byte{7}, 32)))(t), Texts: w.site.Texts,
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Now: w.clock.Now,
	}, &options{API: w.server.URL + "/"}))(t)
	w.network.limits, w.network.site = fast, w.site
	t.Cleanup(w.network.transport.CloseIdleConnections)
	return w
}

// connect makes the account the city's bot, as the settings page does.
func (w *world) connect() report.Bot {
	w.t.Helper()
	return must(w.site.Connect(w.ctx, w.city, name, w.network.botID(w.ctx, w.city), func(tx *gorm.DB, b report.Bot) error {
		return w.network.store.saveAccount(tx, b.ID, pending{CityID: w.city.ID, TelegramID: w.account.ID(),
			Username: w.account.Username(), Name: "Nürnberg", Token: w.account.Token()}, "")
	}))(w.t)
}

// load makes the bot at work anew, as after a restart. What it logs can be
// looked at when it has ended.
func (w *world) load(b report.Bot) *bot {
	w.t.Helper()
	return must(w.network.Bot(w.ctx, b, slog.New(slog.NewTextHandler(w.log, nil))))(w.t).(*bot)
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

// handled waits until every update was handled and confirmed.
func (w *world) handled() {
	w.t.Helper()
	w.until("handle all updates", func() bool { return w.account.Pending() == 0 && w.account.Polling() })
}

// answers waits for the bot's n-th message to a person and returns it.
func (w *world) answer(u *standin.User, n int) string {
	w.t.Helper()
	var got []string
	w.until("answer", func() bool {
		got = nil
		for _, m := range w.account.Chat(u) {
			if m.FromBot {
				got = append(got, m.Text)
			}
		}
		return len(got) >= n
	})
	return got[n-1]
}

// delivery is a report from elsewhere on its way to a chat.
func (w *world) delivery(b report.Bot, chat int64, text string) report.Delivery {
	r := report.Report{ID: "r-" + text[:min(20, len(text))], CityID: b.CityID, Network: "mail", Text: text, Time: w.clock.Now()}
	return report.NewDelivery(r, b, formatID(chat))
}

// subscribe makes somebody a subscriber of long standing.
func (w *world) subscribe(b report.Bot, u *standin.User) {
	w.t.Helper()
	u.Open(w.account)
	must(w.network.store.subscribe(w.ctx, b.ID, u.ID()))(w.t)
}

// text is a text of the catalogue in English.
func (w *world) text(id string, data ...any) string { return w.site.Texts.T("en", id, data...) }

// wantChats compares the chats that have subscribed.
func (w *world) wantChats(b report.Bot, want ...int64) {
	w.t.Helper()
	got := must(w.network.store.chats(w.ctx, b.ID))(w.t)
	if diff := cmp.Diff(append([]int64{}, want...), append([]int64{}, got...)); diff != "" {
		w.t.Errorf("subscribed chats: %s", diff)
	}
}

// post posts a form to the settings routes and returns the status.
func (w *world) post(path string, form url.Values) int {
	w.t.Helper()
	r := chi.NewRouter()
	r.Route("/settings/"+name, func(r chi.Router) { w.network.SettingsRoutes(r, w.site) })
	return botstest.Request(w.t, r, http.MethodPost, "/settings/"+name+path, form).Code
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

// contextFor is a context that ends after d.
func contextFor(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.Context(), d)
}
