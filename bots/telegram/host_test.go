package telegram

import (
	"bytes"
	"context"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-gormigrate/gormigrate/v2"
	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/bots/kit"
	"ticketfrei/bots/kit/account"
	"ticketfrei/bots/kit/chat"
	"ticketfrei/bots/kit/kittest"
	"ticketfrei/bots/kit/pace"
	"ticketfrei/bots/kit/recipients"
	faults "ticketfrei/bots/kit/standin"
	"ticketfrei/bots/telegram/standin"
	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/config"
	"ticketfrei/internal/i18n/i18ntest"
	"ticketfrei/internal/notice"
	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"
)

// world is the network with all it stands on, and a stand-in of Telegram.
type world struct {
	t        *testing.T
	ctx      context.Context
	db       *db.DB
	clock    *kittest.Clock
	site     *kittest.Site[*chat.Card, any]
	host     bots.Host
	network  sending
	driver   *driver
	accounts *account.Store
	chats    *recipients.Store
	server   *standin.Server
	account  *standin.Bot
	city     report.City
	log      *bytes.Buffer
}

// sending is a network whose bots have recipients.
type sending interface {
	bots.Network
	bots.Recipients
	bots.Addressed
}

// working is a bot at work.
type working interface {
	bots.Bot
	bots.Checker
	bots.Concurrent
	bots.Retracter
}

// fast is a pace that no test notices.
var fast = pace.Limits{SlowFor: time.Minute}

func newWorld(t *testing.T, o standin.Options) *world { return newPacedWorld(t, o, fast) }

func newPacedWorld(t *testing.T, o standin.Options, limits pace.Limits) *world {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	t.Cleanup(cancel)
	w := &world{t: t, ctx: ctx, clock: &kittest.Clock{}, log: &bytes.Buffer{}}
	if o.Now == nil {
		o.Now = w.clock.Now
	}
	w.server = must(standin.Start(o))(t)
	t.Cleanup(func() { check(t, w.server.Close()) })
	w.account = w.server.AddBot("Nuernberg_bot", "Nürnberg")
	box := must(secret.New(bytes.Repeat([]byte{7}, 32)))(t)
	w.db = dbtest.MustOpen(t, w.clock.Now, map[string][]*gormigrate.Migration{name: migrations(box)})
	w.city = dbtest.MustCreateCity(t, w.db, "nuernberg")
	w.site = &kittest.Site[*chat.Card, any]{DB: w.db, Visited: w.city, Texts: i18ntest.MustNew(t, append([]fs.FS{files}, kit.Texts...)...)}
	w.host = bots.Host{
		Config: &config.Config{Reports: config.Reports{Expire: 2 * time.Hour, Keep: 168 * time.Hour}},
		DB:     w.db, Notices: &notice.Board{}, Places: kittest.CityLines(nil), Secrets: box, Texts: w.site.Texts, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Now: w.clock.Now,
	}
	w.accounts, w.chats = account.NewStore(name, w.host), recipients.NewStore(name, w.host)
	spec := network(&options{})
	spec.Pace = limits
	spec.New = func(h bots.Host) (chat.Driver, error) {
		var err error
		w.driver, err = newDriver(h, w.server.URL+"/")
		return w.driver, err
	}
	w.network = must(spec.Definition().New(w.host))(t).(sending)
	t.Cleanup(w.driver.transport.CloseIdleConnections)
	return w
}

// connect makes the account the city's bot, as the settings page does.
func (w *world) connect() report.Bot {
	w.t.Helper()
	a := newAccount(w.account.ID(), w.account.Username(), "Nürnberg")
	a.Token = w.account.Token()
	botID := must(w.accounts.BotOf(w.ctx, w.city.ID, a))(w.t)
	return must(w.site.Connect(w.ctx, w.city, name, botID, func(tx *gorm.DB, b report.Bot) error {
		a.BotID = b.ID
		return w.accounts.Put(tx, a)
	}))(w.t)
}

// load makes the bot at work, as after a restart. What it logs can be looked at
// when it has ended.
func (w *world) load(b report.Bot) working {
	w.t.Helper()
	return must(w.network.Bot(w.ctx, b, slog.New(slog.NewTextHandler(w.log, nil))))(w.t).(working)
}

// until waits for something to be so, on the server or in what the bot makes of it.
func (w *world) until(what string, ok func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(kittest.Patience); ; {
		ctx, cancel := context.WithTimeout(w.ctx, 50*time.Millisecond) // the server does not know what the bot does
		err := w.server.Wait(ctx, ok)
		cancel()
		switch {
		case err == nil:
			return
		case time.Now().After(deadline) || w.ctx.Err() != nil:
			w.t.Fatalf("%s: %v", what, err)
		}
	}
}

// handled waits until every update was handled and confirmed.
func (w *world) handled() {
	w.t.Helper()
	w.until("handle all updates", func() bool { return w.account.Pending() == 0 && w.account.Polling() })
}

// answer waits for the bot's n-th message to a person and returns it.
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

// delivery is a report from elsewhere on its way to a chat that has subscribed.
func (w *world) delivery(b report.Bot, chat int64, text string) report.Delivery {
	w.t.Helper()
	recipient := must(w.chats.Find(w.ctx, b.ID, formatID(chat)))(w.t).ID
	r := report.Report{ID: "r-" + text[:min(20, len(text))], CityID: b.CityID, Network: "mail", Text: text, Time: w.clock.Now()}
	return report.NewDelivery(r, b, recipient)
}

// subscribe makes a chat a subscriber of long standing.
func (w *world) subscribe(b report.Bot, chat int64) {
	w.t.Helper()
	must(w.chats.Subscribe(w.ctx, b.ID, formatID(chat)))(w.t)
}

// subscribed makes a person who has subscribed.
func subscribed(w *world, b report.Bot) *standin.User {
	w.t.Helper()
	u := w.server.AddUser("Rider", "en")
	u.Open(w.account)
	w.subscribe(b, u.ID())
	return u
}

// text is a text of the catalogue in English.
func (w *world) text(id string, data ...any) string { return w.site.Texts.T("en", id, data...) }

// words are what a moderator reads of an error.
func (w *world) words(err error) string {
	w.t.Helper()
	if err == nil {
		w.t.Fatal("there is no error")
	}
	return bots.Words(err, w.text)
}

// sentTo are the chats that a report is sent to.
func (w *world) sentTo(b report.Bot, r report.Report) []int64 {
	w.t.Helper()
	chats := []int64{}
	for _, to := range must(w.network.Recipients(w.ctx, b, r))(w.t) {
		address := must(w.chats.Get(w.ctx, b.ID, to))(w.t).Address
		chats = append(chats, must(strconv.ParseInt(address, 10, 64))(w.t))
	}
	return chats
}

// wantChats compares the chats that have subscribed.
func (w *world) wantChats(b report.Bot, want ...int64) {
	w.t.Helper()
	if diff := cmp.Diff(append([]int64{}, want...), w.sentTo(b, report.Report{})); diff != "" {
		w.t.Errorf("subscribed chats: %s", diff)
	}
}

// routes are the forms of the settings.
func (w *world) routes() http.Handler {
	r := chi.NewRouter()
	r.Route("/settings/"+name, func(r chi.Router) { w.network.SettingsRoutes(r, w.site) })
	return r
}

// post posts a form to the settings and returns the status.
func (w *world) post(path string, form url.Values) int {
	w.t.Helper()
	return kittest.Request(w.t, w.routes(), http.MethodPost, "/settings/"+name+path, form).Code
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

// method is the path of a method of the bot.
func (w *world) method(name string) string { return "/bot" + w.account.Token() + "/" + name }

// hang is a server that does not answer.
var hang = faults.Hang()
